"""Who was connected when, out of the presence facts in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openpool_management.domain.batch import PresenceKind
from openpool_management.domain.presence import (
    ConnectionInterval,
    PlacedFact,
    ProofSpan,
    deciding_spans,
    intervals_of,
    proof_spans,
)
from openpool_management.domain.streams import Stream


class PresenceRecords(Protocol):
    """The presence facts of a ledger, in the order of the stream or in any other."""

    def changes(self, stream: Stream) -> list[PlacedFact]:
        """All facts of a stream that are not ALIVE."""
        ...

    def last_proofs(self, stream: Stream, spans: list[ProofSpan]) -> list[PlacedFact]:
        """The last ALIVE fact of each span that has one."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerPresence:
    """One worker's connections to a stream, past and present. Times are UTC."""

    worker: str
    open_connections: int
    connections: int
    first_seen_at: datetime
    last_proof_at: datetime


def connections(records: PresenceRecords, stream: Stream) -> list[ConnectionInterval]:
    """The connection intervals of a stream, oldest first."""
    changes = records.changes(stream)
    return intervals_of([*changes, *records.last_proofs(stream, proof_spans(changes))])


def connections_since(
    records: PresenceRecords, stream: Stream, since: datetime
) -> list[ConnectionInterval]:
    """The connection intervals of a stream, looked up as far as they matter from since on (UTC).

    See domain.presence.deciding_spans for what holds of those that end before.
    """
    changes = records.changes(stream)
    return intervals_of([*changes, *records.last_proofs(stream, deciding_spans(changes, since))])


def presence_by_worker(intervals: Sequence[ConnectionInterval]) -> list[WorkerPresence]:
    """One row a worker, sorted by address; workers without an open connection included."""
    by_worker: dict[str, list[ConnectionInterval]] = {}
    for one in intervals:
        by_worker.setdefault(one.worker, []).append(one)
    return [
        WorkerPresence(
            worker=worker,
            open_connections=sum(one.closed_at is None for one in own),
            connections=len(own),
            first_seen_at=min(one.opened_at for one in own),
            last_proof_at=max(one.last_proof_at for one in own),
        )
        for worker, own in sorted(by_worker.items())
    ]


def cut_off(intervals: Sequence[ConnectionInterval]) -> list[ConnectionInterval]:
    """The connections that a reset ended: their orchestrator went down without a quiet end."""
    return [one for one in intervals if one.closed_by is PresenceKind.RESET]
