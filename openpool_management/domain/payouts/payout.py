"""A payout: what was set aside, the nonce it has, what was signed for it, and what came of it.

Nothing is ever changed: a payout is a list of facts, and where it stands is read from them.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.transactions import SignedTransfer

_NAMESPACE = uuid.UUID("6b0f6b0e-6e8e-5c5e-9a50-0f9c5d3c1a77")


class Purpose(StrEnum):
    """What a signed transfer is for: to pay, or to use up the nonce of a payout."""

    PAYOUT = "payout"
    CANCEL = "cancel"


class Mark(StrEnum):
    """A fact about a payout.

    Of its nonce on the chain: SEEN in a block, LOST again by a reorganization, FOREIGN (used by a
    transaction that is not in the ledger), and, once final: REVERTED, CANCELLED, SUPERSEDED.
    Of the payout: CANCEL_ASKED, HELD for a person, RETRIED by one, and for good: SETTLED, VOIDED.
    """

    SEEN = "seen"
    LOST = "lost"
    FOREIGN = "foreign"
    REVERTED = "reverted"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    CANCEL_ASKED = "cancel-asked"
    HELD = "held"
    RETRIED = "retried"
    SETTLED = "settled"
    VOIDED = "voided"


NONCE_ENDED = frozenset({Mark.REVERTED, Mark.CANCELLED, Mark.SUPERSEDED, Mark.SETTLED})
"""Marks after which a nonce can serve its payout no more."""

SIGHTINGS = frozenset({Mark.SEEN, Mark.LOST, Mark.FOREIGN})
"""Marks of what the chain says of a nonce in use; the last one holds."""

PAYOUT_ENDED = frozenset({Mark.SETTLED, Mark.VOIDED})


class PayoutState(StrEnum):
    """Where a payout stands. All but SETTLED and VOIDED are open."""

    RESERVED = "reserved"
    SLOTTED = "slotted"
    SIGNED = "signed"
    SENT = "sent"
    SEEN = "seen"
    FOREIGN = "foreign"
    HELD = "held"
    SETTLED = "settled"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be paid, to whom, from where; frozen when it is set aside."""

    id: str
    run_key: str
    worker: str
    to_address: str
    amount_wei: int
    chain_id: int
    sender: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Send:
    """A broadcast whose reply is known."""

    at: datetime
    outcome: SendOutcome
    detail: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """Signed bytes for a nonce, durable before anybody could send them."""

    signed: SignedTransfer
    purpose: Purpose
    persisted_at: datetime
    sends: tuple[Send, ...] = ()

    @property
    def hash(self) -> str:
        """The transaction's hash."""
        return self.signed.hash


@dataclass(frozen=True, slots=True)
class Event:
    """A mark with what it was made of. slot_id None: it is about the payout as a whole."""

    mark: Mark
    at: datetime
    slot_id: int | None = None
    tx_hash: str = ""
    block_number: int | None = None
    block_hash: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A nonce given to one payout."""

    id: int
    nonce: int
    attempts: tuple[Attempt, ...] = ()

    @property
    def hashes(self) -> list[str]:
        """Hashes of everything that was signed for the nonce."""
        return [attempt.hash for attempt in self.attempts]


@dataclass(frozen=True, slots=True)
class Payout:
    """An intent with its nonces and its events, both in the order in which they came."""

    intent: Intent
    slots: tuple[Slot, ...] = ()
    events: tuple[Event, ...] = field(default=())

    @property
    def id(self) -> str:
        """The intent's id."""
        return self.intent.id

    @property
    def slot(self) -> Slot | None:
        """The nonce in use, None where the payout has none or it is used up."""
        if not self.slots:
            return None
        last = self.slots[-1]
        ended = any(one.mark in NONCE_ENDED and one.slot_id == last.id for one in self.events)
        return None if ended else last

    @property
    def sighting(self) -> Event | None:
        """What was last seen of the nonce in use: SEEN, LOST or FOREIGN; None before that."""
        slot = self.slot
        found = [
            one for one in self.events if slot and one.slot_id == slot.id and one.mark in SIGHTINGS
        ]
        return found[-1] if found else None

    def may_have_left(self, block_number: int) -> bool:
        """Whether its amount may have left the wallet by a block: it was signed, and no later block
        nor another transaction is known to have its nonce.
        """
        slot, sighting = self.slot, self.sighting
        if slot is None or all(one.purpose is Purpose.CANCEL for one in slot.attempts):
            return False
        if sighting is None or sighting.mark is Mark.LOST:
            return True
        return sighting.mark is Mark.SEEN and (sighting.block_number or 0) <= block_number

    @property
    def tx_hash(self) -> str | None:
        """The transaction that ended it or may have paid it, else the one of the nonce in use: that
        which a block holds, or the last one signed. None where there is none.

        What used up an earlier nonce is not the payout's transaction.
        """
        if told := [one for one in self.events if one.mark in PAYOUT_ENDED]:
            return told[-1].tx_hash or None
        if self.state is PayoutState.HELD:
            return [one for one in self.events if one.mark is Mark.HELD][-1].tx_hash or None
        slot, sighting = self.slot, self.sighting
        if sighting is not None and sighting.mark is Mark.SEEN:
            return sighting.tx_hash
        return slot.hashes[-1] if slot and slot.attempts else None

    @property
    def cancelling(self) -> bool:
        """Whether somebody asked to cancel it and nobody asked to retry it since."""
        asked = [one.mark for one in self.events if one.mark in (Mark.CANCEL_ASKED, Mark.RETRIED)]
        return bool(asked) and asked[-1] is Mark.CANCEL_ASKED

    @property
    def ended(self) -> bool:
        """Whether nothing can come of it any more."""
        return any(one.mark in PAYOUT_ENDED for one in self.events)

    @property
    def state(self) -> PayoutState:
        """Where it stands."""
        for event in self.events:
            if event.mark in PAYOUT_ENDED:
                return PayoutState(event.mark.value)
        holding = [one.mark for one in self.events if one.mark in (Mark.HELD, Mark.RETRIED)]
        if holding and holding[-1] is Mark.HELD:
            return PayoutState.HELD
        slot = self.slot
        if slot is None:
            return PayoutState.RESERVED
        sighting = self.sighting
        if sighting is not None and sighting.mark is not Mark.LOST:
            return PayoutState(sighting.mark.value)
        if not slot.attempts:
            return PayoutState.SLOTTED
        sent = any(attempt.sends for attempt in slot.attempts)
        return PayoutState.SENT if sent or sighting is not None else PayoutState.SIGNED

    @property
    def detail(self) -> str:
        """The last thing that was noted about it, for people."""
        notes = [one.detail for one in self.events if one.detail]
        if notes or self.slot is None:
            return notes[-1] if notes else ""
        sends = [send for attempt in self.slot.attempts for send in attempt.sends]
        return sends[-1].detail if sends else ""


def intent_id(run_key: str, worker: str, attempt: int) -> str:
    """The id of a payout: the same for the same period, worker and try, whoever works it out.

    run_key names the period; attempt counts, from 0, the payouts of that period to that worker that
    were voided before.
    """
    return str(uuid.uuid5(_NAMESPACE, f"{run_key}\n{worker}\n{attempt}"))
