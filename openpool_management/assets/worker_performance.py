"""How well the workers of all streams did, over each window."""

import dagster as dg

from openpool_management.assets.charts import ranking_chart
from openpool_management.assets.page_links import page_link
from openpool_management.assets.processed_jobs import processed_jobs
from openpool_management.assets.tables import column_schema, table
from openpool_management.assets.worker_connections import worker_connections
from openpool_management.performance_desk import performance_sources
from openpool_management.resources import PoolResource
from openpool_management.services.performance.frame import COLUMNS, performance_frame
from openpool_management.services.performance.report import Window, performance_windows


@dg.asset(
    deps=[processed_jobs, worker_connections],
    group_name="analytics",
    owners=["team:openpool"],
    kinds={"parquet", "polars", "pandas"},
    code_version="1",
    tags={"domain": "performance"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def worker_performance(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """Response times, real-time ratios, speed, success and presence of each worker, **ranked**.

    Transcoders are ranked by the median of their real-time ratio, AI workers of each pipeline and
    model by their median compute units per second. Medians are exact to 1 %, counts and sums to the
    unit. Days that did not change are not read again.
    """
    sources, now = performance_sources(openpool.pool), openpool.desk.clock()
    metadata = page_link(openpool.pool.settings, "/ranking")
    for window, rows in performance_windows(sources, Window, now).items():
        frame = performance_frame(rows)
        metadata[f"workers, {window.label}"] = len({row.worker for row in rows})
        metadata[f"jobs, {window.label}"] = sum(row.jobs for row in rows)
        metadata[f"ranking, {window.label}"] = table(COLUMNS, list(frame.itertuples(index=False)))
        if window is Window.MONTH and (chart := ranking_chart(rows)):
            metadata["best workers, 30d"] = dg.MetadataValue.md(chart)
    return dg.MaterializeResult(metadata=metadata)
