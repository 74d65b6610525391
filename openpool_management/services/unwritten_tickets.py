"""Redeemed tickets for a process that can't write: what it collects, it keeps in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openpool_management.domain.streams import Stream
from openpool_management.domain.tickets import TicketCheck, ToldTicket
from openpool_management.services.ports.tickets import CollectedTicket, Stretch, Tickets


@dataclass
class Unwritten:
    """What was found beyond the ledger. Kept from one look to the next, nothing is asked twice.

    seqs has the last seq of each stream whose tickets were collected here.
    """

    seqs: dict[Stream, int] = field(default_factory=dict)
    told: list[ToldTicket] = field(default_factory=list)
    checks: list[TicketCheck] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UnwrittenTickets:
    """Implements the Tickets port over a ledger that it only reads."""

    stored: Tickets
    own: Unwritten

    def uncollected(self, after: Mapping[Stream, int] | None = None) -> list[Stretch]:
        """See the port."""
        return self.stored.uncollected(self.own.seqs | dict(after or {}))

    def collect(self, stretch: Stretch, tickets: Sequence[CollectedTicket]) -> None:
        """See the port; never raises LedgerConflict."""
        self.own.seqs[stretch.stream] = stretch.up_to_seq
        self.own.told.extend(one.ticket for one in tickets)

    def told(self) -> list[ToldTicket]:
        """See the port."""
        # Another process may have collected the same since: an event ID is in a stream once.
        found = {(one.stream, one.event_id): one for one in (*self.own.told, *self.stored.told())}
        return list(found.values())

    def checks(self) -> list[TicketCheck]:
        """See the port."""
        return sorted([*self.stored.checks(), *self.own.checks], key=lambda one: one.checked_at)

    def record(self, checks: Sequence[TicketCheck]) -> None:
        """See the port."""
        self.own.checks.extend(checks)
