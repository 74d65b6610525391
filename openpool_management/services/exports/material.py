"""What documents are made of, gathered before the first one is written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from openpool_management.domain.accounts import Standing
from openpool_management.domain.explorer import Explorer
from openpool_management.domain.payouts.payout import Payout, PayoutState
from openpool_management.domain.payouts.plan import Decision
from openpool_management.domain.presence import ConnectionInterval
from openpool_management.domain.streams import Stream
from openpool_management.services.exports.values import Document, time_text
from openpool_management.services.ledger_report import worker_balances
from openpool_management.services.performance.report import PerformanceRow, Window
from openpool_management.services.ports.exports import LedgerSnapshot
from openpool_management.services.solvency import Solvency


@dataclass(frozen=True, slots=True)
class Share:
    """What of a payout is a stream's, in wei."""

    payout: Payout
    amount_wei: int


@dataclass(frozen=True, slots=True)
class StreamQuality:
    """How complete a stream looks. newest_object_at is the end of its newest object (UTC).

    gaps and silence are sentences, none for a stream that is well.
    """

    newest_object_at: datetime | None
    gaps: tuple[str, ...]
    silence: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """The ledger at one moment, and what else is known of the pool at about that time.

    decisions are those of a plan by worker; unapproved are those whom it pays only once a person
    has approved it; held counts open held items by reason; payout_mode is off, dry-run or live.
    """

    ledger: LedgerSnapshot
    made_at: datetime
    solvency: Solvency
    explorer: Explorer
    decisions: dict[str, Decision] = field(default_factory=dict)
    unapproved: frozenset[str] = frozenset()
    connections: dict[Stream, list[ConnectionInterval]] = field(default_factory=dict)
    performance: dict[Window, list[PerformanceRow]] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    quality: dict[Stream, StreamQuality] = field(default_factory=dict)
    payout_mode: str = "off"
    payouts_paused: bool = False

    @property
    def streams(self) -> list[Stream]:
        """The streams of the ledger, by name."""
        return sorted(self.ledger.read_at)

    @property
    def workers(self) -> list[str]:
        """Every address with something in the ledger, and such as only connected or answered."""
        connected = {one.worker for own in self.connections.values() for one in own}
        ranked = {row.worker for rows in self.performance.values() for row in rows}
        return sorted(self.ledger.histories.keys() | connected | ranked)

    @cached_property
    def standings_of(self) -> dict[str, list[Standing]]:
        """Accounts by their worker."""
        found: dict[str, list[Standing]] = {}
        for one in self.ledger.standings:
            found.setdefault(one.account.worker, []).append(one)
        return found

    @cached_property
    def balances(self) -> dict[str, dict[str, str]]:
        """What each worker earned, was paid and is owed, as ``openpool ledger --json`` states."""
        return worker_balances(self.ledger.standings)

    @cached_property
    def online(self) -> dict[str, set[Stream]]:
        """The streams that each worker has a connection open to; nobody else is in it."""
        found: dict[str, set[Stream]] = {}
        for stream, intervals in self.connections.items():
            for one in intervals:
                if one.closed_at is None:
                    found.setdefault(one.worker, set()).add(stream)
        return found

    @cached_property
    def payouts_by_id(self) -> dict[str, Payout]:
        """Every payout by its id."""
        return {one.id: one for one in self.ledger.payouts}

    @cached_property
    def not_voided(self) -> list[Payout]:
        """The payouts that were not voided, the oldest first."""
        return [one for one in self.ledger.payouts if one.state is not PayoutState.VOIDED]

    @cached_property
    def payouts_of(self) -> dict[str, list[Payout]]:
        """The payouts of each worker, the oldest first."""
        found: dict[str, list[Payout]] = {}
        for one in self.ledger.payouts:
            found.setdefault(one.intent.worker, []).append(one)
        return found

    @cached_property
    def shares(self) -> dict[str, dict[str, list[Share]]]:
        """Shares of the payouts that were not voided, by stream and worker, the oldest first."""
        found: dict[str, dict[str, list[Share]]] = {}
        for payout in self.not_voided:
            for stream, share_wei in self.shares_of(payout).items():
                own = found.setdefault(stream, {}).setdefault(payout.intent.worker, [])
                own.append(Share(payout, share_wei))
        return found

    def shares_of(self, payout: Payout) -> dict[str, int]:
        """A payout's wei by stream."""
        return self.ledger.histories[payout.intent.worker].unpaid.shares.get(payout.id, {})

    def performance_of(self, stream: Stream) -> list[PerformanceRow]:
        """The performance on a stream over all its jobs."""
        return [one for one in self.performance.get(Window.ALL, ()) if one.stream == stream]

    def connections_of(self, worker: str, stream: Stream) -> Iterator[Document]:
        """A worker's open connections to a stream, and the last that closed, without addresses."""
        own = self._intervals.get((worker, stream), [])
        closed = [one for one in own if one.closed_at is not None]
        last = max(closed, key=lambda one: (one.closed_at, one.opened_at), default=None)
        for one in own:
            if one.closed_at is None or one is last:
                yield {
                    "state": "open" if one.closed_at is None else "closed",
                    "connected_since": time_text(one.opened_at),
                    "closed_at": time_text(one.closed_at),
                    "last_seen_at": time_text(one.last_proof_at),
                }

    @cached_property
    def _intervals(self) -> dict[tuple[str, Stream], list[ConnectionInterval]]:
        found: dict[tuple[str, Stream], list[ConnectionInterval]] = {}
        for stream, intervals in self.connections.items():
            for one in intervals:
                found.setdefault((one.worker, stream), []).append(one)
        return found
