"""A plan: whom a run pays, and for every other worker with a balance why not yet."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openpool_management.domain.payouts.policy import Policy


class Verdict(StrEnum):
    """What a plan says of a worker: PAY, or what stands in the way."""

    PAY = "pay"
    OVERPAID = "overpaid"
    UNPAYABLE = "unpayable"
    DENIED = "denied"
    NOT_ALLOWED = "not-allowed"
    BLOCKED = "blocked"
    IN_FLIGHT = "in-flight"
    PAID_THIS_PERIOD = "paid-this-period"
    BELOW_THRESHOLD = "below-threshold"
    BELOW_OWN_THRESHOLD = "below-own-threshold"
    BELOW_FLOOR = "below-floor"
    QUARANTINE = "quarantine"
    RUN_CAP = "run-cap"
    DAY_CAP = "day-cap"
    WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class Payment:
    """What one worker is paid. Addresses are EIP-55.

    attempt counts, from 0, the payouts of the period to the worker that were voided before.
    """

    worker: str
    to_address: str
    amount_wei: int
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What the plan says of a worker, with a sentence for people."""

    worker: str
    payable_wei: int
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The payments of a run in the order in which they are made, and a decision for each worker.

    run_before_wei: what was set aside for the run before this plan. Decisions are by address.
    """

    run_key: str
    chain_id: int
    sender: str
    made_at: datetime
    payments: tuple[Payment, ...]
    decisions: tuple[Decision, ...]
    run_before_wei: int = 0

    @property
    def total_wei(self) -> int:
        """What the plan pays, without gas."""
        return sum(payment.amount_wei for payment in self.payments)

    @property
    def hash(self) -> str:
        """64 hex digits that stand for what is paid, by which run, from where.

        Neither the time nor the decisions are in it: plans that make the same payouts are the same.
        What is paid again after a void is another payout.
        """
        said = {
            "run_key": self.run_key,
            "chain_id": self.chain_id,
            "sender": self.sender,
            "payments": [
                [payment.worker, payment.to_address, str(payment.amount_wei), payment.attempt]
                for payment in self.payments
            ],
        }
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def needs_approval(self, policy: Policy) -> bool:
        """Whether a person has to approve it.

        What the run set aside before counts, so that a run can't stay below the limit in slices.
        """
        return bool(self.payments) and self.run_before_wei + self.total_wei > policy.approval_wei
