"""The documents for dashboards, workers and auditors."""

from collections.abc import Iterator

import dagster as dg

from openpool_management.assets.page_links import page_link
from openpool_management.assets.payout_settlement import payout_settlement
from openpool_management.assets.tables import column_schema, table
from openpool_management.assets.worker_balances import worker_balances
from openpool_management.assets.worker_connections import worker_connections
from openpool_management.export_desk import ExportDesk, NoStoreError
from openpool_management.resources import PoolResource

COLUMNS = {"document": ("string", "Key of a document that was written.")}


@dg.asset(
    deps=[worker_balances, worker_connections, payout_settlement],
    group_name="exports",
    output_required=False,
    owners=["team:openpool"],
    kinds={"json", "s3"},
    code_version="1",
    tags={"domain": "exports"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def published_exports(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Writes the **documents** to `S3_METRICS_BUCKET` or `OPENPOOL_METRICS_DIR`.

    Only what changed is written, and what it replaces is kept below `history/`. Materializing this
    at any time, or twice, changes no balance. With nowhere to write to nothing is materialized.
    """
    desk = openpool.desk
    try:
        report = ExportDesk(desk, desk.clock).publish()
    except NoStoreError as error:
        context.log.warning(str(error))
        return
    yield dg.MaterializeResult(
        metadata={
            "store": report.store,
            "written": len(report.written),
            "unchanged": len(report.unchanged),
            "kept": len(report.kept),
            "documents written": table(COLUMNS, [(key,) for key in report.written]),
            **page_link(openpool.pool.settings, "/"),
        }
    )
