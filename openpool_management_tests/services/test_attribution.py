"""An operator gives a job that is nobody's to a worker: once, for ever, to the wei."""

from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from openpool_management.adapters.directory_lake import DirectoryLake
from openpool_management.adapters.sql.attribution import SqlUnattributedJobs
from openpool_management.adapters.sql.commissions import SqlCommissionHistory
from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.batch import AttributionCause, Batch, BatchKind
from openpool_management.services.attribution import assign, open_unattributed
from openpool_management.services.commissions import set_rate
from openpool_management.services.decisions import DecisionRefused
from openpool_management_tests.ledgers import Log, ScratchLedger, balances_wei
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    NOW,
    TRANSCODE,
    event_id,
    key,
    moment,
    processed,
    received,
    transcoded,
)


def give(
    scratch: ScratchLedger, job: str, worker: str, reason: str = "asked", **more: Any
) -> Batch:
    jobs = SqlUnattributedJobs(scratch.engine)
    return assign(jobs, scratch.ledger, scratch.lake, job, worker, reason, NOW, **more)


def test_unattributed_job_is_listed_and_assigned(scratch: ScratchLedger) -> None:
    log = Log(scratch)
    log.read(AI, 0, processed(30, no=1, units=999, price=1), processed(10, no=2, request="0b"))
    jobs = SqlUnattributedJobs(scratch.engine)
    older, row = open_unattributed(jobs)
    assert older.event_id == event_id(2)
    assert (row.stream, row.event_id, row.dt) == (AI, event_id(1), moment(30))
    assert (row.request_id, row.pipeline, row.model) == ("0a0a0a0a", "upscale", "m1")
    assert (row.compute_units, row.fees_wei, row.held) == (999, 999, False)
    assert (row.object_key, row.object_version, row.object_index) == (key(AI), "0", 0)
    assert row.read_at == NOW
    assert row.age(moment(30) + timedelta(hours=2)) == timedelta(hours=2)

    batch = give(scratch, event_id(1).upper(), ALICE.lower(), " our own worker ")
    assert (batch.kind, batch.subject, batch.reason) == (
        BatchKind.ASSIGNMENT,
        event_id(1),
        "our own worker",
    )
    assert (batch.counts, batch.lake_file) == ({}, None)
    (change,) = batch.attributions
    assert (change.worker, change.cause) == (ALICE, AttributionCause.ASSIGNED)
    # 999 × 0.75 is 749.25.
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -1_034,
        "unattributed:ai|us-central::upscale:m1": 35,
        f"payable:ai|us-central:{ALICE}:upscale:m1": 749,
        f"commission:ai|us-central:{ALICE}:upscale:m1": 250,
    }
    stream = scratch.document()["streams"]["ai|us-central"]
    assert stream["workers"][ALICE]["compute_units"] == {"upscale": 999}
    assert stream["unattributed"] == {"jobs": 1, "gross_wei": "35"}
    assert stream["events"] == {"job-processed": 2}
    assert open_unattributed(jobs) == [older]


def test_job_of_the_zero_address_is_assigned_from_held(scratch: ScratchLedger) -> None:
    Log(scratch).read(TRANSCODE, 0, transcoded(ZERO_ADDRESS, 1, no=1, units=100, price=2))
    assert balances_wei(scratch) == {
        "revenue:transcode|oceania": -200,
        "held:transcode|oceania::transcode": 200,
    }
    (row,) = open_unattributed(SqlUnattributedJobs(scratch.engine))
    assert row.held
    give(scratch, event_id(1), BOB)
    assert balances_wei(scratch) == {
        "revenue:transcode|oceania": -200,
        f"payable:transcode|oceania:{BOB}:transcode": 150,
        f"commission:transcode|oceania:{BOB}:transcode": 50,
    }


def test_assignment_stands_when_the_pair_arrives(scratch: ScratchLedger) -> None:
    log = Log(scratch)
    log.read(AI, 60, processed(61, no=1, units=100, price=1))
    give(scratch, event_id(1), BOB)
    log.read(AI, 0, received(ALICE, 1))
    expected = {
        "revenue:ai|us-central": -100,
        f"payable:ai|us-central:{BOB}:upscale:m1": 75,
        f"commission:ai|us-central:{BOB}:upscale:m1": 25,
    }
    assert balances_wei(scratch) == expected
    # The job-received is still free, and pays for the next job that it fits.
    log.read(AI, 120, processed(121, no=2, units=4, price=1))
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -104,
        f"payable:ai|us-central:{BOB}:upscale:m1": 75,
        f"commission:ai|us-central:{BOB}:upscale:m1": 25,
        f"payable:ai|us-central:{ALICE}:upscale:m1": 3,
        f"commission:ai|us-central:{ALICE}:upscale:m1": 1,
    }


def test_job_that_lost_its_pair_is_listed_and_assigned(scratch: ScratchLedger) -> None:
    log = Log(scratch)
    log.read(AI, 0, received(ALICE, 1))
    log.read(AI, 120, processed(121, no=2, units=40, price=1))
    # An earlier job takes the only job-received.
    log.read(AI, 60, processed(61, no=1, units=8, price=1))
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -48,
        "unattributed:ai|us-central::upscale:m1": 40,
        f"payable:ai|us-central:{ALICE}:upscale:m1": 6,
        f"commission:ai|us-central:{ALICE}:upscale:m1": 2,
    }
    (row,) = open_unattributed(SqlUnattributedJobs(scratch.engine))
    assert (row.event_id, row.fees_wei, row.object_key) == (event_id(2), 40, key(AI, 120))
    give(scratch, event_id(2), BOB)
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -48,
        f"payable:ai|us-central:{ALICE}:upscale:m1": 6,
        f"commission:ai|us-central:{ALICE}:upscale:m1": 2,
        f"payable:ai|us-central:{BOB}:upscale:m1": 30,
        f"commission:ai|us-central:{BOB}:upscale:m1": 10,
    }


def test_pair_of_the_zero_address_makes_a_held_job(scratch: ScratchLedger) -> None:
    log = Log(scratch)
    log.read(AI, 60, processed(61, no=1))
    log.read(AI, 0, received(ZERO_ADDRESS, 1))
    (row,) = open_unattributed(SqlUnattributedJobs(scratch.engine))
    assert row.held
    assert balances_wei(scratch)["held:ai|us-central::upscale:m1"] == 35
    give(scratch, event_id(1), BOB)
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -35,
        f"payable:ai|us-central:{BOB}:upscale:m1": 26,
        f"commission:ai|us-central:{BOB}:upscale:m1": 9,
    }


def test_assignment_takes_the_rate_at_the_job(scratch: ScratchLedger) -> None:
    Log(scratch).read(AI, 0, processed(1, no=1, units=1_000, price=1))
    history = SqlCommissionHistory(scratch.engine)
    set_rate(history, 9_000, "dearer", NOW)
    set_rate(history, 0, "a friend", NOW, worker=BOB)
    give(scratch, event_id(1), BOB)
    assert balances_wei(scratch)[f"payable:ai|us-central:{BOB}:upscale:m1"] == 750


def test_only_an_address_is_assigned_to(scratch: ScratchLedger) -> None:
    Log(scratch).read(AI, 0, processed(1, no=1))
    for worker, sentence in (
        ("0x12", "'0x12' is no Ethereum address"),
        (ALICE[:-1] + "e", "is no Ethereum address"),
        (ZERO_ADDRESS, "is the zero address, which is never paid"),
    ):
        with pytest.raises(DecisionRefused, match=sentence):
            give(scratch, event_id(1), worker)


def test_what_somebody_has_is_refused_by_name(scratch: ScratchLedger) -> None:
    log = Log(scratch)
    log.read(AI, 0, received(ALICE, 1, no=5), processed(2, no=1))
    log.read(AI, 120, processed(121, no=2, request="0b"), processed(122, no=3, request="0c"))
    log.read(AI, 60, received(BOB, 61, request="0b"))
    log.read(TRANSCODE, 0, transcoded(BOB, 1, no=4))
    give(scratch, event_id(3), ALICE)
    before = balances_wei(scratch)
    for job, sentence in (
        (1, f"belongs to {ALICE}: it can't be assigned"),
        (2, f"belongs to {BOB}, since its job-received arrived"),
        (3, f"was assigned to {ALICE} already; an assignment is final"),
        (4, f"of stream transcode.oceania belongs to {BOB}"),
        (5, "is a job-received, not a job"),
        (6, "No job with ID .*0006-.* is in the ledger"),
    ):
        with pytest.raises(DecisionRefused, match=sentence):
            give(scratch, event_id(job), BOB)
    with pytest.raises(DecisionRefused, match="The reason is empty"):
        give(scratch, event_id(3), BOB, "\t")
    assert balances_wei(scratch) == before


def test_id_in_two_streams_needs_its_stream(scratch: ScratchLedger) -> None:
    log = Log(scratch)
    log.read(AI, 0, processed(1, no=1))
    log.read(TRANSCODE, 0, transcoded(ZERO_ADDRESS, 1, no=1))
    with pytest.raises(DecisionRefused, match=r"in several streams \(.*say which one is meant"):
        give(scratch, event_id(1), BOB)
    give(scratch, event_id(1), BOB, stream=TRANSCODE)
    (left,) = open_unattributed(SqlUnattributedJobs(scratch.engine))
    assert left.stream == AI


def assign_in_a_process(url: str, lake: str, worker: str) -> str:
    """The worker when the assignment was taken, else the refusal."""
    engine = ledger_engine(url)
    try:
        assign(
            SqlUnattributedJobs(engine),
            SqlLedger(engine),
            DirectoryLake(Path(lake)),
            event_id(1),
            worker,
            "mine",
            NOW,
        )
    except DecisionRefused as refused:
        return str(refused)
    finally:
        engine.dispose()
    return worker


def test_of_two_processes_that_assign_at_once_one_wins(
    scratch: ScratchLedger, ledger_url: str, tmp_path: Path
) -> None:
    Log(scratch).read(AI, 0, processed(1, no=1, units=100, price=1))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        outcomes = list(
            processes.map(
                assign_in_a_process, [ledger_url] * 2, [str(tmp_path / "lake")] * 2, [ALICE, BOB]
            )
        )
    (winner,) = (outcome for outcome in outcomes if outcome in (ALICE, BOB))
    (refusal,) = (outcome for outcome in outcomes if outcome != winner)
    assert f"was assigned to {winner} already" in refusal
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -100,
        f"payable:ai|us-central:{winner}:upscale:m1": 75,
        f"commission:ai|us-central:{winner}:upscale:m1": 25,
    }
