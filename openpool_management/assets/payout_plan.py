"""Whom a payout run would pay, and why not the others."""

from collections import Counter

import dagster as dg

from openpool_management.assets.payout_rows import ROWS, failures_in_words
from openpool_management.assets.tables import column_schema, counts_table, table
from openpool_management.assets.worker_balances import worker_balances
from openpool_management.domain.money import format_eth
from openpool_management.domain.payouts.plan import Plan, Verdict
from openpool_management.partitions import PAYOUT_DAYS
from openpool_management.resources import PoolResource

COLUMNS = {
    "worker": ("string", "Ethereum address."),
    "payable_wei": ("string", "Owed and not set aside."),
    "payable ETH": ("string", "payable_wei in ETH."),
    "pays_wei": ("string", "What this plan pays."),
    "verdict": ("string", "pay, or what stands in the way."),
    "reason": ("string", "The same in a sentence."),
}


@dg.asset(
    deps=[worker_balances],
    group_name="payouts",
    partitions_def=PAYOUT_DAYS,
    owners=["team:openpool"],
    kinds={"sql", "ethereum"},
    code_version="1",
    tags={"domain": "payouts"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def payout_plan(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """Every worker with a balance: paid by a run of this day, or why not yet.

    It is the plan **as things stand when it is made**, in any mode of `OPENPOOL_PAYOUTS`. Looking
    changes nothing; a run makes its own plan once it has the wallet for itself. The wallet's
    balance counts where `ETH_RPC_ENDPOINT` names a node and the wallet's address is known.
    """
    desk = openpool.desk
    with failures_in_words():
        plan = desk.plan(context.partition_key)
    verdicts = Counter(one.verdict.value for one in plan.decisions)
    return dg.MaterializeResult(
        metadata={
            "mode": desk.mode.value,
            "workers": len(plan.decisions),
            "workers paid": len(plan.payments),
            "total_wei": str(plan.total_wei),
            "total ETH": format_eth(plan.total_wei),
            "hash": plan.hash,
            "needs approval": plan.needs_approval(desk.policy),
            "wallet": plan.sender or "not known: set OPENPOOL_PAYOUT_SENDER",
            "workers by verdict": counts_table(verdicts, "verdict"),
            "decisions": table(COLUMNS, _rows(plan), ROWS),
        }
    )


def _rows(plan: Plan) -> list[tuple[str, ...]]:
    """The paid first, then by what is owed."""
    pays_wei = {one.worker: one.amount_wei for one in plan.payments}
    ranked = sorted(
        plan.decisions,
        key=lambda one: (one.verdict is not Verdict.PAY, -one.payable_wei, one.worker),
    )
    return [
        (
            one.worker,
            str(one.payable_wei),
            format_eth(one.payable_wei),
            str(pays_wei.get(one.worker, 0)),
            one.verdict.value,
            one.reason,
        )
        for one in ranked
    ]
