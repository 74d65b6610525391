"""What counts as new, how much a batch takes, and what becomes of objects that can't be read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from openpool_management.domain.correlation import PairRules
from openpool_management.services.ingest import BatchLimits, Ingest
from openpool_management.services.ports import Fetched, ObjectRef
from openpool_management_tests.ledgers import MemorySource, ScratchLedger, Version
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    NOW,
    Event,
    body,
    event_id,
    key,
    moment,
    processed,
    received,
    transcoded,
)

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[ScratchLedger]:
    with ScratchLedger.in_directory(tmp_path) as ledger:
        yield ledger


def job_at(second: int, no: int) -> Version:
    return Version(key(AI, second), body([processed(second, no=no)]))


def test_objects_read_are_not_new(scratch: ScratchLedger) -> None:
    source = MemorySource([job_at(0, 1), job_at(60, 2)])
    ingest = scratch.ingest(source)
    assert [ref.key for ref in ingest.new_objects(AI)] == [key(AI, 0), key(AI, 60)]
    (outcome,) = ingest.sync(AI)
    assert outcome.batch is not None
    assert [one.key for one in outcome.batch.objects] == [key(AI, 0), key(AI, 60)]
    assert list(ingest.new_objects(AI)) == list(ingest.new_objects(AI, full=True)) == []
    assert list(ingest.sync(AI)) == []


def test_late_key_and_overwritten_key_are_new(scratch: ScratchLedger) -> None:
    source = MemorySource([job_at(DAY, 1)])
    scratch.sync(source)
    overwritten = Version(key(AI, DAY), body([processed(DAY, no=2)]))
    source.add([job_at(0, 3), overwritten])
    ingest = scratch.ingest(source)
    assert [(ref.key, ref.etag) for ref in ingest.new_objects(AI)] == [
        (key(AI, 0), job_at(0, 3).etag),
        (key(AI, DAY), overwritten.etag),
    ]
    scratch.sync(source)
    assert set(scratch.picture().workers) == {event_id(no) for no in (1, 2, 3)}


def test_same_content_under_one_key_is_listed_once(scratch: ScratchLedger) -> None:
    source = MemorySource([job_at(0, 1), job_at(0, 1)])
    assert len(list(scratch.ingest(source).new_objects(AI))) == 1


@pytest.mark.parametrize(("age", "found"), [(HOUR, True), (HOUR + 1, False)])
def test_object_later_than_the_window_is_left_to_the_full_listing(
    scratch: ScratchLedger, age: int, found: bool
) -> None:
    lateness = timedelta(hours=1)
    source = MemorySource([job_at(DAY, 1)])
    scratch.sync(source, lateness=lateness)
    source.add([job_at(DAY - age, 2)])
    assert bool(scratch.sync(source, lateness=lateness)) == found
    assert bool(scratch.sync(source, lateness=lateness, full=True)) == (not found)
    assert set(scratch.picture().workers) == {event_id(1), event_id(2)}


def test_key_from_the_future_does_not_hide_what_comes(scratch: ScratchLedger) -> None:
    """A clock a year ahead in one key must not move the listing's start."""
    year = 365 * DAY
    source = MemorySource([Version(key(AI, year), b"null")])
    scratch.sync(source)
    source.add([job_at(0, 1)])
    assert len(scratch.sync(source)) == 1


def test_batches_hold_at_most_so_many_objects_and_bytes(scratch: ScratchLedger) -> None:
    source = MemorySource([job_at(60 * number, number + 1) for number in range(7)])
    size = len(job_at(0, 1).data)
    by_count = Ingest(
        source, scratch.ledger, scratch.lake, lambda: NOW, limits=BatchLimits(max_objects=3)
    )
    sizes = [
        len(outcome.batch.objects) for outcome in by_count.sync(AI, max_batches=1) if outcome.batch
    ]
    assert sizes == [3]
    by_bytes = Ingest(
        source, scratch.ledger, scratch.lake, lambda: NOW, limits=BatchLimits(max_bytes=2 * size)
    )
    sizes = [len(outcome.batch.objects) for outcome in by_bytes.sync(AI) if outcome.batch]
    assert sizes == [2, 2]


def test_object_above_the_size_of_a_batch_is_read_alone(scratch: ScratchLedger) -> None:
    source = MemorySource([job_at(0, 1), job_at(60, 2)])
    ingest = Ingest(
        source, scratch.ledger, scratch.lake, lambda: NOW, limits=BatchLimits(max_bytes=1)
    )
    assert len(list(ingest.sync(AI))) == 2


def test_seq_counts_the_batches_of_a_stream(scratch: ScratchLedger) -> None:
    source = MemorySource([job_at(60 * number, number + 1) for number in range(3)])
    ingest = scratch.ingest(source, batch_objects=1)
    seqs = [outcome.batch.seq for outcome in ingest.sync(AI) if outcome.batch]
    assert seqs == [1, 2, 3]
    assert scratch.ledger.head(AI).seq == 3


@dataclass
class FailingSource(MemorySource):
    """A source that can't read some keys for now."""

    broken: set[str] = field(default_factory=set)

    def fetch(self, refs: Sequence[ObjectRef]) -> Iterator[Fetched]:
        """See the port."""
        for one in super().fetch(refs):
            if one.ref.key in self.broken:
                yield Fetched(one.ref, None, f"{one.ref.key} could not be read: try again.")
            else:
                yield one


@pytest.mark.parametrize("batch_objects", [1, 2, 250])
def test_unreadable_object_is_left_unread_told_and_read_later(
    scratch: ScratchLedger, batch_objects: int
) -> None:
    versions = [
        Version(key(AI, 0), body([received(ALICE, 0, no=1)])),
        Version(key(AI, 60), body([processed(60, no=2)])),
        Version(key(AI, 120), body([processed(120, no=3, request="ffffffff")])),
    ]
    source = FailingSource(versions, broken={key(AI, 0)})
    outcomes = scratch.sync(source, batch_objects=batch_objects)
    assert [one.ref.key for outcome in outcomes for one in outcome.unread] == [key(AI, 0)]
    assert scratch.picture().workers == {event_id(2): None, event_id(3): None}
    assert [ref.key for ref in scratch.ingest(source).new_objects(AI)] == [key(AI, 0)]
    source.broken.clear()
    (later,) = scratch.sync(source)
    assert later.unread == ()
    assert scratch.picture().workers == {event_id(2): ALICE, event_id(3): None}


def test_nothing_readable_is_no_batch(scratch: ScratchLedger) -> None:
    source = FailingSource([job_at(0, 1)], broken={key(AI, 0)})
    (outcome,) = scratch.sync(source)
    assert outcome.batch is None
    assert len(outcome.unread) == 1
    assert scratch.ledger.head(AI).seq == 0


@dataclass
class RacingSource(MemorySource):
    """A source in which another sync reads the same objects while they are being fetched."""

    other: ScratchLedger | None = None

    def fetch(self, refs: Sequence[ObjectRef]) -> Iterator[Fetched]:
        """See the port."""
        fetched = list(super().fetch(refs))
        other, self.other = self.other, None
        if other is not None:
            other.sync(MemorySource(self.versions[:2]), batch_objects=1)
        yield from fetched


def test_batch_overtaken_by_another_sync_is_worked_out_again(
    scratch: ScratchLedger, tmp_path: Path
) -> None:
    versions = [
        Version(key(AI, 0), body([received(ALICE, 0, no=1)])),
        Version(key(AI, 60), body([processed(1, no=2)])),
        Version(key(AI, 120), body([processed(120, no=3, request="ffffffff")])),
    ]
    with ScratchLedger.in_directory(tmp_path) as other:
        (outcome,) = scratch.sync(RacingSource(versions, other=other))
    assert outcome.batch is not None
    assert [one.key for one in outcome.batch.objects] == [key(AI, 120)]
    assert scratch.picture().workers == {event_id(2): ALICE, event_id(3): None}


def test_batch_whose_objects_were_all_read_by_another_is_none(
    scratch: ScratchLedger, tmp_path: Path
) -> None:
    with ScratchLedger.in_directory(tmp_path) as other:
        (outcome,) = scratch.sync(RacingSource([job_at(0, 1), job_at(60, 2)], other=other))
    assert outcome.batch is None
    assert scratch.picture().workers.keys() == {event_id(1), event_id(2)}


@pytest.mark.parametrize(("late_by", "worker"), [(0, ALICE), (1, None)])
def test_answer_read_days_after_its_job(
    scratch: ScratchLedger, late_by: int, worker: str | None
) -> None:
    read_at = moment(HOUR)
    rules = PairRules(late=timedelta(days=7))
    source = MemorySource([Version(key(AI, 60), body([processed(60, no=1)]))])
    scratch.sync(source, clock=lambda: read_at, rules=rules)
    source.add([Version(key(AI, 0), body([received(ALICE, 1, no=2)]))])
    much_later = read_at + timedelta(days=7, seconds=late_by)
    scratch.sync(source, clock=lambda: much_later, rules=rules, full=True)
    assert scratch.picture().workers == {event_id(1): worker}


def test_lake_file_that_no_batch_names_does_no_harm(scratch: ScratchLedger) -> None:
    """What a crash between the lake's write and the ledger's commit leaves."""
    source = MemorySource([job_at(0, 1)])
    scratch.sync(source)
    (file,) = scratch.lake_files(AI)
    rows = scratch.events(AI)
    orphan = scratch.lake.write(AI, "f" * 32, rows)
    (scratch.lake.root / file.name).with_suffix(".1.draft").write_bytes(b"half a file")
    source.add([job_at(60, 2), Version(key(AI, 120), body([processed(0, no=1)]))])
    scratch.sync(source)
    assert orphan not in scratch.lake_files(AI)
    assert set(scratch.picture().workers) == {event_id(1), event_id(2)}


@pytest.mark.parametrize(
    "hostile",
    [
        processed(1, no=5, pipeline="p\0q"),
        processed(1, no=5, modelID="\0"),
        processed(1, request="\0", no=5),
        processed(1) | {"ID": "id\0"},
        processed(1, no=5) | {"EventType": "painted\0"},
        processed(1, fees=1) | {"ID": "held\0"},
        processed(1, no=5) | {"EventType": "é" * 300},
        received("0x" + "0" * 40, 1, no=5, pipeline="", modelID=""),
        processed(1, no=5, pipeline="", modelID="", requestID=""),
        processed(1, no=5, responseTime=10**29),
        processed(1, no=5, units=10**30 - 1, price=1),
    ],
)
def test_odd_event_stops_nothing(ledger_url: str, tmp_path: Path, hostile: Event) -> None:
    """It is read or held; the events around it and the objects after it are read."""
    with ScratchLedger(ledger_url, tmp_path / "lake") as scratch:
        around = [processed(0, no=1), hostile, processed(2, no=2)]
        source = MemorySource([Version(key(AI, 0), body(around)), job_at(60, 3)])
        scratch.sync(source, batch_objects=1)
        known = scratch.picture().workers
        assert {event_id(no) for no in (1, 2, 3)} <= known.keys()


@pytest.mark.parametrize("dt", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])
@pytest.mark.parametrize(
    "old", [processed(1, no=5), received(ALICE, 1, no=5)], ids=["job", "answer"]
)
def test_time_before_1970_is_held_and_stops_nothing(
    scratch: ScratchLedger, old: Event, dt: str
) -> None:
    """Go writes the year 1 for a time that was never set."""
    events = [processed(0, no=1), old | {"DT": dt}, processed(2, no=2)]
    scratch.sync(MemorySource([Version(key(AI, 0), body(events))]))
    assert set(scratch.picture().workers) == {event_id(1), event_id(2)}
    assert scratch.document()["held"] == 1


def test_transcoding_and_ai_share_nothing(scratch: ScratchLedger) -> None:
    stream = "oceania/transcode/oceania-transcode-20260301T000000Z_20260301T000059Z.json"
    source = MemorySource([Version(stream, body([transcoded(ALICE, no=1)])), job_at(0, 2)])
    assert len(scratch.sync(source)) == 2
    assert scratch.picture().workers == {event_id(1): ALICE, event_id(2): None}
