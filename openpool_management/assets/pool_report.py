"""The pool at a glance."""

import dagster as dg

from openpool_management.assets.charts import days_chart
from openpool_management.assets.page_links import page_link
from openpool_management.assets.redeemed_tickets import redeemed_tickets
from openpool_management.assets.tables import column_schema, table
from openpool_management.assets.worker_summary import worker_summary
from openpool_management.domain.money import format_eth
from openpool_management.export_desk import ExportDesk
from openpool_management.resources import PoolResource
from openpool_management.services.exports.frames import (
    DAY_COLUMNS,
    DAYS,
    STREAM_COLUMNS,
    days_frame,
    streams_frame,
)

ROWS = 500
MONEY = {
    "amount": ("string", "What it is, as in pool.json."),
    "wei": ("string", "The amount; empty where it is not known."),
    "ETH": ("string", "The same in ETH."),
}
PAGES = {
    "page": "/",
    "page of the workers": "/workers",
    "page of the ranking": "/ranking",
    "page of the payouts": "/payouts",
    "page of the data quality": "/quality",
}


@dg.asset(
    deps=[worker_summary, redeemed_tickets],
    group_name="analytics",
    owners=["team:openpool"],
    kinds={"sql", "pandas"},
    code_version="1",
    tags={"domain": "pool"},
    metadata={"dagster/column_schema": column_schema(STREAM_COLUMNS)},
)
def pool_report(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> dg.MaterializeResult[None]:
    """What the pool earned, paid and owes, by stream and by day, and whether its wallet covers it.

    It is made of the published `pool.json`, so it states the same wei. The wallet's balance counts
    where `ETH_RPC_ENDPOINT` names a node that answers. Looking pays nobody.
    """
    desk, settings = openpool.desk, openpool.pool.settings
    publication = ExportDesk(desk, desk.clock).publication()
    pool = publication.pool
    streams, days = streams_frame(publication), days_frame(publication)
    payouts = pool["payouts"]
    metadata: dict[str, dg.RawMetadataValue] = {
        "solvency": pool["solvency"]["sentence"],
        "money": table(
            MONEY,
            [
                (name, "", "") if wei is None else (name, wei, format_eth(int(wei)))
                for name, wei in pool["money"].items()
            ],
        ),
        "workers": len(pool["workers"]),
        "workers online": pool["workers_online"],
        "payouts": payouts["mode"],
        "payouts paused": payouts["paused"],
        "payouts made": payouts["made"],
        "payouts under way": payouts["under_way"],
        "streams": table(STREAM_COLUMNS, list(streams.itertuples(index=False, name=None)), ROWS),
        f"fees of the last {DAYS} days": table(
            DAY_COLUMNS, list(days.itertuples(index=False, name=None))[::-1], ROWS
        ),
    }
    for name, path in PAGES.items():
        metadata |= page_link(settings, path, name)
    if chart := days_chart(days):
        metadata["fees by day"] = dg.MetadataValue.md(chart)
    return dg.MaterializeResult(metadata=metadata)
