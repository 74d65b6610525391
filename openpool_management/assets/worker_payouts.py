"""The payouts of a day."""

from collections.abc import Iterator

import dagster as dg

from openpool_management.assets.page_links import page_link
from openpool_management.assets.payout_plan import payout_plan
from openpool_management.assets.payout_rows import COLUMNS, failures_in_words, payouts_metadata
from openpool_management.assets.tables import column_schema
from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.partitions import PAYOUT_DAYS
from openpool_management.payout_desk import PayoutDesk
from openpool_management.resources import PoolResource
from openpool_management.services.payouts.run import RunReport
from openpool_management.services.ports.payouts import LeaseHeld

OFF = (
    "Payouts are off, so nobody is paid: set OPENPOOL_PAYOUTS to dry-run to try them, then to live."
)


@dg.asset(
    deps=[payout_plan],
    group_name="payouts",
    partitions_def=PAYOUT_DAYS,
    output_required=False,
    owners=["team:openpool"],
    kinds={"sql", "ethereum"},
    code_version="1",
    tags={"domain": "payouts"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def worker_payouts(
    context: dg.AssetExecutionContext, openpool: PoolResource
) -> Iterator[dg.MaterializeResult[None]]:
    """**Pays workers**, where `OPENPOOL_PAYOUTS` is `live`: at most once a worker and day.

    Run it again, twice at once or as a backfill: what is set aside goes on, and nobody is paid
    twice, since the ledger decides and not Dagster. What stands in the way is in the metadata and
    fails the check `payouts_unhindered`. A **dry run** leaves an observation, never a
    materialization. Where payouts are **off**, or another process pays from the wallet, nothing
    is done and nothing is materialized.
    """
    desk, day = openpool.desk, context.partition_key
    if desk.mode is PayoutMode.OFF:
        context.log.warning(OFF)
        return
    try:
        with failures_in_words():
            report = desk.pay(day)
    except LeaseHeld as held:
        context.log.warning(f"Nothing was done. {held}")
        return
    for problem in report.problems:
        context.log.warning(problem)
    metadata = _metadata(desk, report)
    if desk.mode is PayoutMode.LIVE:
        yield dg.MaterializeResult(metadata=metadata)
    else:
        context.log_event(dg.AssetObservation(context.asset_key, partition=day, metadata=metadata))


def _metadata(desk: PayoutDesk, report: RunReport) -> dict[str, "dg.RawMetadataValue"]:
    """The payouts of the day, and those of others that the run went on with."""
    driven = report.driven.payouts if report.driven else {}
    of_the_day = desk.book.payouts_of(report.run_key).values()
    payouts = driven | {one.id: one for several in of_the_day for one in several}
    metadata = payouts_metadata(list(payouts.values()), report.problems, desk.explorer)
    metadata |= page_link(desk.pool.settings, "/payouts")
    metadata["mode"] = desk.mode.value
    if report.plan is not None:
        metadata["plan"] = report.plan.hash
        metadata["planned"] = len(report.plan.payments)
        metadata["planned_wei"] = str(report.plan.total_wei)
    if desk.mode is PayoutMode.DRY_RUN:
        metadata["tried"] = len(report.tried)
        metadata["refused"] = [one.problem for one in report.tried if one.problem]
    return metadata
