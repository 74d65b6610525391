"""Old runs and ticks go; what has not finished, and the ledger, stay."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)

from openpool_management.jobs import FINISHED, RUNS_PER_PAGE, UNFINISHED
from openpool_management_tests.assets.workbench import Workbench


def add_run(bench: Workbench, status: dg.DagsterRunStatus, age_days: int) -> str:
    """A run that was last touched so long ago; its id."""
    job = bench.defs.resolve_job_def("maintenance_job")
    run = bench.instance.create_run_for_job(job, status=status)
    moment = (datetime.now(UTC) - timedelta(days=age_days)).replace(tzinfo=None)
    storage: Any = bench.instance.run_storage
    with storage.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE runs SET create_timestamp = ?, update_timestamp = ? WHERE run_id = ?",
            (str(moment), str(moment), run.run_id),
        )
    return run.run_id


def maintain(bench: Workbench) -> dg.ExecuteInProcessResult:
    """Run the maintenance job."""
    return bench.defs.resolve_job_def("maintenance_job").execute_in_process(instance=bench.instance)


def test_old_finished_runs_are_deleted_and_others_kept(
    stored_bench: Workbench, real_events_dir: Path, expected_ledger: dict[str, Any]
) -> None:
    bench = stored_bench.with_options(run_retention_days=30, events_dir=real_events_dir)
    bench.run_until_quiet()
    old = {add_run(bench, status, 31) for status in FINISHED}
    young = {add_run(bench, status, 29) for status in FINISHED}
    unfinished = {
        add_run(bench, status, 400) for status in set(UNFINISHED) - {dg.DagsterRunStatus.QUEUED}
    }
    assert maintain(bench).success
    left = {run.run_id for run in bench.instance.get_runs()}
    assert young | unfinished <= left and not old & left
    assert bench.document()["streams"] == expected_ledger


def test_more_runs_than_a_page_holds_are_deleted(stored_bench: Workbench) -> None:
    for _ in range(RUNS_PER_PAGE + 1):
        add_run(stored_bench, dg.DagsterRunStatus.SUCCESS, 99)
    maintain(stored_bench)
    assert len(stored_bench.instance.get_runs()) == 1  # the one that did it


def test_old_ticks_are_deleted_and_others_kept(stored_bench: Workbench) -> None:
    bench = stored_bench.with_options(tick_retention_days=7)
    instance = bench.instance
    add_ticks(instance, [8, 6])
    assert maintain(bench).success
    [state] = instance.all_instigator_state()
    [left] = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    assert left.timestamp > (datetime.now(UTC) - timedelta(days=7)).timestamp()


def add_ticks(instance: dg.DagsterInstance, ages_days: list[int]) -> None:
    """A sensor's state with ticks of these ages."""
    from dagster._core.remote_origin import (
        InProcessCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="m"))
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), "one")
    instance.add_instigator_state(
        InstigatorState(
            origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData()
        )
    )
    [state] = instance.all_instigator_state()
    for age_days in ages_days:
        instance.create_tick(
            TickData(
                state.instigator_origin_id,
                "one",
                InstigatorType.SENSOR,
                TickStatus.SKIPPED,
                (datetime.now(UTC) - timedelta(days=age_days)).timestamp(),
                selector_id=state.selector_id,
            )
        )
