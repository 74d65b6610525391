"""The book of payouts in the ledger, as the services need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openpool_management.domain.accounts import Entry
from openpool_management.domain.payouts.chain import ChainTransaction, SendReply
from openpool_management.domain.payouts.payout import Event, Intent, Payout, Purpose
from openpool_management.domain.payouts.transactions import SignedTransfer


class PayoutConflict(Exception):
    """Another process came first, or the book is not what the caller believed. Look again."""


class LeaseHeld(Exception):
    """Another process works on the wallet; the sentence says until when."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for a wallet. fence grows with each taking and renewal."""

    sender: str
    owner: str
    fence: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a wallet stood at a finalized block when the ledger began to pay from it."""

    sender: str
    chain_id: int
    nonce: int
    balance_wei: int
    block_number: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether payouts are paused, why, since when, and by whom: ``operator`` or ``program``."""

    paused: bool
    reason: str
    asked_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a payout or its nonce ended: events and entries of one commit, and a message of it."""

    events: tuple[Event, ...]
    entries: tuple[Entry, ...] = ()
    subject: str = ""
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class ForeignTransaction:
    """A transaction that the wallet's key signed elsewhere, and what its gas cost."""

    transaction: ChainTransaction
    fee_wei: int
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell the operator, at least once. document is JSON text."""

    id: int
    subject: str
    document: str


class PayoutBook(Protocol):
    """Payouts and what was signed for them. Every method is one transaction.

    Methods that take a lease raise PayoutConflict when another process took it over.
    """

    def acquire(self, sender: str, owner: str, now: datetime, seconds: int) -> Lease:
        """Take or renew the lease of a wallet. Raises LeaseHeld."""
        ...

    def release(self, lease: Lease, now: datetime) -> None:
        """Let others take the lease at once."""
        ...

    def check_lease(self, lease: Lease) -> None:
        """Raises PayoutConflict when another process took the lease over."""
        ...

    def opening(self, sender: str) -> Opening | None:
        """Where the wallet stood at first; None before its first payout."""
        ...

    def openings(self) -> list[Opening]:
        """Every wallet that the ledger has paid from, the newest first."""
        ...

    def open_wallet(self, opening: Opening, lease: Lease, at: datetime) -> None:
        """Record where the wallet stands, with the entry of what it holds.

        Raises PayoutConflict when the ledger pays on another chain.
        """
        ...

    def next_nonce(self, sender: str) -> int:
        """The first nonce that the ledger knows nothing of."""
        ...

    def slot_nonces(self, sender: str) -> set[int]:
        """Nonces that were given to payouts."""
        ...

    def foreign_nonces(self, sender: str) -> set[int]:
        """Nonces that are known to have been used elsewhere."""
        ...

    def open_payouts(self) -> list[Payout]:
        """Payouts that have not ended, in the order in which they were set aside."""
        ...

    def payouts(self, *, worker: str | None = None, limit: int = 100) -> list[Payout]:
        """Payouts, newest first."""
        ...

    def payout(self, payout_id: str) -> Payout | None:
        """One payout by its id."""
        ...

    def payouts_of(self, run_key: str) -> dict[str, list[Payout]]:
        """Payouts of a period by worker, the oldest first, voided ones too."""
        ...

    def reserve(self, intents: Sequence[Intent], plan_hash: str, lease: Lease) -> None:
        """Set payouts aside, all or none.

        Raises PayoutConflict when one exists already or a worker is not owed as much.
        """
        ...

    def open_slot(self, payout: Payout, nonce: int, lease: Lease, at: datetime) -> Payout:
        """Give a payout its nonce, which must be the next one, and no other may be under way.

        Raises PayoutConflict otherwise.
        """
        ...

    def add_attempt(
        self, payout: Payout, signed: SignedTransfer, purpose: Purpose, lease: Lease, at: datetime
    ) -> Payout:
        """Make signed bytes durable, before anybody sends them."""
        ...

    def record_send(self, payout: Payout, tx_hash: str, reply: SendReply, at: datetime) -> Payout:
        """Note what a node answered to a broadcast."""
        ...

    def conclude(self, payout: Payout, conclusion: Conclusion, lease: Lease | None) -> Payout:
        """Note events of a payout with their entries; a second time changes nothing.

        Raises PayoutConflict when the payout has moved on.
        """
        ...

    def record_foreign(
        self,
        sender: str,
        chain_id: int,
        foreign: ForeignTransaction,
        lease: Lease,
        at: datetime,
        settles: Intent | None = None,
    ) -> None:
        """Accept a transaction of the wallet that the ledger did not make, with its entry.

        settles: a payout that it turns out to be, perhaps after it was accepted, set aside and
        settled in the same commit although the worker may not be owed as much. Raises
        PayoutConflict for a nonce that is accounted for.
        """
        ...

    def post(self, entry: Entry, lease: Lease, at: datetime) -> None:
        """Post an entry of the wallet; a second time changes nothing."""
        ...

    def wallet_wei(self, sender: str) -> int:
        """What the wallet holds by the ledger."""
        ...

    def last_block(self, sender: str) -> int:
        """The newest block that the wallet's account in the ledger knows of; 0 for none."""
        ...

    def pause(self) -> Pause | None:
        """The last word on pausing, None before the first."""
        ...

    def set_pause(self, pause: Pause) -> None:
        """Pause or resume."""
        ...

    def set_block(self, worker: str, blocked: bool, reason: str, at: datetime) -> None:
        """Pay a worker no more, or again, for a reason."""
        ...

    def block_reasons(self, worker: str) -> list[str]:
        """Why a worker is not paid: every reason since they were, empty for one who is paid."""
        ...

    def set_threshold(
        self, worker: str, threshold_wei: int | None, reason: str, at: datetime
    ) -> None:
        """Set a worker's own threshold; None is the pool's."""
        ...

    def tell(self, dedupe_key: str, subject: str, document: str, at: datetime) -> None:
        """Put a message into the outbox, once for each key."""
        ...

    def told(self, dedupe_key: str) -> bool:
        """Whether a message with that key was ever put into the outbox."""
        ...

    def undelivered(self) -> list[Message]:
        """Messages that nobody has confirmed, oldest first."""
        ...

    def delivered(self, message: Message, at: datetime) -> None:
        """Confirm a message."""
        ...
