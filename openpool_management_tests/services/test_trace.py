"""Events followed to the ledger and statements back to their jobs, on both databases."""

from pathlib import Path

import pytest

from openpool_management.adapters.sql.audit import SqlAudit
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.batch import AttributionCause
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.streams import Stream
from openpool_management.services.audit_trail import AuditTrail
from openpool_management.services.trace import (
    AttributedBy,
    JobTrace,
    UnknownEvent,
    trace_event,
    trace_worker,
)
from openpool_management.simulation import SimulationOptions, simulate
from openpool_management_tests.ledgers import MemorySource, ScratchLedger, Version
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    TRANSCODE,
    body,
    event_id,
    key,
    processed,
    received,
    transcoded,
)

ZERO = "0x" + "0" * 40


def trail_of(scratch: ScratchLedger) -> AuditTrail:
    return AuditTrail(SqlAudit(scratch.engine), scratch.ledger, scratch.lake, PairRules())


def the_job(scratch: ScratchLedger, number: int) -> JobTrace:
    job = trace_event(trail_of(scratch), event_id(number)).job
    assert job is not None
    return job


def test_a_transcoding_job_leads_to_its_object_its_fee_and_its_lines(
    scratch: ScratchLedger,
) -> None:
    events = [transcoded(ALICE, 1, no=1, units=10, price=11), transcoded(ALICE, 2, no=2)]
    scratch.sync(MemorySource([Version(key(TRANSCODE), body(events))]))
    trace = trace_event(trail_of(scratch), event_id(2).upper())
    assert trace.event is not None and trace.event.event_type == "job-processed"
    assert (trace.event.object_key, trace.event.object_version, trace.event.object_index) == (
        key(TRANSCODE),
        "0",
        1,
    )
    assert trace.event.lake_file.startswith("region=oceania/node_type=transcode/")
    job = trace.job
    assert job is not None
    assert (job.worker, job.attributed_by, job.pair) == (ALICE, AttributedBy.STATED, None)
    assert (job.fees_wei, job.fee_bps, job.net_wei, job.commission_wei) == (35, 2_500, 26, 9)
    lines = {line.account.kind: (line.share_wei, line.amount_wei) for line in job.lines}
    assert lines == {
        AccountKind.REVENUE: (-35, -145),
        AccountKind.PAYABLE: (26, 82 + 26),
        AccountKind.COMMISSION: (9, 28 + 9),
    }


def test_an_ai_job_and_its_job_received_lead_to_each_other(scratch: ScratchLedger) -> None:
    # Two of one request ID: the retry goes to the worker that answered last.
    events = [received(ALICE, 1, no=1), received(BOB, 5, no=2), processed(6, no=3)]
    scratch.sync(MemorySource([Version(key(AI), body(events))]))
    job = the_job(scratch, 3)
    assert (job.worker, job.attributed_by, job.changes) == (BOB, AttributedBy.PAIRED, ())
    assert job.pair is not None
    assert (job.pair.event_id, job.pair.worker) == (event_id(2), BOB)
    assert (job.pair.object_key, job.pair.object_index) == (key(AI), 1)
    claimed = trace_event(trail_of(scratch), event_id(2)).claimed_job
    assert claimed is not None and claimed.event_id == event_id(3)
    assert trace_event(trail_of(scratch), event_id(1)).claimed_job is None


def test_a_job_whose_pair_came_late_shows_where_its_fee_was_before(
    scratch: ScratchLedger,
) -> None:
    source = MemorySource([Version(key(AI, 60), body([processed(61, no=1)]))])
    scratch.sync(source)
    nobody = the_job(scratch, 1)
    assert (nobody.worker, nobody.attributed_by) == (None, AttributedBy.NOBODY)
    assert (nobody.fee_bps, nobody.net_wei, nobody.pair) == (None, None, None)

    source.add([Version(key(AI, 0), body([received(ALICE, 58, no=2)]))])
    scratch.sync(source)
    job = the_job(scratch, 1)
    assert (job.worker, job.attributed_by) == (ALICE, AttributedBy.PAIR_ARRIVED)
    assert job.pair is not None and job.pair.event_id == event_id(2)
    assert [(one.worker, one.cause) for one in job.changes] == [
        (ALICE, AttributionCause.PAIR_ARRIVED)
    ]
    shares = [
        (line.posting_key.rpartition(":")[2], line.account.kind, line.share_wei)
        for line in job.lines
    ]
    assert sorted(shares) == [
        ("earned", AccountKind.REVENUE, -35),
        ("earned", AccountKind.UNATTRIBUTED, 35),
        ("moved", AccountKind.COMMISSION, 9),
        ("moved", AccountKind.PAYABLE, 26),
        ("moved", AccountKind.UNATTRIBUTED, -35),
    ]
    (line,) = trace_worker(trail_of(scratch), ALICE).lines
    assert line.error == "" and line.batch is not None
    assert [(one.event_id, one.net_wei, one.cause) for one in line.jobs] == [
        (event_id(1), 26, AttributionCause.PAIR_ARRIVED)
    ]
    assert line.jobs[0].object_key == key(AI, 60)


def test_a_job_that_another_worker_answered_last_moves_between_their_statements(
    scratch: ScratchLedger,
) -> None:
    source = MemorySource(
        [
            Version(key(AI, 0), body([received(ALICE, 1)])),
            Version(key(AI, 120), body([processed(121, no=1)])),
        ]
    )
    scratch.sync(source, batch_objects=1)
    source.add([Version(key(AI, 60), body([received(BOB, 61)]))])
    scratch.sync(source)
    statements = {worker: trace_worker(trail_of(scratch), worker) for worker in (ALICE, BOB)}
    assert [[one.net_wei for one in line.jobs] for line in statements[ALICE].lines] == [[-26], [26]]
    assert [[one.net_wei for one in line.jobs] for line in statements[BOB].lines] == [[26]]
    assert statements[ALICE].errors == statements[BOB].errors == []
    assert statements[ALICE].lines[0].line.balance_wei == 0


def test_a_job_of_a_worker_without_an_address_is_nobodys_to_pay(scratch: ScratchLedger) -> None:
    scratch.sync(MemorySource([Version(key(TRANSCODE), body([transcoded(ZERO, 1, no=1)]))]))
    job = the_job(scratch, 1)
    assert (job.attributed_by, job.net_wei) == (AttributedBy.NO_ADDRESS, None)
    assert {line.account.kind for line in job.lines} == {AccountKind.REVENUE, AccountKind.HELD}


def test_a_held_event_is_found_with_its_reason(scratch: ScratchLedger) -> None:
    events = [transcoded(ALICE, 1), transcoded(ALICE, 2, no=7, fees=36)]
    scratch.sync(MemorySource([Version(key(TRANSCODE), body(events))]))
    trace = trace_event(trail_of(scratch), event_id(7))
    assert trace.event is None
    (held,) = trace.held
    assert (held.reason, held.object_key, held.event_index, held.decision) == (
        "fee-mismatch",
        key(TRANSCODE),
        1,
        "",
    )


def test_an_event_nobody_read_is_refused_with_a_remedy(scratch: ScratchLedger) -> None:
    with pytest.raises(UnknownEvent, match=r"00000000-.* was read: .*openpool sync"):
        trace_event(trail_of(scratch), event_id(404))


def test_every_line_of_a_simulated_pool_adds_up_and_every_job_is_in_one(
    scratch: ScratchLedger,
) -> None:
    streams = (Stream("ai", "us-central-1"), Stream("transcode", "oceania"))
    options = SimulationOptions(streams=streams, events=3_000, workers=4, seed=5, late_share=0.3)
    versions = [Version(flush.key, flush.body) for flush in simulate(options)]
    # Each third object first, so that pairs arrive after their jobs.
    source = MemorySource(versions[::3])
    scratch.sync(source, batch_objects=4)
    source.add(versions[1::3] + versions[2::3])
    scratch.sync(source, full=True, batch_objects=4)
    picture = scratch.picture()
    trail = trail_of(scratch)
    causes = set()
    for stream in picture.document["streams"].values():
        for worker in stream["workers"]:
            statement = trace_worker(trail, worker, limit=10_000)
            assert statement.errors == []
            jobs = [job for line in statement.lines for job in line.jobs]
            causes |= {job.cause for job in jobs}
            standing: dict[str, int] = {}
            for job in jobs:
                standing[job.event_id] = standing.get(job.event_id, 0) + job.jobs
            mine = {event for event, holder in picture.workers.items() if holder == worker}
            assert {event for event, count in standing.items() if count} == mine
            assert sum(job.net_wei for job in jobs) == int(
                picture.document["balances"][worker]["earned_wei"]
            )
    assert causes == {None, AttributionCause.PAIR_ARRIVED}


def test_a_statement_shows_the_newest_lines_and_no_more(scratch: ScratchLedger) -> None:
    versions = [
        Version(key(TRANSCODE, n * 60), body([transcoded(ALICE, n * 60, no=n + 1)]))
        for n in range(6)
    ]
    scratch.sync(MemorySource(versions), batch_objects=1)
    lines = trace_worker(trail_of(scratch), ALICE, limit=2).lines
    assert [[job.event_id for job in line.jobs] for line in lines] == [[event_id(6)], [event_id(5)]]
    assert lines[0].line.balance_wei == 6 * 26


def test_jobs_of_a_line_are_a_sequence_in_the_order_of_the_log(scratch: ScratchLedger) -> None:
    events = [
        transcoded(worker, no, no=no, units=2**80 + no, price=1)
        for no, worker in enumerate([ALICE, BOB, ALICE, BOB, ALICE, ALICE], start=1)
    ]
    versions = [
        Version(key(TRANSCODE), body(events[:5])),
        Version(key(TRANSCODE, 60), body(events[5:])),
    ]
    scratch.sync(MemorySource(versions))
    (line,) = trace_worker(trail_of(scratch), ALICE).lines
    numbers = [1, 3, 5, 6]
    fees_wei = [2**80 + no for no in numbers]
    assert [job.event_id for job in line.jobs] == [event_id(no) for no in numbers]
    assert (
        [job.fees_wei for job in line.jobs] == [job.compute_units for job in line.jobs] == fees_wei
    )
    assert [job.net_wei for job in line.jobs] == [wei * 3 // 4 for wei in fees_wei]
    assert len(line.jobs) == line.line.jobs == 4
    assert [line.jobs[place] for place in (0, 1, 2, -1)] == list(line.jobs)
    assert list(line.jobs[1:3]) == list(line.jobs)[1:3]
    assert line.jobs[-1].object_key == key(TRANSCODE, 60)
    with pytest.raises(IndexError):
        line.jobs[4]


def test_a_line_whose_jobs_are_gone_from_the_lake_is_flagged(
    scratch: ScratchLedger, tmp_path: Path
) -> None:
    events = [transcoded(ALICE, 1, no=1), transcoded(ALICE, 2, no=2)]
    scratch.sync(MemorySource([Version(key(TRANSCODE), body(events))]))
    (file,) = scratch.lake_files(TRANSCODE)
    rows = scratch.lake.scan([file]).collect()
    rows.head(1).write_parquet(tmp_path / "lake" / file.name)
    (error,) = trace_worker(trail_of(scratch), ALICE).errors
    assert "is 52 wei for 2 jobs" in error and "add up to 26 wei" in error


def test_an_event_is_found_however_many_files_there_are(
    scratch: ScratchLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openpool_management.services.audit_trail.FILES_AT_ONCE", 2)
    versions = [
        Version(key(TRANSCODE, n * 60), body([transcoded(ALICE, n * 60, no=n + 1)]))
        for n in range(5)
    ]
    scratch.sync(MemorySource(versions), batch_objects=1)
    for number in range(5):
        event = trace_event(trail_of(scratch), event_id(number + 1)).event
        assert event is not None and event.object_key == key(TRANSCODE, number * 60)
