"""A payout run: a plan, carried out or only tried."""

from dataclasses import dataclass, field

from openpool_management.domain.payouts.payout import Intent
from openpool_management.domain.payouts.plan import Payment, Plan, Verdict
from openpool_management.domain.payouts.policy import Funds
from openpool_management.domain.payouts.transactions import Transfer
from openpool_management.services.payouts.approvals import (
    approved_plans,
    say_void,
    still_right,
    why_void,
)
from openpool_management.services.payouts.drive import DriveReport, drive
from openpool_management.services.payouts.paymaster import Paymaster, PayoutsStopped
from openpool_management.services.payouts.plans import Planner, intents_of, set_aside
from openpool_management.services.payouts.preflight import check_nodes
from openpool_management.services.payouts.quotes import RecipientRefuses, quote
from openpool_management.services.ports.payouts import Lease, PayoutConflict


@dataclass(frozen=True, slots=True)
class TriedPayment:
    """What a dry run found of a payment: the transfer it would sign, or why it would not."""

    payment: Payment
    transfer: Transfer | None
    problem: str = ""


@dataclass(slots=True)
class RunReport:
    """What a run planned and did. plan None: it did not come to planning.

    approved: plans of this and other periods that were approved and had not been carried out.
    """

    run_key: str
    plan: Plan | None = None
    approved: list[Plan] = field(default_factory=list)
    driven: DriveReport | None = None
    tried: list[TriedPayment] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def pay(planner: Planner, paymaster: Paymaster, run_key: str) -> RunReport:
    """Carry out plans that were approved, then the plan of a period.

    What is under way goes on first. A second run of the same period pays nobody twice. Raises
    LeaseHeld and OSError as drive does.
    """
    report = RunReport(run_key)

    def plan_and_reserve(lease: Lease) -> None:
        now = paymaster.clock()
        for plan in approved_plans(planner, now):
            if why := why_void(planner, plan, now):
                report.problems += say_void(planner, plan, why, now)
                continue
            _reserve(report, planner, paymaster, plan, lease, approved=True)
            report.approved.append(plan)
        report.plan = _plan_of(planner, paymaster, run_key)[0]
        _reserve(report, planner, paymaster, report.plan, lease, approved=False)
        uncovered = [one for one in report.plan.decisions if one.verdict is Verdict.WALLET]
        if uncovered:
            report.problems.append(
                f"{len(uncovered)} workers who are due wait, since the wallet {paymaster.sender} "
                f"does not cover them: top it up. The first: {uncovered[0].reason}"
            )

    report.driven = drive(paymaster, send=True, set_aside=plan_and_reserve)
    report.problems += report.driven.problems
    return report


def _plan_of(planner: Planner, paymaster: Paymaster, run_key: str) -> tuple[Plan, Funds]:
    now = paymaster.clock()
    funds = planner.funds(run_key, paymaster.chain_id, paymaster.sender, paymaster, now)
    return planner.plan(run_key, funds, now), funds


def _reserve(
    report: RunReport,
    planner: Planner,
    paymaster: Paymaster,
    plan: Plan,
    lease: Lease,
    *,
    approved: bool,
) -> None:
    try:
        if approved:
            today, funds = _plan_of(planner, paymaster, plan.run_key)
            still_right(plan, today, planner.policy, funds)
        set_aside(planner, paymaster, plan, lease, approved=approved)
    except (PayoutsStopped, PayoutConflict) as stop:
        # What was set aside before is paid all the same.
        report.problems.append(str(stop))


def rehearse(planner: Planner, paymaster: Paymaster | None, plan: Plan) -> RunReport:
    """Everything that a run does up to signing, changing nothing and with no key.

    paymaster None: no node or no wallet is known, so nothing is asked of the chain.
    """
    report = RunReport(plan.run_key, plan)
    if paymaster is None:
        report.problems.append(
            "Nothing was asked of the chain: set ETH_RPC_ENDPOINT and OPENPOOL_PAYOUT_SENDER to "
            "try the transfers too."
        )
        return report
    try:
        check_nodes(paymaster)
        paymaster.stop_for_pause()
        first = max(
            paymaster.book.next_nonce(paymaster.sender), paymaster.chain.nonce(paymaster.sender)
        )
        intents = intents_of(plan, plan.made_at)
        for nonce, (payment, intent) in enumerate(zip(plan.payments, intents, strict=True), first):
            report.tried.append(_try(paymaster, payment, intent, nonce))
    except PayoutsStopped as stop:
        report.problems.append(str(stop))
    report.problems += [one.problem for one in report.tried if one.problem]
    return report


def _try(paymaster: Paymaster, payment: Payment, intent: Intent, nonce: int) -> TriedPayment:
    try:
        return TriedPayment(payment, quote(paymaster, intent, nonce).transfer)
    except RecipientRefuses as refusal:
        return TriedPayment(payment, None, str(refusal))
