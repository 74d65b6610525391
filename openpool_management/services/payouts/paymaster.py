"""The paymaster: one wallet with its chain, its book and its rules."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from openpool_management.domain.payouts.fees import GasRules
from openpool_management.domain.payouts.payout import Payout
from openpool_management.services.ports.chain import Chain, Signer
from openpool_management.services.ports.payouts import Lease, Pause, PayoutBook

LEASE_SECONDS = 90


class PayoutsStopped(Exception):
    """Payouts can't go on; the sentence says why and what to do. Nothing is lost by it."""


@dataclass(frozen=True, slots=True)
class PayoutLimits:
    """How far sending may go.

    reserve_wei stays in the wallet; unfinal_max_wei is what may be sent and not final.
    receipt_seconds is waited for a receipt before the next run has to look; foreign_delay_seconds
    passes between two looks at a nonce that somebody else seems to have used.
    """

    reserve_wei: int
    unfinal_max_wei: int
    receipt_seconds: float = 20
    foreign_delay_seconds: float = 2
    lease_seconds: int = LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Paymaster:
    """Everything that paying from one wallet takes.

    witnesses are further nodes that have to agree on nonces and on what is final. load_signer loads
    the key when something is to be signed, None where nothing may be.
    """

    book: PayoutBook
    chain: Chain
    witnesses: tuple[Chain, ...]
    chain_id: int
    sender: str
    gas: GasRules
    limits: PayoutLimits
    clock: Callable[[], datetime]
    load_signer: Callable[[], Signer] | None = None
    sleep: Callable[[float], None] = time.sleep
    owner: str = field(default_factory=lambda: uuid4().hex)

    @property
    def nodes(self) -> list[Chain]:
        """The nodes that are asked, the first one first."""
        return [self.chain, *self.witnesses]

    def open_payouts(self) -> list[Payout]:
        """Payouts from the wallet that have not ended, in the order in which they were made."""
        return [one for one in self.book.open_payouts() if one.intent.sender == self.sender]

    def acquire(self) -> Lease:
        """Take the wallet's lease, or renew it. Raises LeaseHeld."""
        return self.book.acquire(self.sender, self.owner, self.clock(), self.limits.lease_seconds)

    def renewed(self, lease: Lease) -> Lease:
        """The lease, renewed when half of its time is over."""
        half = timedelta(seconds=self.limits.lease_seconds / 2)
        return self.acquire() if self.clock() > lease.expires_at - half else lease

    def paused(self) -> Pause | None:
        """The pause in force, None when payouts may go on."""
        pause = self.book.pause()
        return pause if pause is not None and pause.paused else None

    def stop_for_pause(self) -> None:
        """Raises PayoutsStopped when payouts are paused."""
        pause = self.paused()
        if pause is not None:
            raise PayoutsStopped(
                f"Payouts are paused by the {pause.asked_by} since "
                f"{pause.at:%Y-%m-%d %H:%M} UTC: {pause.reason}"
            )

    def halt(self, reason: str, payout: Payout | None = None) -> None:
        """Pause payouts because something is not as it must be, and tell the operator."""
        now = self.clock()
        pause = self.paused()
        if pause is None or pause.reason != reason:
            self.book.set_pause(Pause(True, reason, "program", now))
        document = {"reason": reason, "payout_id": payout.id if payout else ""}
        self.book.tell(
            f"pause:{reason}:{now:%Y-%m-%d}", "Payouts are paused", json.dumps(document), now
        )
