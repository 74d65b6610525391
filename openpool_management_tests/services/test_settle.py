"""A batch, worked out of bytes before anything is committed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openpool_management.domain.batch import Batch, BatchKind
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.holds import WHOLE_OBJECT, HoldReason
from openpool_management.domain.lake_rows import EPOCH, LAKE_SCHEMA
from openpool_management.services import settle as settling
from openpool_management.services.ports import Fetched, LedgerConflict, ObjectRef
from openpool_management.services.settle import DecodedObjects, decode_objects, settle
from openpool_management_tests.ledgers import ScratchLedger, Version
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    NOW,
    Event,
    body,
    event,
    event_id,
    key,
    moment,
    processed,
    received,
)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[ScratchLedger]:
    with ScratchLedger.in_directory(tmp_path) as ledger:
        yield ledger


def fetched(name: str, data: bytes | None) -> Fetched:
    version = Version(name, data or b"")
    ref = ObjectRef(name, "v1", version.etag, len(version.data), EPOCH)
    return Fetched(ref, data, None if data is not None else "gone")


def decoded(*objects: tuple[int, list[Event]]) -> DecodedObjects:
    return decode_objects(AI, (fetched(key(AI, start), body(rows)) for start, rows in objects), NOW)


def settled(scratch: ScratchLedger, one: DecodedObjects) -> Batch:
    return settle(one, scratch.ledger.head(AI), scratch.ledger, scratch.lake, PairRules())


def test_objects_are_described_with_what_they_held() -> None:
    one = decoded((0, [processed(0, no=1), processed(1, no=2, fees=1)]), (60, []))
    assert [(item.key, item.version_id, item.events) for item in one.objects] == [
        (key(AI, 0), "v1", 1),
        (key(AI, 60), "v1", 0),
    ]
    assert (one.objects[1].start, one.objects[1].end) == (moment(60), moment(119))
    assert [(item.object_no, item.event_index) for item in one.held] == [(0, 1)]


def test_object_that_could_not_be_read_is_not_among_them() -> None:
    one = decode_objects(AI, [fetched(key(AI, 0), None), fetched(key(AI, 60), b"[]")], NOW)
    assert [item.key for item in one.objects] == [key(AI, 60)]


def test_one_content_that_came_under_two_refs_is_taken_once() -> None:
    twice = [fetched(key(AI, 0), body([processed(no=1)]))] * 2
    one = decode_objects(AI, twice, NOW)
    assert len(one.objects) == one.events.height == 1


def test_key_without_times_is_held_whole() -> None:
    name = "us-central/ai/notes.json"
    one = decode_objects(AI, [fetched(name, body([processed()])), fetched(key(AI), b"[]")], NOW)
    (item,) = one.held
    assert (item.reason, item.event_index) == (HoldReason.BAD_KEY, WHOLE_OBJECT)
    assert name in item.detail
    assert one.events.height == 0
    assert [(thing.key, thing.start) for thing in one.objects] == [
        (name, None),
        (key(AI), moment(0)),
    ]


def test_decoding_in_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = [
        (60 * number, [received(ALICE, no=10 * number + 1), processed(no=10 * number + 2, fees=1)])
        for number in range(5)
    ]
    whole = decoded(*objects)
    monkeypatch.setattr(settling, "DECODE_CHUNK_BYTES", 1)
    chunked = decoded(*objects)
    assert chunked.objects == whole.objects
    assert chunked.events.equals(whole.events)
    assert chunked.held == whole.held


def test_batch_of_objects(scratch: ScratchLedger) -> None:
    rows = [
        received(ALICE, 0, no=1),
        processed(1, no=2),
        processed(2, no=3, request="ffffffff"),
        event(AI, "painted", 3, no=4),
    ]
    batch = settled(scratch, decoded((0, rows)))
    assert (batch.seq, batch.kind, batch.read_at, batch.rates_seen) == (
        1,
        BatchKind.OBJECTS,
        NOW,
        1,
    )
    assert batch.counts == {"job-processed": 2, "job-received": 1, "painted": 1}
    assert batch.events == 4
    assert [entry.key for entry in batch.entries] == [f"{batch.id}:earned"]
    assert [job.request_id for job in batch.unattributed] == ["ffffffff"]
    assert batch.lake_file is not None
    lake = scratch.lake.scan([batch.lake_file]).collect()
    assert dict(lake.schema) == LAKE_SCHEMA
    assert lake.select("worker", "fee_bps", "object_index").rows() == [
        (ALICE, None, 0),
        (ALICE, 2_500, 1),
        (None, 2_500, 2),
        (None, None, 3),
    ]


def test_working_a_batch_out_twice_gives_the_same_batch(scratch: ScratchLedger) -> None:
    objects = (0, [received(ALICE, 0, no=1), processed(1, no=2)])
    assert settled(scratch, decoded(objects)) == settled(scratch, decoded(objects))


def test_nothing_counts_before_the_commit(scratch: ScratchLedger) -> None:
    batch = settled(scratch, decoded((0, [processed(1, no=1)])))
    assert scratch.document()["streams"] == {}
    assert scratch.lake_files(AI) == []
    scratch.ledger.commit(batch)
    assert scratch.picture().workers == {event_id(1): None}


def test_batch_on_a_head_that_moved_on_is_refused(scratch: ScratchLedger) -> None:
    first = settled(scratch, decoded((0, [processed(1, no=1)])))
    second = settled(scratch, decoded((60, [processed(1, no=1)])))
    scratch.ledger.commit(first)
    with pytest.raises(LedgerConflict):
        scratch.ledger.commit(second)
    again = settled(scratch, decoded((60, [processed(1, no=1)])))
    assert (again.duplicates, again.events) == (1, 0)


def test_moved_job_is_moved_by_an_entry_of_its_own(scratch: ScratchLedger) -> None:
    scratch.ledger.commit(settled(scratch, decoded((60, [processed(60, no=1)]))))
    batch = settled(scratch, decoded((0, [received(ALICE, 1, no=2)])))
    assert [entry.key for entry in batch.entries] == [f"{batch.id}:moved"]
    (one,) = batch.attributions
    assert (one.worker, one.pipeline, one.model) == (ALICE, "upscale", "m1")
    scratch.ledger.commit(batch)
    assert scratch.picture().workers == {event_id(1): ALICE}
