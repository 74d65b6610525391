"""What work the workers of a stream did."""

import dagster as dg

from openpool_management.assets.processed_jobs import processed_jobs
from openpool_management.assets.tables import column_schema, table
from openpool_management.domain.streams import Stream
from openpool_management.partitions import STREAMS
from openpool_management.resources import PoolResource
from openpool_management.services.stream_report import worker_units

COLUMNS = {
    "worker": ("string", "Ethereum address."),
    "pipeline": ("string", "What was done; transcode for transcoding."),
    "model": ("string", "Model of an AI job."),
    "jobs": ("int", "Jobs done."),
    "compute_units": ("string", "Work done, in units of that pipeline."),
}


@dg.asset(
    deps=[processed_jobs],
    group_name="ledger",
    partitions_def=STREAMS,
    owners=["team:openpool"],
    kinds={"sql"},
    code_version="1",
    tags={"domain": "compute-units"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def worker_compute_units(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """Jobs and compute units of each worker on a stream, by pipeline and model.

    Units of different pipelines are **not** comparable (pixels, milliseconds, tokens), so they are
    never added up across pipelines.
    """
    rows = worker_units(openpool.pool.books.standings(), Stream.parse(context.partition_key))
    return dg.MaterializeResult(
        metadata={
            "workers": len({row.worker for row in rows}),
            "pipelines": len({row.pipeline for row in rows}),
            "jobs": sum(row.jobs for row in rows),
            "units by worker, pipeline and model": table(
                COLUMNS,
                [
                    (row.worker, row.pipeline, row.model, row.jobs, str(row.compute_units))
                    for row in rows
                ],
            ),
        }
    )
