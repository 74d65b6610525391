"""Plans of the pool: made of the ledger and the wallet, saved, approved, and set aside."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from openpool_management.domain.invariants import broken_invariants
from openpool_management.domain.payouts.fees import GAS_MARGIN_PERCENT, TooExpensive, first_price
from openpool_management.domain.payouts.payout import Intent, PayoutState, intent_id
from openpool_management.domain.payouts.plan import Plan
from openpool_management.domain.payouts.plan_document import plan_document
from openpool_management.domain.payouts.planning import plan_payouts
from openpool_management.domain.payouts.policy import Candidate, Funds, Policy
from openpool_management.services.payouts.paymaster import Paymaster, PayoutsStopped
from openpool_management.services.ports import Books
from openpool_management.services.ports.chain import ExecutionReverted
from openpool_management.services.ports.payouts import Lease, PayoutBook
from openpool_management.services.ports.planning import PlanningBook


@dataclass(frozen=True, slots=True)
class Planner:
    """What plans are made of: the books, and the pool's rules."""

    books: Books
    planning: PlanningBook
    book: PayoutBook
    policy: Policy

    def plan(self, run_key: str, funds: Funds, now: datetime) -> Plan:
        """The plan of a period as things stand. It changes nothing."""
        voided = Counter[str]()
        paid = set()
        for worker, payouts in self.book.payouts_of(run_key).items():
            voided[worker] = sum(one.state is PayoutState.VOIDED for one in payouts)
            if voided[worker] < len(payouts):
                paid.add(worker)
        candidates = [
            Candidate(
                worker=one.worker,
                payable_wei=one.payable_wei,
                in_payout_wei=one.in_payout_wei,
                oldest_unpaid_at=one.unpaid_since,
                first_earned_at=one.first_earned_at,
                own_threshold_wei=one.threshold_wei,
                blocked=one.blocked,
                paid_this_period=one.worker in paid,
                voided_this_period=voided[one.worker],
            )
            for one in self.planning.standings()
        ]
        return plan_payouts(run_key, self.policy, candidates, funds, now)

    def funds(
        self, run_key: str, chain_id: int, sender: str, paymaster: Paymaster | None, now: datetime
    ) -> Funds:
        """What there is to pay with; the wallet is not known without a paymaster."""
        wallet_wei, gas_wei = (None, 0) if paymaster is None else _wallet(paymaster)
        run = self.book.payouts_of(run_key)
        waiting = [one for one in self.book.open_payouts() if one.state is not PayoutState.SEEN]
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Funds(
            chain_id=chain_id,
            sender=sender,
            wallet_wei=wallet_wei,
            reserved_wei=sum(one.intent.amount_wei + gas_wei for one in waiting),
            run_before_wei=sum(
                one.intent.amount_wei
                for payouts in run.values()
                for one in payouts
                if one.state is not PayoutState.VOIDED
            ),
            # Payouts dated ahead by a clock that was wrong take from their own day alone.
            paid_today_wei=self.planning.reserved_between(midnight, midnight + timedelta(days=1)),
            gas_wei=gas_wei,
        )

    def save(self, plan: Plan, now: datetime) -> None:
        """Save a plan, so that it can be approved or looked at later."""
        self.planning.save_plan(plan.hash, plan.run_key, plan_document(plan), plan.total_wei, now)


def set_aside(
    planner: Planner, paymaster: Paymaster, plan: Plan, lease: Lease, *, approved: bool
) -> None:
    """Reserve what a plan pays. Raises PayoutsStopped when it waits for approval or can't be."""
    if not plan.payments:
        return
    now = paymaster.clock()
    errors = broken_invariants({one.account: one.balance_wei for one in planner.books.standings()})
    if errors:
        reason = f"The ledger is not sound: {errors[0]} Run openpool verify before paying anybody."
        paymaster.halt(reason)
        raise PayoutsStopped(reason)
    planner.save(plan, now)
    if plan.needs_approval(planner.policy) and not approved:
        _ask_for_approval(paymaster, plan, now)
    paymaster.book.reserve(intents_of(plan, now), plan.hash, lease)


def intents_of(plan: Plan, now: datetime) -> list[Intent]:
    """The intents of a plan. The same period and worker have the same id until one is voided."""
    return [
        Intent(
            intent_id(plan.run_key, one.worker, one.attempt),
            plan.run_key,
            one.worker,
            one.to_address,
            one.amount_wei,
            plan.chain_id,
            plan.sender,
            now,
        )
        for one in plan.payments
    ]


def _ask_for_approval(paymaster: Paymaster, plan: Plan, now: datetime) -> None:
    document = {"plan": plan.hash, "total_wei": str(plan.total_wei)}
    paymaster.book.tell(
        f"approval:{plan.run_key}", "A payout run waits for approval", json.dumps(document), now
    )
    raise PayoutsStopped(
        f"The plan of {plan.run_key} pays {plan.total_wei} wei, which needs approval: look at it "
        f"with openpool payouts plan, and approve it with openpool payouts approve "
        f"{plan.hash[:12]}."
    )


def _wallet(paymaster: Paymaster) -> tuple[int, int]:
    """(balance, gas of a plain payout) of the wallet at the moment, in wei."""
    sender, rules = paymaster.sender, paymaster.gas
    outlook = paymaster.chain.outlook(sender, sender, 0)
    try:
        price_wei = first_price(outlook.base_fee_wei, rules)[0]
    except TooExpensive:
        price_wei = rules.max_price_wei
    try:
        gas = outlook.gas() * GAS_MARGIN_PERCENT // 100
    except ExecutionReverted as error:
        raise PayoutsStopped(
            f"A transfer of nothing from {sender} to itself would revert ({error}): pay from an "
            "address that is an ordinary account."
        ) from error
    return outlook.balance_wei, gas * price_wei
