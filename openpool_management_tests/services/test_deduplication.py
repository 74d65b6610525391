"""Each event once; the same ID with other content is held."""

from pathlib import Path

import pytest

from openpool_management.domain.batch import Batch
from openpool_management.domain.holds import HoldReason
from openpool_management_tests.ledgers import MemorySource, ScratchLedger, Version
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    Event,
    body,
    event,
    event_id,
    key,
    processed,
    received,
)


@pytest.fixture
def scratch(tmp_path: Path) -> ScratchLedger:
    return ScratchLedger.in_directory(tmp_path)


def read(scratch: ScratchLedger, source: MemorySource, *objects: tuple[int, list[Event]]) -> Batch:
    source.add(Version(key(AI, start), body(events)) for start, events in objects)
    (outcome,) = scratch.sync(source)
    assert outcome.batch is not None
    return outcome.batch


def test_repeats_in_one_object_one_batch_and_across_batches(scratch: ScratchLedger) -> None:
    job, answer = processed(1, no=1), received(ALICE, 0, no=2)
    source = MemorySource()
    with scratch:
        first = read(scratch, source, (0, [answer, job, job]), (60, [job]))
        assert (first.duplicates, first.counts) == (2, {"job-processed": 1, "job-received": 1})
        again = read(scratch, source, (120, [job, answer, processed(60, no=3)]))
        assert (again.duplicates, again.counts) == (2, {"job-processed": 1})
        assert again.held == ()
        picture = scratch.picture()
    assert picture.workers == {event_id(1): ALICE, event_id(3): None}
    assert picture.document["streams"][str(AI)]["events"] == {
        "job-processed": 2,
        "job-received": 1,
    }


def test_object_of_nothing_but_repeats_is_read_once(scratch: ScratchLedger) -> None:
    source = MemorySource()
    with scratch:
        read(scratch, source, (0, [processed(1, no=1)]))
        again = read(scratch, source, (60, [processed(1, no=1)]))
        assert (again.duplicates, again.counts, again.lake_file) == (1, {}, None)
        assert again.entries == ()
        assert scratch.sync(source, full=True) == []


@pytest.mark.parametrize("in_one_batch", [True, False])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (processed(1, no=1), processed(1, no=1, price=8)),
        (processed(1, no=1), processed(1, no=1, request="ffffffff")),
        (received(ALICE, 1, no=1), received(BOB, 1, no=1)),
        (received(ALICE, 1, no=1), event(AI, "orchestrator-reset", 1, no=1)),
    ],
    ids=["fee", "request", "worker", "type"],
)
def test_same_id_with_other_content_is_held(
    scratch: ScratchLedger, one: Event, other: Event, in_one_batch: bool
) -> None:
    source = MemorySource()
    with scratch:
        if in_one_batch:
            batch = read(scratch, source, (0, [one]), (60, [one, other]))
        else:
            read(scratch, source, (0, [one]))
            batch = read(scratch, source, (60, [one, other]))
        (item,) = batch.held
        assert (item.reason, item.event_index) == (HoldReason.ID_CONFLICT, 1)
        assert (item.event_id, item.event_type) == (event_id(1), other["EventType"])
        assert batch.duplicates == 1
        assert scratch.document()["held"] == 1
        assert scratch.document()["streams"][str(AI)]["events"] == {one["EventType"]: 1}


def test_paired_job_that_comes_again_is_no_conflict(scratch: ScratchLedger) -> None:
    """The lake holds a worker for it, the log none."""
    events = [received(ALICE, 0, no=1), processed(1, no=2)]
    source = MemorySource()
    with scratch:
        read(scratch, source, (0, events))
        again = read(scratch, source, (60, events))
        assert (again.duplicates, again.held) == (2, ())


def test_other_spelling_of_an_id_is_the_same_id(scratch: ScratchLedger) -> None:
    job = processed(1, no=0xABC)
    shouted = job | {"ID": job["ID"].upper()}
    with scratch:
        batch = read(scratch, MemorySource(), (0, [job, shouted]))
        assert batch.duplicates == 1


def test_ids_that_are_no_uuids_are_told_apart(scratch: ScratchLedger) -> None:
    ids = ["", "0", "00000000-0000-0000-0000-000000000000", "job-1", "job-2"]
    jobs = [processed(1) | {"ID": text} for text in ids]
    with scratch:
        batch = read(scratch, MemorySource(), (0, jobs))
        assert batch.counts == {"job-processed": len(ids)}
        assert set(scratch.picture().workers) == set(ids)
