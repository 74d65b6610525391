"""The asset published_exports, its job and its schedule."""

import json
from pathlib import Path

import dagster as dg

from openpool_management.pool import utc_now
from openpool_management_tests.assets.test_schedules import asked_by
from openpool_management_tests.assets.workbench import Workbench

SCHEDULE = "publish_schedule"


def test_the_job_publishes_what_changed(real_bench: Workbench, tmp_path: Path) -> None:
    # The clock stands, for a share of time moves with it and would be another thing to say.
    bench = real_bench.with_options(metrics_dir=tmp_path / "published").at(utc_now())
    bench.run("transcode|oceania")
    first, second = (_metadata(bench) for _ in range(2))
    files = [path for path in (tmp_path / "published").rglob("*") if path.is_file()]
    assert first["written"] == len(files) > 0 and first["unchanged"] == 0
    assert (second["written"], second["unchanged"]) == (0, len(files))
    pool = json.loads((tmp_path / "published" / "pool.json").read_text())
    assert [one["stream"] for one in pool["streams"]] == ["transcode|oceania"]
    assert pool["money"]["earned_wei"] == pool["streams"][0]["earned_wei"]


def test_with_nowhere_to_publish_nothing_is_materialized(real_bench: Workbench) -> None:
    result = real_bench.defs.resolve_job_def("publish_job").execute_in_process(
        instance=real_bench.instance
    )
    assert result.success and result.get_asset_materialization_events() == []


def test_the_schedule_runs_by_itself_where_there_is_a_place(
    bench: Workbench, tmp_path: Path
) -> None:
    skipped = asked_by(SCHEDULE, bench)
    assert isinstance(skipped, dg.SkipReason)
    assert "set S3_METRICS_BUCKET to a bucket" in (skipped.skip_message or "")
    for place in ({"metrics_dir": tmp_path / "published"}, {"s3_metrics_bucket": "metrics"}):
        placed = bench.with_options(**place)
        assert isinstance(asked_by(SCHEDULE, placed), dg.RunRequest)
        schedule = placed.defs.resolve_schedule_def(SCHEDULE)
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def _metadata(bench: Workbench) -> dict[str, int]:
    """The numbers of a publication."""
    result = bench.defs.resolve_job_def("publish_job").execute_in_process(instance=bench.instance)
    [event] = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    counts = ((name, metadata[name].value) for name in ("written", "unchanged"))
    return {name: value for name, value in counts if isinstance(value, int)}
