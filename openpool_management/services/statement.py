"""A worker's statement: the lines of their account, and the jobs each line is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from openpool_management.domain.audit import BatchRecord, PostedLine
from openpool_management.domain.batch import AttributionCause
from openpool_management.domain.commission import rate_at
from openpool_management.domain.event_ids import decode_id
from openpool_management.domain.money import split_fee
from openpool_management.services.audit_trail import AuditTrail, Row


@dataclass(frozen=True, slots=True)
class LineJob:
    """One job of a statement line; what was taken back is below zero, jobs being 1 or -1.

    fees_wei is what the job earned at all, net_wei the worker's part at fee_bps. cause and reason
    say why it came or went after it was posted; both are empty for a job that was the worker's
    when it was read.
    """

    event_id: str
    dt: datetime
    object_key: str
    object_version: str
    object_index: int
    jobs: int
    compute_units: int
    fees_wei: int
    fee_bps: int
    net_wei: int
    cause: AttributionCause | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a worker's account with its jobs. error is a sentence, empty if they add up."""

    line: PostedLine
    batch: BatchRecord | None
    jobs: tuple[LineJob, ...]
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


def _traced(trail: AuditTrail, worker: str, lines: Iterable[PostedLine]) -> Statement:
    jobs_of_entry: dict[str, dict[tuple[str, str], list[LineJob]]] = {}
    statement = []
    for line in lines:
        batch = None if line.batch_number is None else trail.records.batch(line.batch_number)
        if line.posting_key not in jobs_of_entry:
            jobs_of_entry[line.posting_key] = _jobs(trail, line, batch, worker)
        key = (line.account.pipeline, line.account.model)
        jobs = tuple(jobs_of_entry[line.posting_key].get(key, ()))
        error = _difference(line, jobs) if batch else ""
        statement.append(StatementLine(line, batch, jobs, error))
    return Statement(worker, tuple(statement))


def _jobs(
    trail: AuditTrail, line: PostedLine, batch: BatchRecord | None, worker: str
) -> dict[tuple[str, str], list[LineJob]]:
    """The worker's jobs of an entry by pipeline and model."""
    grouped: dict[tuple[str, str], list[LineJob]] = {}
    if batch is None:
        return grouped
    if line.posting_key == f"{batch.id}:earned":
        own = [(row, _line_job(row, row["fee_bps"], 1)) for row in trail.jobs(batch, worker)]
    else:
        own = list(_moved(trail, batch, worker))
    for row, job in own:
        grouped.setdefault((row["pipeline"], row["model"]), []).append(job)
    return grouped


def _moved(trail: AuditTrail, batch: BatchRecord, worker: str) -> Iterator[tuple[Row, LineJob]]:
    changes = trail.records.batch_attributions(batch.number)
    ids = [change.event_id for change in changes]
    rows = trail.rows_with_ids(batch.stream, ids, batch.number)
    rates = trail.ledger.head(batch.stream).rates
    before: dict[bytes, str | None] = {key: row["worker"] for key, row in rows.items()}
    for earlier in trail.records.attributions(batch.stream, ids):
        if earlier.batch.number < batch.number:
            before[earlier.event_id] = earlier.worker
    for change in changes:
        row = rows.get(change.event_id)
        if row is None:
            continue
        fee_bps = rate_at(rates, worker, row["dt"])
        if before[change.event_id] == worker:
            yield row, _line_job(row, fee_bps, -1, change.cause, batch.reason)
        if change.worker == worker:
            yield row, _line_job(row, fee_bps, 1, change.cause, batch.reason)


def _line_job(
    row: Row, fee_bps: int, sign: int, cause: AttributionCause | None = None, reason: str = ""
) -> LineJob:
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
        cause=cause,
        reason=reason,
    )


def _difference(line: PostedLine, jobs: Iterable[LineJob]) -> str:
    known = list(jobs)
    net_wei = sum(job.net_wei for job in known)
    units = sum(job.compute_units for job in known)
    count = sum(job.jobs for job in known)
    if (net_wei, units, count) == (line.amount_wei, line.compute_units, line.jobs):
        return ""
    return (
        f"Line {line.posting_key} of {line.account.name} is {line.amount_wei} wei for {line.jobs} "
        f"jobs and {line.compute_units} units, but its jobs in the event lake are {count} with "
        f"{units} units and add up to {net_wei} wei: restore the lake's files from a backup, "
        "then run `openpool verify`."
    )
