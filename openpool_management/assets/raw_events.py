"""The asset that reads the event log; every other one looks at what it left in the ledger."""

import dagster as dg
from pydantic import Field

from openpool_management.assets.tables import column_schema, counts_table
from openpool_management.domain.streams import Stream
from openpool_management.partitions import STREAMS
from openpool_management.resources import PoolResource
from openpool_management.services.reading import read_stream

UNREAD_SHOWN = 20

COLUMNS = {
    "event_id": ("binary", "ID of the event; each is in the lake once."),
    "dt": ("timestamp", "When the orchestrator says it happened (UTC)."),
    "event_type": ("string", "What it says: job-received, job-processed, worker-connected, …"),
    "object_key": ("string", "Key of the object it was read from."),
    "object_version": ("string", "Version of that object; empty without versioning."),
    "object_index": ("int", "Its place in that object."),
    "read_at": ("timestamp", "When it was read (UTC)."),
    "worker": ("string", "Ethereum address of the worker it is about."),
    "connection": ("string", "Address of the worker's connection."),
    "payload": ("string", "Its JSON, where no column holds what it says."),
}


class Listing(dg.Config):
    """How a run looks for objects."""

    full: bool = Field(
        default=False,
        description="List the stream from its very first key and read all that is missing, "
        "instead of one batch behind the lateness window.",
    )


@dg.asset(
    group_name="event_log",
    partitions_def=STREAMS,
    owners=["team:openpool"],
    kinds={"s3", "parquet", "sql"},
    code_version="1",
    tags={"domain": "event-log"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def raw_events(
    context: dg.AssetExecutionContext, config: Listing, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """Events of a stream, read from its objects into the event lake and the ledger.

    A run reads the objects that the **ledger** has not read yet, at most `MAX_FILES_PER_BATCH`, and
    commits them in one transaction. Running it again, twice at once or as a backfill reads nothing
    twice. The metadata tells what this run read, not what the stream holds.
    """
    reading = read_stream(
        openpool.pool.ingest, Stream.parse(context.partition_key), full=config.full
    )
    for one in reading.unread:
        context.log.error(one.error)
    return dg.MaterializeResult(
        metadata={
            "objects": reading.objects,
            "batches": reading.batches,
            "events": sum(reading.events.values()),
            "events by type": counts_table(reading.events, "event_type"),
            "duplicates": reading.duplicates,
            "held": reading.held,
            "unattributed jobs": reading.unattributed,
            "unread": len(reading.unread),
            "unread objects": [str(one.error) for one in reading.unread[:UNREAD_SHOWN]],
            "gross_wei": str(reading.gross_wei),
        }
    )
