"""What planning needs of the ledger, as the services need it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(slots=True)
class WorkerStanding:
    """A worker in the books of payouts, in wei.

    first_earned_at: the first posting to the worker. paid_at: when the last payout was set aside
    that was not voided. unpaid_since: the first posting after that; paid_at itself where that
    payout left a rest. blocked: why the worker can't be paid, empty if nothing is known.
    """

    worker: str
    payable_wei: int = 0
    in_payout_wei: int = 0
    first_earned_at: datetime | None = None
    paid_at: datetime | None = None
    unpaid_since: datetime | None = None
    threshold_wei: int | None = None
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was saved. approved_at None: nobody approved it. begun: it was carried out."""

    hash: str
    run_key: str
    document: dict[str, Any]
    total_wei: int
    made_at: datetime
    approved_at: datetime | None
    reason: str
    begun: bool


class PlanningBook(Protocol):
    """Standings of workers, and plans that were saved. Every method is one transaction."""

    def standings(self) -> list[WorkerStanding]:
        """Every worker with an account, by address."""
        ...

    def save_plan(
        self, plan_hash: str, run_key: str, document: dict[str, Any], total_wei: int, at: datetime
    ) -> None:
        """Save a plan; the same plan is saved once."""
        ...

    def approve(self, plan_hash: str, reason: str, at: datetime) -> None:
        """Approve a saved plan; a second time changes nothing."""
        ...

    def saved_plans(self, run_key: str | None = None) -> list[SavedPlan]:
        """Plans that were saved, newest first."""
        ...

    def reserved_between(self, since: datetime, until: datetime) -> int:
        """Wei set aside from since to before until, without what was given back."""
        ...
