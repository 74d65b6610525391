"""Who is and was connected to the orchestrators of a stream."""

from datetime import datetime

import dagster as dg

from openpool_management.assets.page_links import page_link
from openpool_management.assets.raw_events import raw_events
from openpool_management.assets.tables import column_schema, table
from openpool_management.domain.streams import Stream
from openpool_management.partitions import STREAMS
from openpool_management.resources import PoolResource
from openpool_management.services.connections import connections, presence_by_worker

COLUMNS = {
    "worker": ("string", "Ethereum address."),
    "open connections": ("int", "Connections that stand."),
    "connections": ("int", "Connections so far."),
    "first seen": ("string", "When the first one was opened (UTC)."),
    "last proof of life": ("string", "When one was last known to be alive (UTC)."),
}


@dg.asset(
    deps=[raw_events],
    group_name="ledger",
    partitions_def=STREAMS,
    owners=["team:openpool"],
    kinds={"sql"},
    code_version="1",
    tags={"domain": "connections"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def worker_connections(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """Workers of a stream with their connections, those seen last first.

    A connection ends with its worker-disconnected event, or with a **reset** of the orchestrator
    that no job of the worker follows. Workers that left keep their history.
    """
    intervals = connections(openpool.pool.presence, Stream.parse(context.partition_key))
    rows = sorted(presence_by_worker(intervals), key=lambda row: row.last_proof_at, reverse=True)
    return dg.MaterializeResult(
        metadata={
            "workers": len(rows),
            "workers connected": sum(row.open_connections > 0 for row in rows),
            "connections": len(intervals),
            "open connections": sum(row.open_connections for row in rows),
            "workers seen last": table(
                COLUMNS,
                [
                    (
                        row.worker,
                        row.open_connections,
                        row.connections,
                        _at(row.first_seen_at),
                        _at(row.last_proof_at),
                    )
                    for row in rows
                ],
            ),
            **page_link(openpool.pool.settings, "/workers"),
        }
    )


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
