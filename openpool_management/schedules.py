"""What runs by the clock. All times are UTC."""

from collections.abc import Iterator

import dagster as dg

from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.export_desk import NOWHERE
from openpool_management.jobs import (
    check_job,
    full_listing_job,
    maintenance_job,
    payout_job,
    performance_job,
    publish_job,
)
from openpool_management.partitions import STREAM_TAG, STREAMS_NAME, payout_day
from openpool_management.payout_sensors import PAYOUTS_OFF, wallet_is_busy
from openpool_management.pool import NoSourceError
from openpool_management.resources import PoolResource

PUBLISH_CRON = "27 * * * *"
PERFORMANCE_CRON = "37 * * * *"
CHECK_CRON = "7 * * * *"
MAINTENANCE_CRON = "43 4 * * *"


def full_listing_schedule(cron: str) -> dg.ScheduleDefinition:
    """The schedule that lists every stream from its first key."""

    @dg.schedule(
        cron,
        name="full_listing_schedule",
        job=full_listing_job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Lists every stream from its very first key and reads what arrived later than "
        "the lateness window that the sensor looks back on.",
        tags={"domain": "event-log", "team": "openpool"},
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, openpool: PoolResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            names = [str(stream) for stream in openpool.pool.source.streams()]
        except NoSourceError as error:
            yield dg.SkipReason(str(error))
            return
        if not names:
            yield dg.SkipReason(f"{openpool.pool.source.name} holds no objects of any stream.")
            return
        context.instance.add_dynamic_partitions(STREAMS_NAME, names)
        for name in names:
            yield dg.RunRequest(partition_key=name, tags={STREAM_TAG: name})

    return schedule


def payout_schedule(cron: str) -> dg.ScheduleDefinition:
    """The schedule that pays; someone has to start it."""

    @dg.schedule(
        cron,
        name="payout_schedule",
        job=payout_job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Makes the payouts of the day at the times of OPENPOOL_PAYOUT_CRON. Skips "
        "where OPENPOOL_PAYOUTS is off, and while a run of payout_job is queued or under way.",
        tags={"domain": "payouts", "team": "openpool"},
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, openpool: PoolResource
    ) -> dg.RunRequest | dg.SkipReason:
        if openpool.load().payouts is PayoutMode.OFF:
            return dg.SkipReason(PAYOUTS_OFF)
        if busy := wallet_is_busy(context.instance, payout_job.name):
            return dg.SkipReason(busy)
        return dg.RunRequest(partition_key=payout_day(context.scheduled_execution_time))

    return schedule


def publish_schedule(has_store: bool) -> dg.ScheduleDefinition:
    """The schedule that publishes; it runs by itself where there is a place to publish to."""

    @dg.schedule(
        PUBLISH_CRON,
        name="publish_schedule",
        job=publish_job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING
        if has_store
        else dg.DefaultScheduleStatus.STOPPED,
        description="Publishes the documents once an hour, where S3_METRICS_BUCKET or "
        "OPENPOOL_METRICS_DIR names a place.",
        tags={"domain": "exports", "team": "openpool"},
    )
    def schedule(openpool: PoolResource) -> dg.RunRequest | dg.SkipReason:
        if not openpool.load().publishes:
            return dg.SkipReason(NOWHERE)
        return dg.RunRequest()

    return schedule


performance_schedule = dg.ScheduleDefinition(
    name="performance_schedule",
    job=performance_job,
    cron_schedule=PERFORMANCE_CRON,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Ranks the workers and sums up the pool once an hour.",
    tags={"domain": "performance", "team": "openpool"},
)

check_schedule = dg.ScheduleDefinition(
    name="check_schedule",
    job=check_job,
    cron_schedule=CHECK_CRON,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Runs every check once an hour, also for streams that have fallen silent.",
    tags={"domain": "checks", "team": "openpool"},
)

maintenance_schedule = dg.ScheduleDefinition(
    name="maintenance_schedule",
    job=maintenance_job,
    cron_schedule=MAINTENANCE_CRON,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Deletes old runs and ticks once a day.",
    tags={"domain": "maintenance", "team": "openpool"},
)
