"""The sensor asks for what the ledger has not read, once, and loses nothing."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from openpool_management.assets import ASSETS
from openpool_management.jobs import FINISHED, UNFINISHED
from openpool_management.partitions import PARTITION_TAG, STREAM_TAG, STREAMS_NAME
from openpool_management.settings import Settings
from openpool_management_tests.assets.workbench import Workbench
from openpool_management_tests.log_objects import ALICE, TRANSCODE, body, key, transcoded


def put(bench: Workbench, second: int) -> Path:
    """Write one object of TRANSCODE."""
    assert bench.settings.events_dir
    path = bench.settings.events_dir / key(TRANSCODE, second)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body([transcoded(ALICE, second)]))
    return path


def create_run(bench: Workbench, status: dg.DagsterRunStatus, tags: dict[str, str]) -> str:
    """A run of this status that nothing works on; its id."""
    job = bench.defs.resolve_job_def("ingest_job")
    return bench.instance.create_run_for_job(job, status=status, tags=tags).run_id


def test_without_a_source_the_tick_says_what_to_set(bench: Workbench, tmp_path: Path) -> None:
    nothing = Workbench(bench.instance, Settings(home=tmp_path / "home"))
    result = nothing.tick()
    assert isinstance(result, dg.SkipReason)
    assert "S3_BUCKET" in str(result.skip_message)
    assert "OPENPOOL_EVENTS_DIR" in str(result.skip_message)


def test_an_empty_log_asks_for_nothing_and_says_so(bench: Workbench) -> None:
    result = bench.tick()
    assert isinstance(result, dg.SensorResult) and not result.run_requests
    assert result.skip_reason and "Nothing new" in str(result.skip_reason.skip_message)


def test_each_new_stream_becomes_a_partition_and_a_run(
    real_bench: Workbench, expected_ledger: dict[str, Any]
) -> None:
    requests = real_bench.requests()
    assert {request.partition_key for request in requests} == set(expected_ledger)
    assert set(real_bench.instance.get_dynamic_partitions(STREAMS_NAME)) == set(expected_ledger)
    for request in requests:
        assert request.run_key is None
        assert request.tags == {STREAM_TAG: request.partition_key}


def test_a_region_with_dashes_and_a_stream_of_later_are_found(bench: Workbench) -> None:
    put(bench, 0)
    bench.run_until_quiet()
    path = put(bench, 100)
    other = Path(str(path).replace("oceania", "eu-north-7a"))
    other.parent.mkdir(parents=True)
    shutil.move(path, other)
    assert [one.partition_key for one in bench.requests()] == ["transcode|eu-north-7a"]


@pytest.mark.parametrize("tag", [STREAM_TAG, PARTITION_TAG])
def test_no_second_run_while_one_is_not_finished(bench: Workbench, tag: str) -> None:
    put(bench, 0)
    # A queued run can't be made without a daemon; the end-to-end tests have one.
    for status in set(UNFINISHED) - {dg.DagsterRunStatus.QUEUED}:
        elsewhere = create_run(bench, status, {tag: "transcode|elsewhere"})
        assert len(bench.requests()) == 1
        own = create_run(bench, status, {tag: str(TRANSCODE)})
        result = bench.tick()
        assert isinstance(result, dg.SensorResult) and not result.run_requests
        assert result.skip_reason and "has a run already" in str(result.skip_reason.skip_message)
        for run_id in (elsewhere, own):
            bench.instance.delete_run(run_id)


def test_a_finished_run_never_stands_in_the_way(bench: Workbench) -> None:
    put(bench, 0)
    for status in FINISHED:
        create_run(bench, status, {STREAM_TAG: str(TRANSCODE)})
    assert len(bench.requests()) == 1


def test_what_a_failed_run_left_is_asked_for_again(bench: Workbench, tmp_path: Path) -> None:
    put(bench, 0)
    (tmp_path / "blocked").write_text("a file where the lake should be")
    broken = bench.with_options(lake_url=str(tmp_path / "blocked" / "lake"))
    assert not broken.run(str(TRANSCODE), raise_on_error=False).success
    [request] = bench.requests()
    assert request.partition_key == str(TRANSCODE)
    assert bench.run_until_quiet() == 1
    assert bench.document()["streams"][str(TRANSCODE)]["events"] == {"job-processed": 1}


def test_deleting_runs_and_wiping_dagster_changes_nothing(
    real_bench: Workbench, expected_ledger: dict[str, Any], tmp_path: Path
) -> None:
    bench = real_bench.with_options(max_files_per_batch=4)
    for request in bench.requests():
        assert request.partition_key
        run = bench.run(request.partition_key, tags=request.tags)
        bench.instance.delete_run(run.run_id)
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "other")) as instance:
        other = Workbench(instance, bench.settings)
        assert other.run_until_quiet() > 0
    assert bench.document()["streams"] == expected_ledger
    assert bench.requests() == []


def test_a_spaced_out_attempt_is_made_at_once_when_something_else_arrives(
    bench: Workbench,
) -> None:
    put(bench, 0)
    first = bench.tick()
    assert isinstance(first, dg.SensorResult) and len(first.run_requests or []) == 1
    second = bench.tick(first.cursor)
    assert isinstance(second, dg.SensorResult) and not second.run_requests
    assert second.skip_reason and "tried again later" in str(second.skip_reason.skip_message)
    put(bench, 100)
    assert len(bench.requests(second.cursor)) == 1


@pytest.mark.parametrize("cursor", ["nonsense", "[]", '{"a": 1}', '{"a": {"waiting": 1}}', "7"])
def test_a_cursor_written_by_hand_does_no_harm(bench: Workbench, cursor: str) -> None:
    put(bench, 0)
    assert len(bench.requests(cursor)) == 1


def test_a_log_that_can_not_be_listed_fails_the_tick_with_a_sentence(
    bench: Workbench, moto_endpoint: str
) -> None:
    other = bench.with_options(
        events_dir=None,
        s3_bucket="no-such-bucket-of-ours",
        s3_endpoint=moto_endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with pytest.raises(OSError, match="no-such-bucket-of-ours"):
        other.tick()


def test_the_sensor_runs_a_job_of_all_assets(bench: Workbench) -> None:
    job = bench.defs.resolve_job_def("ingest_job")
    assert set(job.asset_layer.selected_asset_keys) == {asset.key for asset in ASSETS}
