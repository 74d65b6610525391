"""What the workers of a stream earned."""

import dagster as dg

from openpool_management.assets.charts import fees_chart
from openpool_management.assets.page_links import page_link
from openpool_management.assets.processed_jobs import processed_jobs
from openpool_management.assets.tables import column_schema, table
from openpool_management.domain.money import format_eth
from openpool_management.domain.streams import Stream
from openpool_management.partitions import STREAMS
from openpool_management.resources import PoolResource
from openpool_management.services.stream_report import worker_fees as fees_of

COLUMNS = {
    "worker": ("string", "Ethereum address."),
    "jobs": ("int", "Jobs done on this stream."),
    "gross_wei": ("string", "Fees before commission."),
    "net_wei": ("string", "What the worker is owed."),
    "commission_wei": ("string", "What the pool keeps."),
    "net ETH": ("string", "net_wei in ETH."),
}


@dg.asset(
    deps=[processed_jobs],
    group_name="ledger",
    partitions_def=STREAMS,
    owners=["team:openpool"],
    kinds={"sql"},
    code_version="1",
    tags={"domain": "fees"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def worker_fees(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """Fees of each worker on a stream, exact to the wei.

    They are read off the double-entry ledger: **gross** is what the jobs earned, **net** what the
    worker is owed, **commission** what the pool keeps, rounded for each job in the pool's favour.
    """
    rows = fees_of(openpool.pool.books.standings(), Stream.parse(context.partition_key))
    metadata: dict[str, dg.RawMetadataValue] = {
        "workers": len(rows),
        "jobs": sum(row.jobs for row in rows),
        "gross_wei": str(sum(row.gross_wei for row in rows)),
        "net_wei": str(sum(row.net_wei for row in rows)),
        "commission_wei": str(sum(row.commission_wei for row in rows)),
        "top workers": table(
            COLUMNS,
            [
                (
                    row.worker,
                    row.jobs,
                    str(row.gross_wei),
                    str(row.net_wei),
                    str(row.commission_wei),
                    format_eth(row.net_wei),
                )
                for row in rows
            ],
        ),
        **page_link(openpool.pool.settings, "/workers"),
    }
    if chart := fees_chart(rows):
        metadata["fees per worker"] = dg.MetadataValue.md(chart)
    return dg.MaterializeResult(metadata=metadata)
