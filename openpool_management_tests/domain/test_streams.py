"""Streams and keys, read from text that others wrote."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.streams import (
    NODE_TYPES,
    ObjectTimes,
    Stream,
    stream_of_key,
    times_of_key,
)
from openpool_management_tests.log_objects import AI, START, key

streams = st.builds(
    Stream,
    st.sampled_from(NODE_TYPES),
    st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1),
)
seconds = st.integers(0, 10**9)


@given(streams)
def test_stream_reads_what_it_writes(stream: Stream) -> None:
    assert Stream.parse(str(stream)) == stream


@given(streams, seconds, seconds)
def test_key_leads_back_to_its_stream_and_times(stream: Stream, first: int, last: int) -> None:
    name = key(stream, first, last or 1)
    assert stream_of_key(name) == stream
    assert times_of_key(stream, name) == ObjectTimes(
        START + timedelta(seconds=first), START + timedelta(seconds=last or 1)
    )


@given(streams, seconds, seconds)
def test_key_at_a_moment_sorts_before_objects_from_then_on(
    stream: Stream, moment: int, first: int
) -> None:
    before = stream.key_at(START + timedelta(seconds=moment))
    assert (before < key(stream, first)) == (moment <= first)


@given(st.text())
def test_any_text_is_a_key_of_a_stream_or_of_none(text: str) -> None:
    stream = stream_of_key(text)
    if stream is not None:
        assert text.startswith(stream.prefix)
        times_of_key(stream, text)


@pytest.mark.parametrize("text", ["", "ai", "ai|", "gpu|us", "|us", "ai|us/west"])
def test_text_that_is_no_stream_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"nodeType\|region"):
        Stream.parse(text)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "us-central/ai/deeper/us-central-ai-20260301T000000Z_20260301T000059Z.json",
        "us-central/gpu/us-central-gpu-20260301T000000Z_20260301T000059Z.json",
        "/ai/-ai-20260301T000000Z_20260301T000059Z.json",
    ],
)
def test_key_of_no_stream(name: str) -> None:
    assert stream_of_key(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "us-central/ai/notes.json",
        "us-central/ai/us-west-ai-20260301T000000Z_20260301T000059Z.json",
        "us-central/ai/us-central-ai-20260231T000000Z_20260301T000059Z.json",
        "us-central/ai/us-central-ai-20260301T000000Z_20260301T000059Z.json.bak",
        "us-central/ai/us-central-ai-20260301T000000_20260301T000059.json",
    ],
)
def test_key_without_times(name: str) -> None:
    assert stream_of_key(name) == AI
    assert times_of_key(AI, name) is None


def test_region_with_dashes_that_look_like_a_node_type() -> None:
    stream = Stream("transcode", "eu-ai-2")
    name = "eu-ai-2/transcode/eu-ai-2-transcode-20260301T000000Z_20260301T000059Z.json"
    assert stream_of_key(name) == stream
    assert times_of_key(stream, name) == ObjectTimes(
        datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, 0, 0, 59, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "times",
    [
        "00010101T000000Z_00010101T000000Z",
        "19691231T235959Z_19700101T000000Z",
        "20260101T000000Z_99991231T235959Z",
    ],
)
def test_a_key_of_an_impossible_year_states_no_times(times: str) -> None:
    stream = Stream("ai", "us-east")
    assert times_of_key(stream, f"us-east/ai/us-east-ai-{times}.json") is None
