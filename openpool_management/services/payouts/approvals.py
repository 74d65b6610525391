"""Plans that people approve: found by their hash, and looked at again when they are carried out."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from openpool_management.domain.payouts.plan import Plan, Verdict
from openpool_management.domain.payouts.plan_document import plan_from_document
from openpool_management.domain.payouts.planning import exceeded
from openpool_management.domain.payouts.policy import Funds, Policy
from openpool_management.services.decisions import stated_reason
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management.services.payouts.plans import Planner
from openpool_management.services.ports.planning import SavedPlan, WorkerStanding

NOT_TO_BE_PAID = frozenset(
    {Verdict.UNPAYABLE, Verdict.DENIED, Verdict.NOT_ALLOWED, Verdict.BLOCKED}
)
"""Verdicts on a worker that stop an approved plan, whatever was thought when it was approved."""

APPROVAL_HOLDS = timedelta(days=7)


def approve_plan(planner: Planner, start: str, reason: str, now: datetime) -> SavedPlan:
    """Let the next run carry out the saved plan whose hash begins so.

    Raises PayoutsStopped when no or several plans are meant or it is void, and DecisionRefused
    without a reason.
    """
    saved = _find_plan(planner.planning.saved_plans(), start)
    if why := _void(planner, saved, now):
        raise PayoutsStopped(
            f"Plan {saved.hash[:12]} of {saved.run_key} is void: {why} Approve another one of "
            "openpool payouts plan."
        )
    planner.planning.approve(saved.hash, stated_reason(reason), now)
    return saved


def waiting_plans(planner: Planner, now: datetime) -> list[SavedPlan]:
    """Plans that wait for approval, the newest first: of each period the newest that is not void.

    A run saves another plan whenever somebody has earned, so all before it are out of date.
    """
    newest: dict[str, SavedPlan] = {}
    for saved in planner.planning.saved_plans():
        if saved.run_key not in newest and not saved.begun and not _void(planner, saved, now):
            newest[saved.run_key] = saved
    return [one for one in newest.values() if one.approved_at is None]


def approved_plans(planner: Planner, now: datetime) -> list[Plan]:
    """Plans that were approved in the last days and not begun, the oldest first; void ones too.

    A plan may be approved when the run that made it is over: it is carried out by the next one.
    """
    return [
        plan_from_document(saved.document)
        for saved in reversed(planner.planning.saved_plans())
        if saved.approved_at is not None
        and not saved.begun
        and now - saved.approved_at <= APPROVAL_HOLDS
    ]


def unapproved(planner: Planner, plan: Plan, now: datetime) -> frozenset[str]:
    """Workers whom a plan pays, and no run does before a person has approved it."""
    if not plan.needs_approval(planner.policy):
        return frozenset()
    carried_out = [one for one in approved_plans(planner, now) if not why_void(planner, one, now)]
    paid = {payment.worker for one in carried_out for payment in one.payments}
    return frozenset(payment.worker for payment in plan.payments) - paid


def say_void(planner: Planner, plan: Plan, why: str, now: datetime) -> list[str]:
    """The sentence that an approved plan is void, and a message of it; nothing the next time."""
    key = f"void:{plan.hash}"
    if planner.book.told(key):
        return []
    text = (
        f"Plan {plan.hash[:12]} of {plan.run_key} was approved and is void: {why} Its workers are "
        "paid by the plans that follow, as far as they are due."
    )
    document = json.dumps({"plan": plan.hash, "reason": text})
    planner.book.tell(key, "An approved plan is void", document, now)
    return [text]


def why_void(planner: Planner, plan: Plan, now: datetime) -> str:
    """Why a saved plan can't be carried out any more, in a sentence; empty where it can.

    It is void as a whole, since it was approved as a whole.
    """
    standings = {one.worker: one for one in planner.planning.standings()}
    payouts = planner.book.payouts_of(plan.run_key)
    for one in plan.payments:
        worker = standings.get(one.worker, WorkerStanding(one.worker))
        # A clock that was ahead must not make every plan void until its time has come.
        paid = worker.paid_at is not None and plan.made_at < worker.paid_at <= now
        if paid or len(payouts.get(one.worker, [])) != one.attempt:
            return f"a payout to {one.worker} was set aside since it was made."
        if worker.payable_wei < one.amount_wei:
            return (
                f"{one.worker} is owed {worker.payable_wei} wei, less than the {one.amount_wei} "
                "wei that it pays."
            )
    return ""


def still_right(plan: Plan, today: Plan, policy: Policy, funds: Funds) -> None:
    """Raises PayoutsStopped when an approved plan must not be carried out at the moment.

    today is what would be planned instead. The caps hold for approved plans too, since they are
    there for a person's mistake as well; and a plan is paid as a whole or not at all.
    """
    name = f"Plan {plan.hash[:12]} of {plan.run_key}"
    if (plan.chain_id, plan.sender) != (today.chain_id, today.sender):
        raise PayoutsStopped(
            f"{name} pays from {plan.sender} on chain {plan.chain_id}, not from "
            f"{today.sender} on chain {today.chain_id}: approve another plan."
        )
    paid = {one.worker for one in plan.payments}
    for one in today.decisions:
        if one.worker in paid and one.verdict in NOT_TO_BE_PAID:
            raise PayoutsStopped(
                f"{name} pays {one.worker}, who is not to be paid any more "
                f"({one.reason.rstrip('.')}): approve another plan."
            )
    if obstacle := exceeded(plan, policy, funds):
        raise PayoutsStopped(
            f"{name} was approved and waits: {obstacle} It is tried again by each run until seven "
            "days after its approval."
        )


def _find_plan(plans: Sequence[SavedPlan], start: str) -> SavedPlan:
    """The saved plan whose hash begins so. Raises PayoutsStopped for none or several."""
    found = [one for one in plans if start and one.hash.startswith(start.lower())]
    if len(found) != 1:
        raise PayoutsStopped(
            f"{len(found) or 'No'} saved plans have a hash that begins with {start!r}: see "
            "openpool payouts plan."
        )
    return found[0]


def _void(planner: Planner, saved: SavedPlan, now: datetime) -> str:
    try:
        plan = plan_from_document(saved.document)
    except ValueError as error:
        return str(error)
    return why_void(planner, plan, now)
