"""Everything Dagster runs, as one list.

Dagster calls ``defs`` when it loads the code location. Intervals and times of day are part of the
definitions, so the options are read then; importing this module reads nothing.
"""

from datetime import timedelta

import dagster as dg

from openpool_management.assets import ANALYTICS_ASSETS, ASSETS, EXPORT_ASSETS, PAYOUT_ASSETS
from openpool_management.assets.raw_events import raw_events
from openpool_management.checks import CHECKS
from openpool_management.jobs import JOBS
from openpool_management.payout_asset_checks import PAYOUT_CHECKS
from openpool_management.payout_sensors import payout_alert, payout_sensor, settlement_sensor
from openpool_management.resources import PoolResource
from openpool_management.schedules import (
    check_schedule,
    full_listing_schedule,
    maintenance_schedule,
    payout_schedule,
    performance_schedule,
    publish_schedule,
)
from openpool_management.sensors import event_log_sensor, run_failure_alert
from openpool_management.settings import Settings, load_settings


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions by the options in force. Raises SettingsError as load_settings does."""
    return definitions_for(load_settings(), PoolResource())


def definitions_for(settings: Settings, openpool: PoolResource) -> dg.Definitions:
    """The definitions by some options; runs take their options from the resource."""
    freshness = dg.FreshnessPolicy.time_window(
        fail_window=timedelta(minutes=settings.freshness_minutes)
    )
    fresh_events = raw_events.map_asset_specs(
        lambda spec: dg.apply_freshness_policy(spec, freshness)
    )
    return dg.Definitions(
        assets=[
            fresh_events,
            *(asset for asset in ASSETS if asset is not raw_events),
            *PAYOUT_ASSETS,
            *EXPORT_ASSETS,
            *ANALYTICS_ASSETS,
        ],
        asset_checks=[*CHECKS, *PAYOUT_CHECKS],
        jobs=JOBS,
        sensors=[
            event_log_sensor(settings.s3_sensor_interval_seconds),
            run_failure_alert(settings.s3_sensor_interval_seconds),
            payout_sensor,
            settlement_sensor,
            payout_alert,
        ],
        schedules=[
            full_listing_schedule(settings.full_listing_cron),
            payout_schedule(settings.payout_cron),
            publish_schedule(settings.publishes),
            performance_schedule,
            check_schedule,
            maintenance_schedule,
        ],
        resources={"openpool": openpool},
    )
