"""What runs: reading, paying, checking, and clearing away old runs."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from openpool_management.assets import ANALYTICS_ASSETS, ASSETS
from openpool_management.assets.payout_plan import payout_plan
from openpool_management.assets.payout_settlement import payout_settlement
from openpool_management.assets.published_exports import published_exports
from openpool_management.assets.wallet import wallet
from openpool_management.assets.worker_payouts import worker_payouts
from openpool_management.checks import DEEP_CHECKS
from openpool_management.partitions import LISTING_TAG, WALLET_TAG
from openpool_management.payout_asset_checks import PAYOUT_CHECKS
from openpool_management.pool import utc_now
from openpool_management.resources import PoolResource

MAX_RUNTIME_TAG = "dagster/max_runtime"
RUNS_PER_PAGE = 50
BATCH_SECONDS = 900
"""A run of one batch that takes longer hangs, or died with the machine; the next waits for it."""

MAX_RUNTIME_SECONDS = 7200

FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED]

ingest_job = dg.define_asset_job(
    "ingest_job",
    description="Reads what is new of one stream and brings every page of it up to date. "
    "Safe to run at any time, for any stream, twice at once: the ledger decides what is new.",
    # What reads through the ledger or the lake is left to full_listing_job and check_job: a run
    # comes every minute, and its cost must not grow with history.
    selection=dg.AssetSelection.assets(*ASSETS)
    - dg.AssetSelection.checks(*(key for check in DEEP_CHECKS for key in check.check_keys)),
    # Its steps take less time than the process that each would need.
    executor_def=dg.in_process_executor,
    tags={"domain": "event-log", "team": "openpool"},
    run_tags={MAX_RUNTIME_TAG: str(BATCH_SECONDS)},
)

full_listing_job = dg.define_asset_job(
    "full_listing_job",
    description="Lists one stream from its very first key, reads what is new and checks all.",
    selection=dg.AssetSelection.assets(*ASSETS),
    config={"ops": {"raw_events": {"config": {"full": True}}}},
    executor_def=dg.in_process_executor,
    tags={"domain": "event-log", "team": "openpool"},
    run_tags={LISTING_TAG: "full", MAX_RUNTIME_TAG: str(MAX_RUNTIME_SECONDS)},
)

# What writes for the wallet waits in a queue for the run before it, and no run is tried again by
# itself: the lease in the ledger protects, these spare operators the noise.
WALLET_RUN_TAGS = {
    WALLET_TAG: "payouts",
    "dagster/max_retries": "0",
    MAX_RUNTIME_TAG: str(MAX_RUNTIME_SECONDS),
}

payout_job = dg.define_asset_job(
    "payout_job",
    description="Plans and makes the payouts of a day, where OPENPOOL_PAYOUTS is live. Run again, "
    "as a backfill or twice at once it pays nobody twice: the ledger decides who is due.",
    selection=dg.AssetSelection.assets(payout_plan, worker_payouts, wallet),
    executor_def=dg.in_process_executor,
    tags={"domain": "payouts", "team": "openpool"},
    run_tags=WALLET_RUN_TAGS,
)

settlement_job = dg.define_asset_job(
    "settlement_job",
    description="Brings payouts that are under way to their end. It plans nothing.",
    selection=dg.AssetSelection.assets(payout_settlement, wallet),
    executor_def=dg.in_process_executor,
    tags={"domain": "payouts", "team": "openpool"},
    run_tags=WALLET_RUN_TAGS,
)

performance_job = dg.define_asset_job(
    "performance_job",
    description="Ranks the workers of all streams, and sums up what each of them and the pool "
    "earned, was paid and owes. It reads no event log and pays nobody.",
    selection=dg.AssetSelection.assets(*ANALYTICS_ASSETS),
    executor_def=dg.in_process_executor,
    tags={"domain": "performance", "team": "openpool"},
    run_tags={MAX_RUNTIME_TAG: str(MAX_RUNTIME_SECONDS)},
)

publish_job = dg.define_asset_job(
    "publish_job",
    description="Writes the documents for dashboards, workers and auditors that have changed. "
    "It reads no event log and pays nobody.",
    selection=dg.AssetSelection.assets(published_exports),
    executor_def=dg.in_process_executor,
    tags={"domain": "exports", "team": "openpool"},
    run_tags={MAX_RUNTIME_TAG: str(MAX_RUNTIME_SECONDS)},
)

check_job = dg.define_asset_job(
    "check_job",
    description="Runs every check; reads nothing and pays nobody. A stream that has fallen silent, "
    "or a payout that is stuck, starts no run of its own that would notice.",
    # Checks of payouts are named one by one: none of them may bring its asset with it.
    selection=dg.AssetSelection.checks_for_assets(*ASSETS)
    | dg.AssetSelection.checks(*(key for check in PAYOUT_CHECKS for key in check.check_keys)),
    executor_def=dg.in_process_executor,
    tags={"domain": "checks", "team": "openpool"},
    run_tags={MAX_RUNTIME_TAG: str(MAX_RUNTIME_SECONDS)},
)


@dg.op(description="Delete finished runs that are older than OPENPOOL_RUN_RETENTION_DAYS.")
def delete_old_runs(context: dg.OpExecutionContext, openpool: PoolResource) -> None:
    """The ledger is not touched: it knows nothing of runs."""
    before = utc_now() - timedelta(days=openpool.load().run_retention_days)
    deleted = 0
    for run_id in _old_runs(context.instance, before):
        context.instance.delete_run(run_id)
        deleted += 1
    context.add_output_metadata({"runs deleted": deleted})


@dg.op(
    ins={"after": dg.In(dg.Nothing)},
    description="Delete ticks of sensors and schedules older than OPENPOOL_TICK_RETENTION_DAYS.",
)
def delete_old_ticks(context: dg.OpExecutionContext, openpool: PoolResource) -> None:
    """Nothing depends on ticks: which objects are new is a question to the ledger."""
    before = utc_now() - timedelta(days=openpool.load().tick_retention_days)
    states = context.instance.all_instigator_state()
    for state in states:
        context.instance.purge_ticks(
            state.instigator_origin_id, state.selector_id, before.timestamp()
        )
    context.add_output_metadata({"sensors and schedules": len(states)})


@dg.job(
    description="Deletes old runs and ticks, which Dagster would keep for ever. Runs that have "
    "not finished are left alone.",
    executor_def=dg.in_process_executor,
    tags={"domain": "maintenance", "team": "openpool"},
    run_tags={MAX_RUNTIME_TAG: str(MAX_RUNTIME_SECONDS)},
)
def maintenance_job() -> None:
    """Clear away what Dagster no longer needs."""
    delete_old_ticks(after=delete_old_runs())


JOBS = (
    ingest_job,
    full_listing_job,
    payout_job,
    settlement_job,
    publish_job,
    performance_job,
    check_job,
    maintenance_job,
)


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    """Ids of finished runs last touched before a moment, read page by page as they are deleted."""
    filters = dg.RunsFilter(statuses=FINISHED, updated_before=before)
    while page := instance.get_run_records(filters, limit=RUNS_PER_PAGE, ascending=True):
        yield from (record.dagster_run.run_id for record in page)
