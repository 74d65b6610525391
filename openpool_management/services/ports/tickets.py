"""The redeemed-revenue ledger, as the services need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from openpool_management.domain.batch import LakeFile
from openpool_management.domain.streams import Stream
from openpool_management.domain.tickets import TicketCheck, ToldTicket


@dataclass(frozen=True, slots=True)
class TicketBatch:
    """A committed batch that holds ticket-redeemed events. number is its row in the ledger."""

    number: int
    file: LakeFile


@dataclass(frozen=True, slots=True)
class Stretch:
    """Batches of a stream whose tickets are not collected: seq after after_seq, up to up_to_seq."""

    stream: Stream
    after_seq: int
    up_to_seq: int
    batches: tuple[TicketBatch, ...]


@dataclass(frozen=True, slots=True)
class CollectedTicket:
    """A ticket with its place: the batch's number, and its row in the batch's lake file."""

    batch_number: int
    lake_row: int
    ticket: ToldTicket


class Tickets(Protocol):
    """Tickets that were told, and what the chain answered. Every method is one transaction."""

    def uncollected(self, after: Mapping[Stream, int] | None = None) -> list[Stretch]:
        """At most one stretch a stream, and only such as it is worth to collect.

        after: streams whose batches up to a seq are not looked at.
        """
        ...

    def collect(self, stretch: Stretch, tickets: Sequence[CollectedTicket]) -> None:
        """Append the tickets of a stretch, all or nothing.

        Raises LedgerConflict when another process collected it.
        """
        ...

    def told(self) -> list[ToldTicket]:
        """All tickets that were collected."""
        ...

    def checks(self) -> list[TicketCheck]:
        """All answers of the chain, oldest first."""
        ...

    def record(self, checks: Sequence[TicketCheck]) -> None:
        """Append answers of the chain."""
        ...
