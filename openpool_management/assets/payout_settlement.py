"""Payouts that are under way, brought to their end."""

from collections.abc import Iterator

import dagster as dg

from openpool_management.assets.payout_rows import COLUMNS, failures_in_words, payouts_metadata
from openpool_management.assets.tables import column_schema
from openpool_management.assets.worker_payouts import worker_payouts
from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.resources import PoolResource
from openpool_management.services.ports.payouts import LeaseHeld


@dg.asset(
    deps=[worker_payouts],
    group_name="payouts",
    output_required=False,
    owners=["team:openpool"],
    kinds={"sql", "ethereum"},
    code_version="1",
    tags={"domain": "payouts"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def payout_settlement(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Looks at payouts **under way** and settles those that are final.

    Where payouts are `live` it also sends what was set aside or got lost; it never plans. In every
    other mode it only looks, without a key. Run it at any time, twice or twice at once.
    """
    desk = openpool.desk
    if desk.mode is not PayoutMode.LIVE and not desk.book.open_payouts():
        context.log.info("No payout is under way.")
        return
    try:
        with failures_in_words():
            report = desk.settle()
    except LeaseHeld as held:
        context.log.warning(f"Nothing was done. {held}")
        return
    for problem in report.problems:
        context.log.warning(problem)
    yield dg.MaterializeResult(
        metadata=payouts_metadata(list(report.payouts.values()), report.problems, desk.explorer)
    )
