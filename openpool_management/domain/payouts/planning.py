"""Who is paid by a run. Pure: the same balances, rules and time give the same plan.

A worker gets one payout over all streams. Those who are due stand in a queue: the longest unpaid
first, then the larger amount, then by address. They are paid in that order until one does not fit
under the caps or into the wallet; from there on all wait for the next run. Nobody overtakes: else
many small balances could keep a large one waiting for ever.

A balance above the cap of one payout is paid up to the cap and the rest stays owed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from openpool_management.domain.addresses import checksum_address
from openpool_management.domain.money import format_eth
from openpool_management.domain.payouts.plan import Decision, Payment, Plan, Verdict
from openpool_management.domain.payouts.policy import Candidate, Funds, Policy

_RESERVED_ADDRESSES = 2**32
"""The first addresses are precompiles of Ethereum and of Arbitrum, and nobody's."""

_Obstacle = tuple[Verdict, str]


def plan_payouts(
    run_key: str, policy: Policy, candidates: Sequence[Candidate], funds: Funds, now: datetime
) -> Plan:
    """The plan of a run. Raises ValueError for two candidates of one worker.

    Every candidate with a balance, payable or set aside, has one decision.
    """
    workers = [candidate.worker for candidate in candidates]
    if len(set(workers)) < len(workers):
        twice = min(worker for worker in workers if workers.count(worker) > 1)
        raise ValueError(f"{twice} is twice among those to be paid; add up a worker's balances.")
    decisions = []
    due = []
    for one in candidates:
        if one.payable_wei == 0 and one.in_payout_wei == 0:
            continue
        obstacle = _obstacle(one, policy, funds.sender, now)
        if obstacle is None:
            due.append(one)
        else:
            decisions.append(Decision(one.worker, one.payable_wei, *obstacle))
    payments: list[Payment] = []
    budget = _Budget(policy, funds)
    for one in sorted(due, key=lambda one: _place(one, now)):
        amount_wei = min(one.payable_wei, policy.payout_max_wei)
        obstacle = budget.take(amount_wei)
        if obstacle is None:
            payments.append(Payment(one.worker, one.worker, amount_wei, one.voided_this_period))
            obstacle = Verdict.PAY, _paid(one, amount_wei, policy)
        decisions.append(Decision(one.worker, one.payable_wei, *obstacle))
    return Plan(
        run_key=run_key,
        chain_id=funds.chain_id,
        sender=funds.sender,
        made_at=now,
        payments=tuple(payments),
        decisions=tuple(sorted(decisions, key=lambda decision: decision.worker)),
        run_before_wei=funds.run_before_wei,
    )


def exceeded(plan: Plan, policy: Policy, funds: Funds) -> str:
    """What a plan as a whole does not fit into, in a sentence; empty if it fits."""
    for one in plan.payments:
        if one.amount_wei > policy.payout_max_wei:
            return (
                f"{format_eth(one.amount_wei)} ETH to {one.worker} exceed the cap of one payout, "
                f"{format_eth(policy.payout_max_wei)} ETH."
            )
    obstacle = _Budget(policy, funds).take(plan.total_wei, len(plan.payments))
    return obstacle[1] if obstacle else ""


def _place(one: Candidate, now: datetime) -> tuple[bool, datetime, int, str]:
    since = one.oldest_unpaid_at
    return since is None, since or now, -one.payable_wei, one.worker


def _paid(one: Candidate, amount_wei: int, policy: Policy) -> str:
    rest_wei = one.payable_wei - amount_wei
    if rest_wei:
        return (
            f"{format_eth(amount_wei)} ETH are paid, the cap of one payout; "
            f"{format_eth(rest_wei)} ETH stay owed."
        )
    if amount_wei < _threshold_wei(one, policy):
        return f"{format_eth(amount_wei)} ETH are paid: they reached the maximum age."
    return f"{format_eth(amount_wei)} ETH are paid."


def _threshold_wei(one: Candidate, policy: Policy) -> int:
    return max(policy.threshold_wei, one.own_threshold_wei or 0)


def _obstacle(one: Candidate, policy: Policy, sender: str, now: datetime) -> _Obstacle | None:
    """What stands in a worker's way, whatever is paid to others; None for nothing."""
    return (
        _of_the_books(one)
        or _of_the_address(one, sender)
        or _of_the_lists(one, policy)
        or _of_payouts(one)
        or _of_the_amount(one, policy, now)
        or _of_the_quarantine(one, policy, now)
    )


def _of_the_books(one: Candidate) -> _Obstacle | None:
    if one.payable_wei < 0:
        reason = (
            f"{format_eth(-one.payable_wei)} ETH too much were paid; coming fees make up for it."
        )
        return Verdict.OVERPAID, reason
    return None


def _of_the_address(one: Candidate, sender: str) -> _Obstacle | None:
    if checksum_address(one.worker) != one.worker:
        return Verdict.UNPAYABLE, f"{one.worker} is no address with its checksum (EIP-55)."
    if int(one.worker, 16) < _RESERVED_ADDRESSES:
        return Verdict.UNPAYABLE, f"{one.worker} is an address that nobody has a key for."
    if one.worker == sender:
        return Verdict.UNPAYABLE, f"{one.worker} is the wallet that payouts come from."
    return None


def _of_the_lists(one: Candidate, policy: Policy) -> _Obstacle | None:
    on_its_way = ""
    if one.in_payout_wei:
        # What was set aside before goes on, whoever is barred since.
        on_its_way = f" {_under_way(one)} openpool payouts cancel stops it, if it is not sent yet."
    if one.worker in policy.deny:
        return Verdict.DENIED, f"The worker is on the deny list.{on_its_way}"
    if policy.allow_only and one.worker not in policy.allow:
        return Verdict.NOT_ALLOWED, f"Only workers on the allow list are paid.{on_its_way}"
    if one.blocked:
        reason = f"The worker can't be paid: {one.blocked.rstrip('.')}.{on_its_way}"
        return Verdict.BLOCKED, reason
    return None


def _of_payouts(one: Candidate) -> _Obstacle | None:
    if one.in_payout_wei:
        return Verdict.IN_FLIGHT, _under_way(one)
    if one.paid_this_period:
        reason = "The worker was paid in this period already: a period is a day by UTC."
        return Verdict.PAID_THIS_PERIOD, reason
    return None


def _under_way(one: Candidate) -> str:
    return f"A payout of {format_eth(one.in_payout_wei)} ETH to the worker is under way."


def _of_the_amount(one: Candidate, policy: Policy, now: datetime) -> _Obstacle | None:
    threshold_wei = _threshold_wei(one, policy)
    if one.payable_wei >= threshold_wei:
        return None
    if policy.max_age_days and _passed(one.oldest_unpaid_at, policy.max_age_days, now):
        if one.payable_wei >= policy.floor_wei:
            return None
        missing = format_eth(policy.floor_wei - one.payable_wei)
        reason = (
            f"Old enough to be paid below the threshold, but {missing} ETH are missing to the "
            f"floor of {format_eth(policy.floor_wei)} ETH."
        )
        return Verdict.BELOW_FLOOR, reason
    missing = format_eth(threshold_wei - one.payable_wei)
    whole = format_eth(threshold_wei)
    if threshold_wei > policy.threshold_wei:
        reason = f"{missing} ETH are missing to the worker's own threshold of {whole} ETH."
        return Verdict.BELOW_OWN_THRESHOLD, reason
    return Verdict.BELOW_THRESHOLD, f"{missing} ETH are missing to the threshold of {whole} ETH."


def _of_the_quarantine(one: Candidate, policy: Policy, now: datetime) -> _Obstacle | None:
    days = policy.quarantine_days
    if not days or one.worker in policy.allow or _passed(one.first_earned_at, days, now):
        return None
    if one.first_earned_at is None:
        return Verdict.QUARANTINE, "In quarantine: when the worker first earned is not known."
    until = _later(one.first_earned_at, days).isoformat(" ", "seconds")
    return Verdict.QUARANTINE, f"A new address, in quarantine until {until}."


def _passed(since: datetime | None, days: int, now: datetime) -> bool:
    return since is not None and now - since >= timedelta(days=days)


def _later(at: datetime, days: int) -> datetime:
    try:
        return at + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=at.tzinfo)


class _Budget:
    """What the caps and the wallet have left; once one is exceeded, nothing fits any more."""

    def __init__(self, policy: Policy, funds: Funds) -> None:
        self._left = {
            Verdict.RUN_CAP: policy.run_max_wei - funds.run_before_wei,
            Verdict.DAY_CAP: policy.day_max_wei - funds.paid_today_wei,
        }
        if funds.wallet_wei is not None:
            wallet_wei = funds.wallet_wei - funds.reserved_wei - policy.reserve_wei
            self._left[Verdict.WALLET] = wallet_wei
        self._gas_wei = funds.gas_wei
        self._full: Verdict | None = None

    def take(self, amount_wei: int, transfers: int = 1) -> _Obstacle | None:
        """Take an amount and the gas of its transfers, or tell what it does not fit into."""
        if self._full is not None:
            return self._full, f"Waits behind an older balance that {_EXCEEDS[self._full]}."
        needs = dict.fromkeys(self._left, amount_wei)
        if Verdict.WALLET in needs:
            needs[Verdict.WALLET] += self._gas_wei * transfers
        for name, left_wei in self._left.items():
            if needs[name] > left_wei:
                self._full = name
                need, rest = format_eth(needs[name]), format_eth(max(left_wei, 0))
                return name, f"{need} ETH are due, which {_EXCEEDS[name]}: {rest} ETH are left."
        for name, need_wei in needs.items():
            self._left[name] -= need_wei
        return None


_EXCEEDS = {
    Verdict.RUN_CAP: "exceeds the cap of one run",
    Verdict.DAY_CAP: "exceeds the cap of one day",
    Verdict.WALLET: "the wallet does not cover",
}
