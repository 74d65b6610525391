"""What the definitions consist of, and that they load from nothing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from openpool_management.definitions import defs as lazy_defs
from openpool_management.options import SettingsError
from openpool_management_tests.assets.workbench import Workbench

ROOT = Path(__file__).parent.parent.parent

SNAPSHOT = """
payout_plan           payouts    ethereum sql        by day     after worker_balances  6 columns
payout_settlement     payouts    ethereum sql        as one     after worker_payouts  8 columns
pool_report           analytics  pandas sql          as one     after worker_summary redeemed_tickets  10 columns
processed_jobs        event_log  parquet polars sql  by stream  after raw_events      10 columns
published_exports     exports    json s3             as one     after worker_balances worker_connections payout_settlement  1 columns
raw_events            event_log  parquet s3 sql      by stream  after nothing         10 columns
redeemed_tickets      ledger     parquet sql         as one     after raw_events      8 columns
wallet                payouts    ethereum sql        as one     after worker_payouts payout_settlement  3 columns
worker_balances       ledger     sql                 as one     after worker_fees     6 columns
worker_compute_units  ledger     sql                 by stream  after processed_jobs  5 columns
worker_connections    ledger     sql                 by stream  after raw_events      5 columns
worker_fees           ledger     sql                 by stream  after processed_jobs  6 columns
worker_payouts        payouts    ethereum sql        by day     after payout_plan     8 columns
worker_performance    analytics  pandas parquet polars  as one     after processed_jobs worker_connections  17 columns
worker_summary        analytics  pandas sql          as one     after worker_balances worker_connections payout_settlement  13 columns
"""  # noqa: E501


STOPPED = {"payout_schedule", "payout_sensor", "publish_schedule", "settlement_sensor"}


def test_the_assets_are_these(bench: Workbench) -> None:
    rows = []
    for spec in sorted(bench.defs.resolve_all_asset_specs(), key=lambda spec: spec.key):
        after = " ".join(dep.asset_key.to_user_string() for dep in spec.deps) or "nothing"
        schema = spec.metadata["dagster/column_schema"]
        dynamic = isinstance(spec.partitions_def, dg.DynamicPartitionsDefinition)
        by = "as one" if spec.partitions_def is None else "by stream" if dynamic else "by day"
        rows.append(
            f"{spec.key.to_user_string():<20}  {spec.group_name:<9}  "
            f"{' '.join(sorted(spec.kinds)):<18}  {by:<9}  "
            f"after {after:<14}  {len(schema.columns)} columns"
        )
    assert "\n".join(rows) == SNAPSHOT.strip()


def test_every_asset_says_what_it_is(bench: Workbench) -> None:
    for spec in bench.defs.resolve_all_asset_specs():
        assert spec.owners == ["team:openpool"]
        assert spec.description and len(spec.description) > 80
        assert spec.code_version and spec.tags["domain"]
        assert len(spec.kinds) <= 3
        for column in spec.metadata["dagster/column_schema"].columns:
            assert column.description


def test_jobs_sensors_schedules_and_checks_say_what_they_do(bench: Workbench) -> None:
    repository = bench.defs.get_repository_def()
    named: list[Any] = [
        *(job for job in repository.get_all_jobs() if not job.name.startswith("__")),
        *repository.sensor_defs,
        *repository.schedule_defs,
    ]
    assert {one.name for one in named} == {
        "full_listing_job",
        "ingest_job",
        "check_job",
        "maintenance_job",
        "event_log_sensor",
        "run_failure_alert",
        "full_listing_schedule",
        "check_schedule",
        "maintenance_schedule",
        "payout_job",
        "settlement_job",
        "publish_job",
        "performance_job",
        "performance_schedule",
        *STOPPED,
        "payout_alert",
    }
    assert all(one.description and one.tags["team"] == "openpool" for one in named)
    specs = [spec for check in bench.defs.asset_checks or [] for spec in check.check_specs]
    assert len(specs) == 13
    assert all(spec.description for spec in specs)


def test_all_run_by_themselves_but_what_pays(bench: Workbench) -> None:
    repository = bench.defs.get_repository_def()
    stopped = {
        *(
            sensor.name
            for sensor in repository.sensor_defs
            if sensor.default_status is not dg.DefaultSensorStatus.RUNNING
        ),
        *(
            schedule.name
            for schedule in repository.schedule_defs
            if schedule.default_status is not dg.DefaultScheduleStatus.RUNNING
        ),
    }
    assert stopped == STOPPED


def test_intervals_come_from_the_options(bench: Workbench) -> None:
    other = bench.with_options(
        s3_sensor_interval_seconds=77, full_listing_cron="1 2 * * *", freshness_minutes=9
    )
    assert other.defs.resolve_sensor_def("event_log_sensor").minimum_interval_seconds == 77
    schedule = other.defs.resolve_schedule_def("full_listing_schedule")
    assert schedule.cron_schedule == "1 2 * * *"
    spec = other.defs.resolve_asset_graph().get(dg.AssetKey("raw_events"))
    policy = spec.freshness_policy
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    assert policy.fail_window.to_timedelta().total_seconds() == 9 * 60


def test_a_wrong_option_stops_the_code_location_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("S3_SENSOR_INTERVAL_SECONDS", "often")
    with pytest.raises(SettingsError, match=r"S3_SENSOR_INTERVAL_SECONDS.*often"):
        lazy_defs()


def test_dagster_finds_them_valid_in_an_empty_environment(tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    command = [sys.executable, "-m", "dagster", "definitions", "validate"]
    done = subprocess.run(
        command,
        env={"PATH": path, "HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "openpool_management" in done.stderr + done.stdout
    assert "BetaWarning" not in done.stderr and "Deprecat" not in done.stderr
