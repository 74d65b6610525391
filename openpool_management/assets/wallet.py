"""The wallet that payouts come from."""

import dagster as dg

from openpool_management.assets.payout_settlement import payout_settlement
from openpool_management.assets.tables import column_schema, table
from openpool_management.assets.worker_payouts import worker_payouts
from openpool_management.domain.money import format_eth
from openpool_management.resources import PoolResource
from openpool_management.services.payouts.tips import tip_warning
from openpool_management.services.payouts.wallet_report import LOOKBACK_DAYS, report_wallet

COLUMNS = {
    "amount": ("string", "What it is."),
    "wei": ("string", "The amount; empty where it is not known."),
    "ETH": ("string", "The same in ETH."),
}


@dg.asset(
    deps=[worker_payouts, payout_settlement],
    group_name="payouts",
    owners=["team:openpool"],
    kinds={"sql", "ethereum"},
    code_version="1",
    tags={"domain": "payouts"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def wallet(context: dg.AssetExecutionContext, openpool: PoolResource) -> dg.MaterializeResult[None]:
    """Balance of the wallet by the ledger and by the chain, what it owes, and how long it lasts.

    The ledger follows the chain when payouts are **final**, so the two differ while some are under
    way; the check `wallet_equals_chain` compares them where they must be equal. Looking changes
    nothing.
    """
    desk = openpool.desk
    chain = desk.chains[0] if desk.chains else None
    report = report_wallet(
        desk.planner, desk.sender(), chain, desk.pool.settings.chain_id, desk.clock()
    )
    amounts = {
        "balance by the ledger": report.ledger_wei,
        "balance by the chain": report.chain_wei,
        "set aside for payouts": report.in_payout_wei,
        "owed beside that": report.payable_wei,
        "gas spent": report.gas_wei,
        f"payouts of the last {LOOKBACK_DAYS} days": report.month_wei,
        "reserve": desk.policy.reserve_wei,
    }
    metadata: dict[str, dg.RawMetadataValue] = {
        "wallet": report.sender,
        "days of payouts covered": "not known" if report.days is None else report.days,
        "in_payout_wei": str(report.in_payout_wei),
        "gas_wei": str(report.gas_wei),
        "amounts": table(
            COLUMNS,
            [
                (name, "", "") if wei is None else (name, str(wei), format_eth(wei))
                for name, wei in amounts.items()
            ],
        ),
    }
    if report.ledger_wei is not None:
        metadata["ledger_wei"] = str(report.ledger_wei)
    if report.chain_wei is not None and report.nonce is not None:
        metadata |= {"chain_wei": str(report.chain_wei), "nonce": report.nonce}
    if report.problem:
        metadata["chain"] = report.problem
    elif chain is not None and (tip := tip_warning(chain, desk.pool.settings.priority_fee_wei)):
        context.log.warning(tip)
        metadata["tip"] = tip
    return dg.MaterializeResult(metadata=metadata)
