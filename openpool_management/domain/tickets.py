"""Redeemed tickets: what the event log tells of the pool's revenue, and how much of it counts.

Money counts once for each transaction, in whatever order and however often it was told. So what
was told is kept, and what counts is a function of the set:

1. A hash of zeros is a redemption that failed before it had a transaction: it never counts.
2. Events of one hash and one face value are one redemption. Whose stream it is on and when it was
   is said by the first of them by (DT, stream, event ID).
3. Events of one hash with different face values can't both be true: it is doubtful, and does not
   count. So is what states no transaction hash or no face value that a chain could hold.
4. The chain has the last word on success: reverted never counts, succeeded is verified. A hash that
   the chain does not know, long after it was told, is doubtful. Before it is asked: unverified.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openpool_management.domain.addresses import checksum_address

NO_TRANSACTION = "0x" + "0" * 64
"""What the emitter writes when a redemption failed before there was a transaction."""

MAX_FACE_VALUE_WEI = 2**256 - 1

_HASH = re.compile(r"0x[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ToldTicket:
    """A ticket-redeemed event. Its stream is ``nodeType|region``.

    tx_hash is lower-case hex, empty for text that is no hash; face_value_wei is None for a number
    that no chain holds; sender and recipient are EIP-55, empty for text that is no address.
    """

    stream: str
    event_id: str
    dt: datetime
    tx_hash: str
    face_value_wei: int | None
    sender: str
    recipient: str


class TicketOutcome(StrEnum):
    """What the chain says of a redemption's transaction, in a block that can't be taken back."""

    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class TicketCheck:
    """An answer of the chain. block_number is the block that holds the transaction.

    For MISSING it is the finalized block up to which there was none.
    """

    tx_hash: str
    outcome: TicketOutcome
    block_number: int
    checked_at: datetime


class TicketState(StrEnum):
    """How far a redemption is believed. Verified and unverified ones are revenue."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    DOUBTFUL = "doubtful"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Redemption:
    """A redemption as all that was told of it makes it; told is the number of its events.

    face_value_wei of a doubtful one is the highest that was stated; doubt says why, else it is
    empty.
    """

    state: TicketState
    tx_hash: str
    face_value_wei: int
    stream: str
    event_id: str
    dt: datetime
    sender: str
    recipient: str
    told: int
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The redeemed-revenue ledger: redemptions by time, and the events without a transaction."""

    redemptions: tuple[Redemption, ...]
    without_transaction: int

    def wei(self, state: TicketState) -> int:
        """Face values in one state, together. Of doubtful ones it is the most they can be."""
        return sum(one.face_value_wei for one in self.redemptions if one.state is state)

    def count(self, state: TicketState) -> int:
        """Redemptions in one state."""
        return sum(one.state is state for one in self.redemptions)

    @property
    def doubts(self) -> list[str]:
        """A sentence for each doubtful redemption."""
        return [one.doubt for one in self.redemptions if one.doubt]


def told_ticket(stream: str, event_id: str, dt: datetime, payload: str) -> ToldTicket:
    """A ticket-redeemed event from the JSON that the event lake keeps of it."""
    fields = json.loads(payload)
    tx_hash = fields["txHash"].lower()
    face_value_wei = fields["faceValue"]
    return ToldTicket(
        stream=stream,
        event_id=event_id,
        dt=dt,
        tx_hash=tx_hash if _HASH.fullmatch(tx_hash) else "",
        face_value_wei=face_value_wei if 0 <= face_value_wei <= MAX_FACE_VALUE_WEI else None,
        sender=checksum_address(fields["sender"]) or "",
        recipient=checksum_address(fields["recipient"]) or "",
    )


def redeemed(tickets: Iterable[ToldTicket], checks: Iterable[TicketCheck]) -> Redeemed:
    """What was told and what the chain answered, as redemptions; their order does not matter."""
    events: defaultdict[tuple[str, ...], list[ToldTicket]] = defaultdict(list)
    without_transaction = 0
    for ticket in tickets:
        if ticket.tx_hash == NO_TRANSACTION:
            without_transaction += 1
        elif ticket.tx_hash:
            events[(ticket.tx_hash,)].append(ticket)
        else:
            events[("", ticket.stream, ticket.event_id)].append(ticket)
    answers: defaultdict[str, set[TicketOutcome]] = defaultdict(set)
    for check in checks:
        answers[check.tx_hash].add(check.outcome)
    redemptions = (
        _redemption(sorted(told, key=_place), answers.get(told[0].tx_hash, set()))
        for told in events.values()
    )
    ordered = sorted(redemptions, key=lambda one: (one.dt, one.stream, one.event_id, one.tx_hash))
    return Redeemed(tuple(ordered), without_transaction)


def _place(ticket: ToldTicket) -> tuple[datetime, str, str, str, str]:
    # Whatever shows is part of the order, so that nothing hangs on the order of reading.
    return ticket.dt, ticket.stream, ticket.event_id, ticket.sender, ticket.recipient


def _redemption(told: Sequence[ToldTicket], answers: set[TicketOutcome]) -> Redemption:
    first = told[0]
    doubt = ""
    if answers >= {TicketOutcome.SUCCEEDED, TicketOutcome.REVERTED}:
        doubt = "The chain said both that it succeeded and that it reverted"
        state = TicketState.DOUBTFUL
    elif TicketOutcome.REVERTED in answers:
        state = TicketState.FAILED
    elif doubt := _told_doubt(told, answers):
        state = TicketState.DOUBTFUL
    else:
        state = TicketState.VERIFIED if answers else TicketState.UNVERIFIED
    return Redemption(
        state=state,
        tx_hash=first.tx_hash,
        face_value_wei=max(ticket.face_value_wei or 0 for ticket in told),
        stream=first.stream,
        event_id=first.event_id,
        dt=first.dt,
        sender=first.sender,
        recipient=first.recipient,
        told=len(told),
        doubt=doubt and f"{_name(told)} is not counted. {doubt}: {_REMEDY}",
    )


_REMEDY = "compare it with the transaction on the chain, and the events with `openpool trace`."


def _name(told: Sequence[ToldTicket]) -> str:
    tickets = ", ".join(sorted({f"{ticket.event_id} of {ticket.stream}" for ticket in told}))
    transaction = f"Redemption {told[0].tx_hash}" if told[0].tx_hash else "A redemption"
    return f"{transaction}, told by {tickets},"


def _told_doubt(told: Sequence[ToldTicket], answers: set[TicketOutcome]) -> str:
    """What speaks against a redemption, by what was told and the chain's silence."""
    values = {ticket.face_value_wei for ticket in told}
    if not told[0].tx_hash:
        return "It states no transaction hash"
    if None in values:
        return "It states a face value that no chain can hold"
    if len(values) > 1:
        stated = ", ".join(f"{value}" for value in sorted(value or 0 for value in values))
        return f"It is told with different face values of {stated} wei"
    if answers == {TicketOutcome.MISSING}:
        return "The chain holds no such transaction"
    return ""
