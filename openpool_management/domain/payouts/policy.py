"""What planning is told: the pool's rules, the workers' balances, and what there is to pay with."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of the pool. Amounts are wei. Raises ValueError if they could pay nobody.

    threshold_wei: a balance of exactly this is paid. floor_wei: what a balance below the threshold
    needs once it is max_age_days old; 0 days: age never counts. quarantine_days: how long a worker
    waits after the first fee, unless allowed. run_max_wei and day_max_wei are caps of a run and of
    a day by UTC. A run above approval_wei waits for approval. reserve_wei stays in the wallet.
    allow_only: nobody but allow is paid. Addresses are EIP-55.
    """

    threshold_wei: int
    floor_wei: int
    max_age_days: int
    quarantine_days: int
    payout_max_wei: int
    run_max_wei: int
    day_max_wei: int
    approval_wei: int
    reserve_wei: int
    allow_only: bool = False
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.payout_max_wei < 1:
            raise ValueError(
                f"A payout is capped at {self.payout_max_wei} wei, so nobody could be paid: "
                "raise OPENPOOL_PAYOUT_MAX_WEI."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A worker over all streams. Amounts are wei; times have a zone.

    payable_wei is owed and free, in_payout_wei set aside for a payout. oldest_unpaid_at: since when
    the oldest unpaid part is owed. blocked: why the worker can't be paid, empty if nothing is known
    against it. paid_this_period: whether the run's period has a payout of theirs already;
    voided_this_period: how many of theirs it has that were voided.
    """

    worker: str
    payable_wei: int
    in_payout_wei: int = 0
    oldest_unpaid_at: datetime | None = None
    first_earned_at: datetime | None = None
    own_threshold_wei: int | None = None
    blocked: str = ""
    paid_this_period: bool = False
    voided_this_period: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """The wallet, and what was taken from it and from the caps. Amounts are wei.

    sender: EIP-55, empty if not known (a dry run without a key). wallet_wei None: not known, so
    not looked at. reserved_wei: what open payouts will still take from the wallet, gas included.
    run_before_wei: set aside for this run before. paid_today_wei: set aside this day by UTC.
    gas_wei: what one payout may cost in gas.
    """

    chain_id: int
    sender: str
    wallet_wei: int | None
    reserved_wei: int = 0
    run_before_wei: int = 0
    paid_today_wei: int = 0
    gas_wei: int = 0
