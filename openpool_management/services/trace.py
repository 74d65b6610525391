"""Where an event is, and what became of it: from an event ID to the lines of the ledger."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import polars as pl

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.audit import AttributionRecord, BatchRecord, HeldRecord
from openpool_management.domain.batch import AttributionCause
from openpool_management.domain.correlation import CANDIDATE_SCHEMA, REQUEST_KEY, pair_jobs
from openpool_management.domain.event_ids import decode_id, encode_id
from openpool_management.domain.lake_rows import LAKE_SCHEMA, spans_of
from openpool_management.domain.money import split_fee
from openpool_management.domain.streams import Stream
from openpool_management.services.audit_trail import AuditTrail, Row
from openpool_management.services.history import StreamHistory
from openpool_management.services.job_lines import JobLine, fee_bps_of, job_lines
from openpool_management.services.statement import (
    Statement,
    StatementLine,
    trace_worker,
)
from openpool_management.services.statement_jobs import LineJob

__all__ = [
    "EventTrace",
    "JobLine",
    "JobTrace",
    "LineJob",
    "ReadEvent",
    "Statement",
    "StatementLine",
    "UnknownEvent",
    "trace_event",
    "trace_worker",
]


class UnknownEvent(LookupError):
    """No event with that ID was read; the message says what may be the matter."""


class AttributedBy(StrEnum):
    """How a job came to its worker."""

    STATED = "stated"
    PAIRED = "paired"
    PAIR_ARRIVED = "pair-arrived"
    ASSIGNED = "assigned"
    NOBODY = "unattributed"
    NO_ADDRESS = "no-address"


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One event as it was read. (object_key, object_version, object_index) is its audit address."""

    event_id: str
    event_type: str
    stream: Stream
    dt: datetime
    object_key: str
    object_version: str
    object_index: int
    read_at: datetime
    batch_id: str
    lake_file: str
    worker: str | None
    connection: str | None
    request_id: str | None
    pipeline: str | None
    model: str | None
    payload: str | None


@dataclass(frozen=True, slots=True)
class AttributionStep:
    """A change of a job's worker after it was posted. reason is an operator's words."""

    at: datetime
    batch_id: str
    worker: str | None
    cause: AttributionCause
    reason: str


@dataclass(frozen=True, slots=True)
class JobTrace:
    """What a job earned, for whom, and where that is posted.

    fee_bps is the commission in force for the worker at the job's DT; with net_wei and
    commission_wei it is None while nobody who can be paid has the job. pair is the job-received
    that named the worker.
    """

    worker: str | None
    attributed_by: AttributedBy
    pair: ReadEvent | None
    changes: tuple[AttributionStep, ...]
    compute_units: int
    price_wei: int
    fees_wei: int
    fee_bps: int | None
    net_wei: int | None
    commission_wei: int | None
    lines: tuple[JobLine, ...]


@dataclass(frozen=True, slots=True)
class EventTrace:
    """All that is known of one event ID.

    event is None while it is only held. job is there for a job-processed, claimed_job for a
    job-received that a job was paired with.
    """

    event_id: str
    event: ReadEvent | None
    job: JobTrace | None
    claimed_job: ReadEvent | None
    held: tuple[HeldRecord, ...]


def trace_event(trail: AuditTrail, event_id: str) -> EventTrace:
    """Follow an event ID from its object to the ledger. Raises UnknownEvent."""
    text = decode_id(encode_id(event_id.strip()))
    held = tuple(trail.records.held_events(text))
    found = trail.find(encode_id(text))
    if found is None:
        if not held:
            raise UnknownEvent(
                f"No event with the ID {text} was read: check the ID, run `openpool sync` for "
                "objects that are not read yet, and see `openpool held list` for whole objects "
                "that could not be read."
            )
        return EventTrace(text, None, None, None, held)
    row, batch = found
    job = claimed = None
    if row["event_type"] == "job-processed":
        job = _job_trace(trail, row, batch)
    elif row["event_type"] == "job-received":
        claimed = _claimed_job(trail, row, batch.stream)
    return EventTrace(text, _read_event(row, batch), job, claimed, held)


def _read_event(row: Row, batch: BatchRecord) -> ReadEvent:
    return ReadEvent(
        event_id=decode_id(row["event_id"]),
        stream=batch.stream,
        batch_id=batch.id,
        lake_file=batch.lake_file.name if batch.lake_file else "",
        **{name: row[name] for name in _AS_READ},
    )


_AS_READ = (
    *("event_type", "dt", "object_key", "object_version", "object_index", "read_at"),
    *("worker", "connection", "request_id", "pipeline", "model", "payload"),
)


def _find_event(trail: AuditTrail, event_id: bytes) -> ReadEvent | None:
    found = trail.find(event_id)
    return None if found is None else _read_event(*found)


def _job_trace(trail: AuditTrail, row: Row, batch: BatchRecord) -> JobTrace:
    changes = trail.records.attributions(batch.stream, [row["event_id"]])
    worker: str | None = changes[-1].worker if changes else row["worker"]
    fees_wei = int(row["fees_wei"])
    fee_bps = net_wei = commission_wei = None
    if worker not in (None, ZERO_ADDRESS):
        fee_bps = fee_bps_of(trail, batch.stream, row, worker) if changes else row["fee_bps"]
        net_wei, commission_wei = split_fee(fees_wei, fee_bps)
    return JobTrace(
        worker=worker,
        attributed_by=_attributed_by(row, worker, changes),
        pair=_pair(trail, row, batch.stream, worker, changes),
        changes=tuple(
            AttributionStep(
                one.batch.read_at, one.batch.id, one.worker, one.cause, one.batch.reason
            )
            for one in changes
        ),
        compute_units=int(row["compute_units"]),
        price_wei=int(row["price_wei"]),
        fees_wei=fees_wei,
        fee_bps=fee_bps,
        net_wei=net_wei,
        commission_wei=commission_wei,
        lines=tuple(job_lines(trail, row, batch, changes)),
    )


def _attributed_by(row: Row, worker: str | None, changes: list[AttributionRecord]) -> AttributedBy:
    if worker is None:
        return AttributedBy.NOBODY
    if worker == ZERO_ADDRESS:
        return AttributedBy.NO_ADDRESS
    if changes:
        assigned = changes[-1].cause is AttributionCause.ASSIGNED
        return AttributedBy.ASSIGNED if assigned else AttributedBy.PAIR_ARRIVED
    return AttributedBy.STATED if row["request_id"] is None else AttributedBy.PAIRED


def _pair(
    trail: AuditTrail,
    row: Row,
    stream: Stream,
    worker: str | None,
    changes: list[AttributionRecord],
) -> ReadEvent | None:
    if worker is None or row["request_id"] is None:
        return None
    if changes:
        received_id = changes[-1].received_id
        return None if received_id is None else _find_event(trail, received_id)
    pairs = _pairs_around(trail, row, stream).filter(pl.col("event_id") == row["event_id"])
    return _find_event(trail, pairs["received_id"][0]) if pairs.height else None


def _claimed_job(trail: AuditTrail, row: Row, stream: Stream) -> ReadEvent | None:
    pairs = _pairs_around(trail, row, stream).filter(pl.col("received_id") == row["event_id"])
    return _find_event(trail, pairs["event_id"][0]) if pairs.height else None


def _pairs_around(trail: AuditTrail, row: Row, stream: Stream) -> pl.DataFrame:
    """The pairs of all events that share a row's request key and that bear on each other."""
    history = StreamHistory(stream, trail.ledger, trail.lake)
    keys = pl.DataFrame({name: [row[name]] for name in REQUEST_KEY}, schema_overrides=_KEY_SCHEMA)
    found = pl.DataFrame(schema=LAKE_SCHEMA)
    moments = pl.Series([row["dt"]], dtype=LAKE_SCHEMA["dt"])
    while moments.len():
        near = history.ai_events(keys, spans_of(moments, trail.rules.window))
        near = near.join(found, on="event_id", how="anti").select(*LAKE_SCHEMA)
        found = pl.concat([found, near])
        moments = near["dt"]
    candidates = found.select("event_type", *CANDIDATE_SCHEMA)
    return pair_jobs(
        candidates.filter(pl.col("event_type") == "job-received").drop("event_type"),
        candidates.filter(pl.col("event_type") == "job-processed").drop("event_type"),
        trail.rules,
    )


_KEY_SCHEMA = dict.fromkeys(REQUEST_KEY, pl.String())
