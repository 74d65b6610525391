"""Jobs that are nobody's, and an operator's word on whose they are."""

from datetime import UTC, datetime, timedelta

import polars as pl

from openpool_management.domain.addresses import ZERO_ADDRESS, checksum_address
from openpool_management.domain.batch import (
    AttributionCause,
    Batch,
    BatchKind,
    batch_id,
)
from openpool_management.domain.event_ids import decode_id, encode_id
from openpool_management.domain.lake_rows import LAKE_SCHEMA, spans_of
from openpool_management.domain.posting import attributions_of, entries_of
from openpool_management.domain.streams import Stream
from openpool_management.services.decisions import DecisionRefused, commit_decision, stated_reason
from openpool_management.services.history import StreamHistory
from openpool_management.services.ports import (
    Lake,
    Ledger,
    StreamHead,
    UnattributedJobs,
    UnattributedRow,
)


def open_unattributed(jobs: UnattributedJobs) -> list[UnattributedRow]:
    """Jobs whose fee stands on the unattributed or the held account, oldest first."""
    return jobs.open_jobs()


def assign(
    jobs: UnattributedJobs,
    ledger: Ledger,
    lake: Lake,
    event_id: str,
    worker: str,
    reason: str,
    now: datetime,
    *,
    stream: Stream | None = None,
) -> Batch:
    """Give a job that is nobody's to a worker, for ever, and return the batch that does.

    The worker is paid at the commission in force for them at the job's DT. stream is needed only
    for an event ID that is in several. Raises DecisionRefused when the worker is no address, the
    job is not known, or somebody has it.
    """
    reason = stated_reason(reason)
    address = _payable(worker)
    identifier = encode_id(event_id)
    row = _one_row(jobs, ledger, lake, identifier, stream)
    job = _lake_row(row, ledger, lake, identifier)

    def work_out(head: StreamHead) -> Batch:
        holder = _standing_holder(row, job, ledger, identifier)
        moved = job.with_columns(
            worker=pl.lit(holder, pl.String),
            new_worker=pl.lit(address, pl.String),
            received_id=pl.lit(None, pl.Binary),
        )
        identity = batch_id(row.stream, BatchKind.ASSIGNMENT, [row.event_id])
        return Batch(
            id=identity,
            stream=row.stream,
            seq=head.seq + 1,
            kind=BatchKind.ASSIGNMENT,
            read_at=now,
            rates_seen=len(head.rates),
            entries=entries_of(identity, row.stream, job.clear(), moved, head.rates),
            attributions=attributions_of(moved, AttributionCause.ASSIGNED),
            subject=row.event_id,
            reason=reason,
        )

    return commit_decision(ledger, row.stream, work_out)


def _payable(worker: str) -> str:
    address = checksum_address(worker)
    if address is None:
        raise DecisionRefused(
            f"{worker!r} is no Ethereum address: give 0x and 40 hex digits, in one case or with "
            "the right checksum (EIP-55)."
        )
    if address == ZERO_ADDRESS:
        raise DecisionRefused(
            f"{ZERO_ADDRESS} is the zero address, which is never paid: give the worker's own."
        )
    return address


def _one_row(
    jobs: UnattributedJobs, ledger: Ledger, lake: Lake, identifier: bytes, stream: Stream | None
) -> UnattributedRow:
    rows = [row for row in jobs.with_id(identifier) if stream in (None, row.stream)]
    if len(rows) > 1:
        names = ", ".join(str(row.stream) for row in rows)
        raise DecisionRefused(
            f"Event ID {rows[0].event_id} is in several streams ({names}): say which one is meant."
        )
    if not rows:
        streams = [stream] if stream else jobs.streams()
        raise DecisionRefused(_why_not_nobodys(streams, ledger, lake, identifier))
    return rows[0]


def _why_not_nobodys(streams: list[Stream], ledger: Ledger, lake: Lake, identifier: bytes) -> str:
    text = decode_id(identifier)
    always = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    for stream in streams:
        history = StreamHistory(stream, ledger, lake)
        found = history.events_with_ids(pl.Series([identifier], dtype=pl.Binary), [always])
        if not found.height:
            continue
        if found["event_type"][0] != "job-processed":
            return f"Event {text} of stream {stream} is a {found['event_type'][0]}, not a job."
        worker = history.attributed(found)["worker"][0]
        return f"Job {text} of stream {stream} belongs to {worker}: it can't be assigned."
    return (
        f"No job with ID {text} is in the ledger: `openpool unattributed list` shows all to assign."
    )


def _lake_row(row: UnattributedRow, ledger: Ledger, lake: Lake, identifier: bytes) -> pl.DataFrame:
    history = StreamHistory(row.stream, ledger, lake)
    moments = pl.Series([row.dt], dtype=LAKE_SCHEMA["dt"])
    found = history.events_with_ids(
        pl.Series([identifier], dtype=pl.Binary), spans_of(moments, timedelta(0))
    )
    if found.height != 1:
        raise DecisionRefused(
            f"Job {row.event_id} is {found.height} times in the event lake at {row.dt.isoformat()} "
            "instead of once: restore the files of OPENPOOL_LAKE_URL."
        )
    return found


def _standing_holder(
    row: UnattributedRow, job: pl.DataFrame, ledger: Ledger, identifier: bytes
) -> str | None:
    """Who of nobody has the job: None or the zero address."""
    latest = ledger.attributions(row.stream, [identifier]).get(identifier)
    holder: str | None = latest[0] if latest else job["worker"][0]
    if latest and latest[1] is AttributionCause.ASSIGNED:
        raise DecisionRefused(
            f"Job {row.event_id} was assigned to {holder} already; an assignment is final."
        )
    if holder not in (None, ZERO_ADDRESS):
        raise DecisionRefused(
            f"Job {row.event_id} belongs to {holder}, since its job-received arrived: "
            "it can't be assigned."
        )
    return holder
