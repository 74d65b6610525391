"""Who was connected when: facts out of events, and intervals out of facts.

An interval opens with a worker-connected event. It ends with the worker-disconnected event of the
same worker and connection; or, where that is missing, with the first reset of the stream that no
job of the worker follows before its next connection: a worker that goes on working was not
connected to the orchestrator that restarted. Where neither comes before the same connection opens
again, it ends there, since one address and port carry one connection at a time. Else it is open.

A disconnect after a reset counts, and the reset does not: an orchestrator that restarted does not
know the connections of before. Order is the stream's; times are clamped to it, so that no interval
ends before it was last alive though two orchestrators' objects overlap.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

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
    """One connection of a worker. closed_at is None while open; closed_by is what ended it.

    closed_by CONNECTED: the same connection was opened again. last_proof_at is when a job or the
    connection itself last showed the worker there. Times are UTC.
    """

    worker: str
    connection: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: PresenceKind | None
    last_proof_at: datetime


@dataclass(frozen=True, slots=True)
class ProofSpan:
    """Where the last job that proves a connection is looked for: between two places of the stream.

    before None: to the stream's end.
    """

    worker: str
    after: Position
    before: Position | None


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


def proof_spans(changes: Iterable[PlacedFact]) -> list[ProofSpan]:
    """The spans whose last ALIVE fact intervals_of needs; the other ALIVE facts don't matter."""
    return [one.proof_span for one in _openings(changes)]


def deciding_spans(changes: Iterable[PlacedFact], since: datetime) -> list[ProofSpan]:
    """Those of proof_spans that decide when a connection ended, if it may have been open at since.

    With these alone, intervals that end before since may end too early; the others end right, but
    for the seconds by which objects overlap; last_proof_at is not to be used.
    """
    known = list(changes)
    resets = _ordered(fact for fact in known if fact.kind is PresenceKind.RESET)
    return [one.proof_span for one in _openings(known) if _is_decided_by_proof(one, resets, since)]


def intervals_of(facts: Iterable[PlacedFact]) -> list[ConnectionInterval]:
    """The connection intervals that the presence facts of one stream add up to, oldest first."""
    known = list(facts)
    resets = _ordered(fact for fact in known if fact.kind is PresenceKind.RESET)
    alive = _by_worker(fact for fact in known if fact.kind is PresenceKind.ALIVE)
    intervals = [
        _interval(one, alive.get(one.opened.worker, []), resets) for one in _openings(known)
    ]
    return sorted(intervals, key=lambda one: (one.opened_at, one.worker, one.connection))


_position = attrgetter("position")


@dataclass(frozen=True, slots=True)
class _Opening:
    """A worker-connected event, and the next events that bear on it.

    next_of_same: of its connection, a disconnect or another opening; next_opened: of its worker.
    """

    opened: PlacedFact
    next_of_same: PlacedFact | None
    next_opened: PlacedFact | None

    @property
    def disconnect(self) -> PlacedFact | None:
        after = self.next_of_same
        return after if after and after.kind is PresenceKind.DISCONNECTED else None

    @property
    def proof_span(self) -> ProofSpan:
        ends = [one.position for one in (self.disconnect, self.next_opened) if one]
        return ProofSpan(self.opened.worker, self.opened.position, min(ends, default=None))


def _is_decided_by_proof(opening: _Opening, resets: list[PlacedFact], since: datetime) -> bool:
    if opening.disconnect:
        return False
    first = bisect_right(resets, opening.opened.position, key=_position)
    before = opening.proof_span.before
    if before is None:
        return first < len(resets)
    # Whichever reset ended it, it was over by the first one after the span.
    after = bisect_right(resets, before, key=_position)
    ends = [one for one in (opening.next_of_same, *resets[after : after + 1]) if one]
    return first < after and not any(one.dt < since for one in ends)


def _openings(facts: Iterable[PlacedFact]) -> list[_Opening]:
    changes = (PresenceKind.CONNECTED, PresenceKind.DISCONNECTED)
    openings = []
    for of_worker in _by_worker(fact for fact in facts if fact.kind in changes).values():
        next_of_connection: dict[str, PlacedFact] = {}
        next_opened: PlacedFact | None = None
        for fact in reversed(of_worker):
            if fact.kind is PresenceKind.CONNECTED:
                after = next_of_connection.get(fact.connection)
                openings.append(_Opening(fact, after, next_opened))
                next_opened = fact
            next_of_connection[fact.connection] = fact
    return openings


def _interval(
    opening: _Opening, alive: list[PlacedFact], resets: list[PlacedFact]
) -> ConnectionInterval:
    opened, span = opening.opened, opening.proof_span
    found = len(alive) if span.before is None else bisect_left(alive, span.before, key=_position)
    last = alive[found - 1] if found else opened
    proof = max(opened, last, key=_position)
    end = opening.disconnect
    if end is None:
        reset = bisect_right(resets, proof.position, key=_position)
        ends = [*resets[reset : reset + 1]]
        if opening.next_of_same:
            ends.append(opening.next_of_same)
        end = min(ends, key=_position, default=None)
    last_proof_at = max(opened.dt, proof.dt)
    return ConnectionInterval(
        worker=opened.worker,
        connection=opened.connection,
        opened_at=opened.dt,
        closed_at=max(end.dt, last_proof_at) if end else None,
        closed_by=end.kind if end else None,
        last_proof_at=last_proof_at,
    )


def _ordered(facts: Iterable[PlacedFact]) -> list[PlacedFact]:
    return sorted(facts, key=_position)


def _by_worker(facts: Iterable[PlacedFact]) -> dict[str, list[PlacedFact]]:
    by_worker: dict[str, list[PlacedFact]] = {}
    for fact in _ordered(facts):
        by_worker.setdefault(fact.worker, []).append(fact)
    return by_worker
