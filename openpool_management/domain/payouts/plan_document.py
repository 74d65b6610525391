"""Plans as JSON documents: saved, approved by people, and carried out later."""

from datetime import datetime
from typing import Any

from openpool_management.domain.payouts.plan import Decision, Payment, Plan, Verdict


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan in the types of JSON; wei are decimal strings."""
    return {
        "hash": plan.hash,
        "run_key": plan.run_key,
        "chain_id": plan.chain_id,
        "sender": plan.sender,
        "made_at": plan.made_at.isoformat().replace("+00:00", "Z"),
        "total_wei": str(plan.total_wei),
        "run_before_wei": str(plan.run_before_wei),
        "payments": [
            {
                "worker": one.worker,
                "to": one.to_address,
                "amount_wei": str(one.amount_wei),
                "attempt": one.attempt,
            }
            for one in plan.payments
        ],
        "decisions": [
            {
                "worker": one.worker,
                "payable_wei": str(one.payable_wei),
                "verdict": one.verdict.value,
                "reason": one.reason,
            }
            for one in plan.decisions
        ],
    }


def plan_from_document(document: dict[str, Any]) -> Plan:
    """The plan of a document. Raises ValueError if it is none or does not bear its hash."""
    try:
        plan = Plan(
            run_key=document["run_key"],
            chain_id=int(document["chain_id"]),
            sender=document["sender"],
            made_at=datetime.fromisoformat(document["made_at"]),
            payments=tuple(
                Payment(one["worker"], one["to"], int(one["amount_wei"]), int(one["attempt"]))
                for one in document["payments"]
            ),
            decisions=tuple(
                Decision(
                    one["worker"],
                    int(one["payable_wei"]),
                    Verdict(one["verdict"]),
                    one["reason"],
                )
                for one in document["decisions"]
            ),
            run_before_wei=int(document["run_before_wei"]),
        )
        stated = document["hash"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"A saved plan can't be read ({type(error).__name__}: {error}): make a new plan."
        ) from error
    if plan.hash != stated:
        raise ValueError(
            f"A saved plan bears the hash {stated}, but what it pays has {plan.hash}: "
            "it was altered; make a new plan."
        )
    return plan
