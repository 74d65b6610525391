"""Plans that people approve: found by their hash, and looked at again when they are carried out."""

from collections.abc import Sequence

from openpool_management.domain.payouts.plan import Plan, Verdict
from openpool_management.domain.payouts.planning import exceeded
from openpool_management.domain.payouts.policy import Funds, Policy
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management.services.ports.planning import SavedPlan

NOT_TO_BE_PAID = frozenset(
    {Verdict.UNPAYABLE, Verdict.DENIED, Verdict.NOT_ALLOWED, Verdict.BLOCKED}
)
"""Verdicts on a worker that stop an approved plan, whatever was thought when it was approved."""


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


def find_plan(plans: Sequence[SavedPlan], start: str) -> SavedPlan:
    """The saved plan whose hash begins so. Raises PayoutsStopped for none or several."""
    found = [one for one in plans if start and one.hash.startswith(start.lower())]
    if len(found) != 1:
        raise PayoutsStopped(
            f"{len(found) or 'No'} saved plans have a hash that begins with {start!r}: see "
            "openpool payouts plan."
        )
    return found[0]
