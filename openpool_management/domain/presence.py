"""Who was connected when: facts out of events, and intervals out of facts.

An interval opens with a worker-connected event. It ends with the worker-disconnected event of the
same worker and connection; or, where that is missing, with the first reset of the stream that no job of
the worker follows before its next connection: a worker that goes on working was not connected to
the orchestrator that restarted. Without either the interval is open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.batch import PresenceFact, PresenceKind
from openpool_management.domain.wire import RESETS

_KINDS = {
    "worker-connected": PresenceKind.CONNECTED,
    "worker-disconnected": PresenceKind.DISCONNECTED,
    **dict.fromkeys(RESETS, PresenceKind.RESET),
}


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """A place in a stream's order."""

    object_start: datetime
    object_key: str
    object_etag: str
    object_index: int


@dataclass(frozen=True, slots=True)
class PlacedFact:
    """A presence fact with its place in the stream."""

    position: Position
    dt: datetime
    kind: PresenceKind
    worker: str
    connection: str


@dataclass(frozen=True, slots=True)
class ConnectionInterval:
    """One connection of a worker. closed_at is None while open; closed_by is the event type's part.

    last_proof_at is when the connection was last known to be alive. Times are UTC.
    """

    worker: str
    connection: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: PresenceKind | None
    last_proof_at: datetime


def presence_of(events: pl.DataFrame) -> tuple[PresenceFact, ...]:
    """The presence facts of a batch's events, jobs thinned out to the last of each run.

    A run is a worker's jobs of one object between two connection events or resets of that object:
    objects are whole in a stream's order, so no event of another one can fall into a run.
    """
    changes = events.filter(pl.col("event_type").is_in(list(_KINDS)))
    facts = [
        PresenceFact(no, index, dt, _KINDS[event_type], worker or "", connection or "")
        for no, index, dt, event_type, worker, connection in changes.select(
            "object_no", "object_index", "dt", "event_type", "worker", "connection"
        ).iter_rows()
    ]
    is_job = (
        pl.col("event_type").is_in(["job-received", "job-processed"])
        & pl.col("worker").is_not_null()
    )
    runs = (
        events.select(
            "object_no",
            "object_index",
            "dt",
            "worker",
            is_job=is_job,
            run=pl.col("event_type").is_in(list(_KINDS)).cum_sum(),
        )
        .filter(pl.col("is_job"))
        .group_by("object_no", "run", "worker")
        .agg(pl.col("object_index", "dt").last())
        .sort("object_no", "object_index")
    )
    facts.extend(
        PresenceFact(no, index, dt, PresenceKind.ALIVE, worker, "")
        for no, index, dt, worker in runs.select(
            "object_no", "object_index", "dt", "worker"
        ).iter_rows()
    )
    return tuple(fact for fact in facts if fact.worker != ZERO_ADDRESS)


def intervals_of(facts: Iterable[PlacedFact]) -> list[ConnectionInterval]:
    """The connection intervals that the presence facts of one stream add up to, oldest first."""
    ordered = sorted(facts, key=lambda fact: fact.position)
    resets = [fact for fact in ordered if fact.kind is PresenceKind.RESET]
    by_worker: dict[str, list[PlacedFact]] = {}
    for fact in ordered:
        if fact.kind is not PresenceKind.RESET:
            by_worker.setdefault(fact.worker, []).append(fact)
    intervals = [
        _interval(fact, rest[number + 1 :], resets)
        for rest in by_worker.values()
        for number, fact in enumerate(rest)
        if fact.kind is PresenceKind.CONNECTED
    ]
    return sorted(intervals, key=lambda one: (one.opened_at, one.worker, one.connection))


def _interval(
    opened: PlacedFact, later: Sequence[PlacedFact], resets: Sequence[PlacedFact]
) -> ConnectionInterval:
    proof = opened
    end: PlacedFact | None = None
    reconnected = False
    for fact in later:
        if fact.kind is PresenceKind.DISCONNECTED and fact.connection == opened.connection:
            end = fact
            break
        if fact.kind is PresenceKind.CONNECTED:
            if fact.connection == opened.connection:
                break
            reconnected = True
        if fact.kind is PresenceKind.ALIVE and not reconnected:
            proof = fact
    if end is None:
        end = next((one for one in resets if one.position > proof.position), None)
    return ConnectionInterval(
        worker=opened.worker,
        connection=opened.connection,
        opened_at=opened.dt,
        closed_at=end.dt if end else None,
        closed_by=end.kind if end else None,
        last_proof_at=max(opened.dt, proof.dt),
    )
