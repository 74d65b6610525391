"""Decoding never raises, and holds what it can't read with the exact reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openpool_management.domain.event_frame import decode_events
from openpool_management.domain.holds import WHOLE_OBJECT, HeldItem, HoldReason
from openpool_management.domain.streams import NODE_TYPES, Stream
from openpool_management_tests.conftest import DATA
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    NOW,
    TRANSCODE,
    Event,
    body,
    event,
    processed,
    received,
    transcoded,
)

REAL_OBJECTS = sorted(DATA.glob("events/*/ai/*.json"), key=lambda path: path.stat().st_size)
STREAMS = [AI, TRANSCODE, Stream("ai", "")]


def read(data: bytes, stream: Stream = AI) -> tuple[list[dict[str, Any]], list[HeldItem]]:
    frame, held = decode_events(stream, [(0, data)], NOW)
    return frame.rows(named=True), held


def assert_accounted_for(data: bytes, stream: Stream) -> None:
    """Every place of the array is an event or held, once; or the object is held as a whole."""
    rows, held = read(data, stream)
    places = [row["object_index"] for row in rows] + [item.event_index for item in held]
    if places == [WHOLE_OBJECT]:
        assert held[0].reason is HoldReason.INVALID_JSON
        return
    assert sorted(places) == list(range(len(json.loads(data) or [])))
    for item in held:
        assert item.detail.endswith(".")
        assert item.raw is not None
        json.loads(item.raw)


@settings(deadline=None)
@given(st.binary(), st.sampled_from(STREAMS))
@example(b"[" * 100_000, AI)
@example(b"[" * 100_000 + b"]" * 100_000, AI)
@example(b"\xef\xbb\xbf[]", AI)
@example(b'["\\ud800"]', AI)
def test_any_bytes(data: bytes, stream: Stream) -> None:
    assert_accounted_for(data, stream)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_real_objects_with_bytes_changed(data: st.DataObject) -> None:
    original = REAL_OBJECTS[0].read_bytes()[:3000] + b"]"
    mutated = bytearray(original[: original.rindex(b"},")] + b"}]")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        junk = data.draw(st.sampled_from([b"", b'"', b"0", b"9" * 40, b"null", b"{", b"-", b"\\"]))
        mutated[place : place + data.draw(st.integers(0, 3))] = junk
    assert_accounted_for(bytes(mutated), AI)


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**30, 10**400]),
    st.floats(),
    st.text(),
    st.sampled_from([ALICE, "2026-03-01T00:00:00Z", "0001-01-01T00:00:00Z", "\0", "job-processed"]),
)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
FIELDS = ["DT", "EventType", "ID", "NodeType", "Payload", "Region", "Version"]


@st.composite
def odd_events(draw: st.DrawFn, stream: Stream) -> Any:
    """A good event with some of its fields replaced, dropped or added to."""
    whole = draw(
        st.sampled_from(
            [processed(), received(ALICE), event(AI, "orchestrator-reset")]
            if stream == AI
            else [transcoded(ALICE), event(TRANSCODE, "gateway-reset")]
        )
    )
    changed: Event = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(0, 2))):
        target = draw(st.sampled_from([changed, changed.get("Payload")]))
        if not isinstance(target, dict):
            continue
        name = draw(st.sampled_from([*target, "extra"]))
        if draw(st.booleans()):
            target[name] = draw(trees)
        else:
            target.pop(name, None)
    return draw(st.sampled_from([changed, changed, changed, draw(trees)]))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_json(data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from([AI, TRANSCODE]))
    events = data.draw(st.lists(odd_events(stream), max_size=4))
    assert_accounted_for(json.dumps(events).encode(), stream)


@settings(deadline=None)
@given(trees, st.sampled_from(NODE_TYPES))
def test_any_tree(tree: Any, node_type: str) -> None:
    rows, _ = read(json.dumps(tree).encode(), Stream(node_type, "us-central"))
    assert rows == []


@pytest.mark.parametrize("path", REAL_OBJECTS, ids=lambda path: path.stem[-33:])
def test_real_object(path: Path) -> None:
    rows, held = read(path.read_bytes())
    assert held == []
    assert len(rows) == len(json.loads(path.read_bytes()))


@pytest.mark.parametrize(
    "data",
    [b"", b"[", b'[{"DT": ', b"{}", b"5", b'"text"', b"[] []", b"\xff", b"[NaN]", b"nul"],
)
def test_object_that_is_no_array(data: bytes) -> None:
    rows, held = read(data)
    assert rows == []
    assert [(item.reason, item.event_index, item.raw) for item in held] == [
        (HoldReason.INVALID_JSON, WHOLE_OBJECT, None)
    ]


def test_truncated_object() -> None:
    whole = body([processed(), received(ALICE)])
    rows, held = read(whole[:-20])
    assert rows == []
    assert [item.reason for item in held] == [HoldReason.INVALID_JSON]


@pytest.mark.parametrize("data", [b"null", b"[]", b" [ ] \n"])
def test_object_without_events(data: bytes) -> None:
    assert read(data) == ([], [])
