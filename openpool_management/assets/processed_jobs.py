"""The jobs of a stream, and whom their fees are owed to."""

import dagster as dg

from openpool_management.assets.charts import pace_chart
from openpool_management.assets.raw_events import raw_events
from openpool_management.assets.tables import column_schema, table
from openpool_management.domain.streams import Stream
from openpool_management.partitions import STREAMS
from openpool_management.pool import utc_now
from openpool_management.resources import PoolResource
from openpool_management.services.stream_report import events_of, job_pace, job_totals

COLUMNS = {
    "event_id": ("binary", "ID of the job-processed event."),
    "dt": ("timestamp", "When the job was done (UTC)."),
    "worker": ("string", "Who did it; null while nobody is known."),
    "request_id": ("string", "Pairs an AI job with its job-received event."),
    "pipeline": ("string", "What was done; transcode for transcoding."),
    "model": ("string", "Model of an AI job."),
    "compute_units": ("decimal(38,0)", "Work of the job, in units of its pipeline."),
    "price_wei": ("decimal(38,0)", "Price of one unit."),
    "fees_wei": ("decimal(38,0)", "Price × units."),
    "fee_bps": ("int", "The pool's commission, in basis points."),
}
OWED = {
    "owed to": ("string", "Who the fees went to."),
    "jobs": ("int", "Jobs of the stream so far."),
    "gross_wei": ("string", "Their fees before commission."),
}


@dg.asset(
    deps=[raw_events],
    group_name="event_log",
    partitions_def=STREAMS,
    owners=["team:openpool"],
    kinds={"polars", "parquet", "sql"},
    code_version="1",
    tags={"domain": "event-log"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def processed_jobs(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """Jobs of a stream, each with the worker who is paid for it.

    The jobs are rows of the event lake. A transcoding job names its worker; an AI job takes it
    from the job-received event that it is **paired** with, and is *unattributed* until then.
    """
    stream, pool = Stream.parse(context.partition_key), openpool.pool
    totals = job_totals(pool.books.standings(), stream)
    metadata: dict[str, dg.RawMetadataValue] = {
        "jobs": events_of(pool.books, stream).get("job-processed", 0),
        "unattributed jobs": totals.unattributed_jobs,
        "gross_wei": str(totals.paid_wei + totals.unattributed_wei + totals.held_wei),
        "whom they are owed to": table(
            OWED,
            [
                ("workers", totals.paid_jobs, str(totals.paid_wei)),
                ("unattributed", totals.unattributed_jobs, str(totals.unattributed_wei)),
                ("workers without an address", totals.held_jobs, str(totals.held_wei)),
            ],
        ),
    }
    if chart := pace_chart(job_pace(pool.ledger, pool.lake, stream, utc_now())):
        metadata["jobs per minute"] = dg.MetadataValue.md(chart)
    return dg.MaterializeResult(metadata=metadata)
