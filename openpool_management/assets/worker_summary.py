"""What every worker did, earned and was paid over all streams, and why it is not paid yet."""

import dagster as dg

from openpool_management.assets.charts import balances_chart
from openpool_management.assets.page_links import page_link
from openpool_management.assets.payout_settlement import payout_settlement
from openpool_management.assets.tables import column_schema, table
from openpool_management.assets.worker_balances import worker_balances
from openpool_management.assets.worker_connections import worker_connections
from openpool_management.export_desk import ExportDesk
from openpool_management.resources import PoolResource
from openpool_management.services.exports.frames import WORKER_COLUMNS, workers_frame

ROWS = 200
TOTALS = (
    "fees_wei",
    "commission_wei",
    "earned_wei",
    "paid_wei",
    "in_payout_wei",
    "payable_wei",
)


@dg.asset(
    deps=[worker_balances, worker_connections, payout_settlement],
    group_name="analytics",
    owners=["team:openpool"],
    kinds={"sql", "pandas"},
    code_version="1",
    tags={"domain": "workers"},
    metadata={"dagster/column_schema": column_schema(WORKER_COLUMNS)},
)
def worker_summary(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """One row a worker over **all** streams: jobs, fees, balance, last payment, what the plan says.

    It is made of the published documents, so it states the same wei. For each row **fees** =
    earned + commission, and **earned** = paid + in payout + payable. Looking pays nobody.
    """
    desk = openpool.desk
    frame = workers_frame(ExportDesk(desk, desk.clock).publication())
    rows = list(frame.itertuples(index=False, name=None))
    metadata: dict[str, dg.RawMetadataValue] = {
        "workers": len(rows),
        "workers online": sum(frame["online"]),
        "jobs": sum(frame["jobs"]),
        **{name: str(sum(map(int, frame[name]))) for name in TOTALS},
        "workers by what they earned": table(WORKER_COLUMNS, rows, ROWS),
        **page_link(openpool.pool.settings, "/workers"),
    }
    if chart := balances_chart(frame):
        metadata["paid and owed"] = dg.MetadataValue.md(chart)
    return dg.MaterializeResult(metadata=metadata)
