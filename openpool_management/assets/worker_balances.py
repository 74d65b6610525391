"""What every worker is owed, over all streams."""

import dagster as dg

from openpool_management.assets.page_links import page_link
from openpool_management.assets.tables import column_schema, table
from openpool_management.assets.worker_fees import worker_fees
from openpool_management.domain.money import format_eth
from openpool_management.resources import PoolResource
from openpool_management.services.ledger_report import worker_balances as balances_of

COLUMNS = {
    "worker": ("string", "Ethereum address."),
    "earned_wei": ("string", "Earned over all streams, after commission."),
    "paid_wei": ("string", "Paid so far."),
    "in_payout_wei": ("string", "Set aside for a payout that is not final."),
    "payable_wei": ("string", "Owed."),
    "payable ETH": ("string", "payable_wei in ETH."),
}


@dg.asset(
    deps=[worker_fees],
    group_name="ledger",
    owners=["team:openpool"],
    kinds={"sql"},
    code_version="1",
    tags={"domain": "fees"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def worker_balances(openpool: PoolResource) -> dg.MaterializeResult[None]:
    """What each worker earned, was paid and is owed, over **all** streams.

    The balances stand in the ledger and are only shown here: materializing this changes nothing.
    """
    pool = openpool.pool
    balances = balances_of(pool.books.standings())
    ranked = sorted(balances.items(), key=lambda item: (-int(item[1]["payable_wei"]), item[0]))
    return dg.MaterializeResult(
        metadata={
            "workers": len(ranked),
            "held": pool.books.open_holds(),
            **{
                part: str(sum(int(balance[part]) for balance in balances.values()))
                for part in ("earned_wei", "paid_wei", "in_payout_wei", "payable_wei")
            },
            "top workers": table(
                COLUMNS,
                [
                    (
                        worker,
                        balance["earned_wei"],
                        balance["paid_wei"],
                        balance["in_payout_wei"],
                        balance["payable_wei"],
                        format_eth(int(balance["payable_wei"])),
                    )
                    for worker, balance in ranked
                ],
            ),
            **page_link(pool.settings, "/workers"),
        }
    )
