"""A worker's statement: the lines of their account, and the jobs each line is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openpool_management.domain.audit import AttributionRecord, BatchRecord, PostedLine
from openpool_management.domain.commission import rate_at
from openpool_management.domain.event_ids import decode_id
from openpool_management.domain.money import split_fee
from openpool_management.domain.streams import Stream
from openpool_management.services.audit_trail import AuditTrail, Row
from openpool_management.services.statement_jobs import JobSet, JobsKey, LineJob, earned_jobs


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a worker's account with its jobs. error is a sentence, empty if they add up."""

    line: PostedLine
    batch: BatchRecord | None
    jobs: Sequence[LineJob]
    error: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The newest lines of what a worker earned, newest first."""

    worker: str
    lines: tuple[StatementLine, ...]

    @property
    def errors(self) -> list[str]:
        """A sentence for each line whose jobs don't add up to it."""
        return [line.error for line in self.lines if line.error]


def trace_worker(trail: AuditTrail, worker: str, limit: int = 20) -> Statement:
    """The newest lines of a worker (EIP-55 address), each with its jobs, checked to the wei."""
    return _traced(trail, worker, trail.records.statement(worker, limit))


def trace_entry(trail: AuditTrail, worker: str, entry_number: int) -> Statement:
    """The lines of one entry that are a worker's, with their jobs; no lines where it has none."""
    return _traced(trail, worker, trail.records.entry_lines(worker, entry_number))


def _traced(trail: AuditTrail, worker: str, lines: Sequence[PostedLine]) -> Statement:
    numbers = {line.batch_number for line in lines if line.batch_number is not None}
    batches = trail.records.numbered(sorted(numbers))
    posted = {line.posting_key for line in lines}
    earned = [one for one in batches.values() if f"{one.id}:earned" in posted]
    found = earned_jobs(trail, earned, worker)
    moved = [one for one in batches.values() if f"{one.id}:moved" in posted]
    for stream in {one.stream for one in moved}:
        found |= _moved_jobs(trail, stream, [one for one in moved if one.stream == stream], worker)
    return Statement(worker, tuple(_statement_line(line, batches, found) for line in lines))


def _statement_line(
    line: PostedLine, batches: Mapping[int, BatchRecord], found: Mapping[JobsKey, JobSet]
) -> StatementLine:
    if line.batch_number is None:
        return StatementLine(line, None, (), "")
    account = line.account
    jobs = found.get((line.posting_key, account.pipeline, account.model), JobSet())
    return StatementLine(line, batches[line.batch_number], jobs.jobs, _difference(line, jobs))


def _moved_jobs(
    trail: AuditTrail, stream: Stream, batches: Sequence[BatchRecord], worker: str
) -> dict[JobsKey, JobSet]:
    """The jobs that batches of a stream gave to the worker or took."""
    numbers = [one.number for one in batches]
    ids = list(dict.fromkeys(trail.records.attributed_jobs(numbers)))
    rows = trail.rows_with_ids(stream, ids, max(numbers))
    rates = trail.ledger.head(stream).rates
    holders: dict[bytes, str | None] = {key: row["worker"] for key, row in rows.items()}
    moved: dict[JobsKey, list[LineJob]] = {}
    wanted = set(numbers)
    for change in trail.records.attributions(stream, ids):
        row = rows.get(change.event_id)
        if row is None:
            continue
        before, holders[change.event_id] = holders[change.event_id], change.worker
        if change.batch.number not in wanted:
            continue
        jobs = moved.setdefault((f"{change.batch.id}:moved", row["pipeline"], row["model"]), [])
        fee_bps = rate_at(rates, worker, row["dt"])
        if before == worker:
            jobs.append(_line_job(row, fee_bps, -1, change))
        if change.worker == worker:
            jobs.append(_line_job(row, fee_bps, 1, change))
    return {key: JobSet.of(jobs) for key, jobs in moved.items()}


def _line_job(row: Row, fee_bps: int, sign: int, change: AttributionRecord) -> LineJob:
    fees_wei = int(row["fees_wei"])
    net_wei, _ = split_fee(fees_wei, fee_bps)
    return LineJob(
        event_id=decode_id(row["event_id"]),
        dt=row["dt"],
        object_key=row["object_key"],
        object_version=row["object_version"],
        object_index=row["object_index"],
        jobs=sign,
        compute_units=sign * int(row["compute_units"]),
        fees_wei=sign * fees_wei,
        fee_bps=fee_bps,
        net_wei=sign * net_wei,
        cause=change.cause,
        reason=change.batch.reason,
    )


def _difference(line: PostedLine, jobs: JobSet) -> str:
    found = (jobs.net_wei, jobs.compute_units, jobs.count)
    if found == (line.amount_wei, line.compute_units, line.jobs):
        return ""
    return (
        f"Line {line.posting_key} of {line.account.name} is {line.amount_wei} wei for {line.jobs} "
        f"jobs and {line.compute_units} units, but its jobs in the event lake are "
        f"{jobs.count} with {jobs.compute_units} units and add up to {jobs.net_wei} wei: restore "
        "the lake's files from a backup, then run `openpool verify`."
    )
