"""Any split, order and repetition of the same objects gives the same ledger, to the wei."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management_tests.ledgers import (
    MemorySource,
    Picture,
    ScratchLedger,
    Version,
    sync_in_turns,
)
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    TRANSCODE,
    Event,
    body,
    event,
    key,
    processed,
    received,
    transcoded,
)

WEEK = 7 * 24 * 3600
workers = st.sampled_from([ALICE, BOB, ZERO_ADDRESS])
connections = st.sampled_from(["10.0.0.1:5000", "10.0.0.2:5000", "unknown"])
jobs = st.sampled_from(["received", "processed"])
kinds = st.one_of(
    jobs, jobs, jobs, st.sampled_from(["connected", "disconnected", "reset", "odd", "received"])
)


@st.composite
def ai_events(draw: st.DrawFn, start: int, numbers: Sequence[int]) -> list[Event]:
    """The events of a flush: few request IDs and workers, many ties in time."""
    events = []
    second = start
    for no in numbers:
        second += draw(st.sampled_from([0, 0, 1, 20]))
        kind = draw(kinds)
        request = draw(st.sampled_from(["0a0a0a0a", "0b0b0b0b"]))
        if kind == "received":
            events.append(received(draw(workers), second, no=no, request=request))
        elif kind == "processed":
            price = draw(st.sampled_from([0, 7, 2**70]))
            events.append(processed(second, no=no, request=request, price=price))
        elif kind == "reset":
            events.append(event(AI, "orchestrator-reset", second, no=no))
        elif kind == "odd":
            events.append(event(AI, "gateway-painted", second, no=no, colour="blue"))
        else:
            payload = {"ethAddress": draw(workers), "connection": draw(connections)}
            events.append(event(AI, f"worker-{kind}", second, no=no, **payload))
    return events


@st.composite
def ai_logs(draw: st.DrawFn) -> list[Version]:
    """Objects of one stream: some begin in one second, some overwrite each other."""
    places = draw(
        st.lists(
            st.tuples(st.sampled_from([0, 60, 3540, 3600, 3660, WEEK]), st.sampled_from([58, 59])),
            min_size=2,
            max_size=5,
        )
    )
    versions = []
    for place, (start, length) in enumerate(places):
        numbers = range(
            100 * place + 1, 100 * place + 1 + draw(st.sampled_from([0, 1, 2, 2, 3, 5]))
        )
        events = draw(ai_events(start, numbers))
        # An empty flush overwrites nothing that matters, but its bytes are those of another.
        versions.append(Version(key(AI, start, start + length), body(events or None)))
    return list(dict.fromkeys(versions))


@st.composite
def transcode_logs(draw: st.DrawFn) -> list[Version]:
    versions = []
    for place, start in enumerate(draw(st.lists(st.sampled_from([0, 60, WEEK]), max_size=3))):
        jobs = draw(st.lists(st.tuples(workers, st.integers(0, 9), st.integers(0, 2**80))))
        events = [
            transcoded(worker, start, no=10_000 + 1000 * place + no, units=units, price=price)
            for no, (worker, units, price) in enumerate(jobs)
        ]
        versions.append(Version(key(TRANSCODE, start, start + 60 + place), body(events)))
    return versions


def read_in_turns(turns: Sequence[Sequence[Version]], batch_objects: int = 250) -> Picture:
    with TemporaryDirectory() as directory, ScratchLedger.in_directory(Path(directory)) as scratch:
        sync_in_turns(scratch, turns, batch_objects=batch_objects)
        return scratch.picture()


@st.composite
def turns_of(draw: st.DrawFn, versions: Sequence[Version]) -> list[list[Version]]:
    """The versions in any order, cut anywhere."""
    shuffled = draw(st.permutations(versions))
    cuts = draw(st.sets(st.integers(1, len(shuffled)), max_size=4))
    bounds = [0, *sorted(cuts), len(shuffled)]
    return [shuffled[lo:hi] for lo, hi in pairwise(bounds)]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_split_and_order_change_nothing(data: st.DataObject) -> None:
    versions = data.draw(ai_logs()) + data.draw(transcode_logs())
    at_once = read_in_turns([versions])
    turns = data.draw(turns_of(versions))
    assert read_in_turns(turns, batch_objects=data.draw(st.sampled_from([1, 2, 250]))) == at_once


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_objects_read_again_in_other_bytes_change_nothing(data: st.DataObject) -> None:
    versions = data.draw(ai_logs()) + data.draw(transcode_logs())
    chosen = data.draw(st.lists(st.sampled_from(versions), max_size=3, unique=True))
    again = [Version(one.key, one.data + b"\n") for one in chosen]
    once = read_in_turns([versions])
    assert read_in_turns([versions, again]) == once
    same_moment = read_in_turns(data.draw(turns_of([*versions, *again])))
    # Which of two equal copies was read first is an accident: it may not show in money or work.
    assert same_moment.document["streams"].keys() == once.document["streams"].keys()
    for name, stream in once.document["streams"].items():
        assert same_moment.document["streams"][name]["events"] == stream["events"]


@dataclass(frozen=True)
class UnambiguousLog:
    """Objects in which every request ID belongs to one pair, one twin key holding a superset."""

    versions: list[Version]
    superset: Version


@st.composite
def unambiguous_logs(draw: st.DrawFn) -> UnambiguousLog:
    flushes: dict[int, list[Event]] = {0: [], 60: [], 120: []}
    for no in range(1, draw(st.integers(1, 6)) + 1):
        request = f"{no:08x}"
        start = draw(st.sampled_from([0, 60]))
        if draw(st.booleans()):
            worker = draw(workers)
            flushes[start].append(received(worker, start, no=no, request=request))
        later = start + draw(st.sampled_from([0, 60]))
        flushes[later].append(processed(later, no=1000 + no, request=request, price=no))
    versions = [Version(key(AI, start), body(events)) for start, events in flushes.items()]
    start = draw(st.sampled_from(list(flushes)))
    extra = [processed(start + 1, no=5000, request="ffffffff", price=11)]
    return UnambiguousLog(versions, Version(key(AI, start), body(flushes[start] + extra)))


@settings(max_examples=20, deadline=None)
@given(unambiguous_logs(), st.data())
def test_events_sent_again_in_an_overwritten_key_count_once(
    log: UnambiguousLog, data: st.DataObject
) -> None:
    at_once = read_in_turns([[*log.versions, log.superset]])
    assert read_in_turns(data.draw(turns_of([*log.versions, log.superset]))) == at_once
    assert read_in_turns([[log.superset], log.versions]) == at_once
    without = [one for one in log.versions if one.key != log.superset.key]
    assert read_in_turns([[*without, log.superset]]) == at_once


@settings(max_examples=15, deadline=None)
@given(ai_logs())
def test_reading_on_finds_nothing_more(versions: list[Version]) -> None:
    with TemporaryDirectory() as directory, ScratchLedger.in_directory(Path(directory)) as scratch:
        source = MemorySource(versions)
        scratch.sync(source)
        before = scratch.picture()
        assert scratch.sync(source) == scratch.sync(source, full=True) == []
        assert scratch.picture() == before


def test_an_answer_is_not_claimed_again_by_a_job_a_window_later() -> None:
    """The job that has it happened just outside the later job's window, its clock being behind."""
    first = Version(key(AI, 0), body([received(ALICE, 60, no=1), processed(-10, no=2)]))
    later = Version(key(AI, 3650), body([processed(3655, no=3)]))
    at_once = read_in_turns([[first, later]])
    assert list(at_once.workers.values()) == [ALICE, None]
    assert read_in_turns([[first], [later]]) == at_once
    assert read_in_turns([[later], [first]]) == at_once
