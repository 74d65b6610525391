"""However Dagster is made to run them, the assets end at the expected ledger."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from openpool_management.assets import ASSETS
from openpool_management.partitions import LISTING_TAG, STREAMS_NAME
from openpool_management_tests.assets.workbench import Workbench

BY_STREAM = [asset for asset in ASSETS if asset.partitions_def is not None]


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """What a run reported of an asset, by label."""
    for event in result.get_asset_materialization_events():
        if event.asset_key == dg.AssetKey(asset):
            found = event.materialization.metadata
            return {label: value.value for label, value in found.items()}
    raise AssertionError(f"{asset} was not materialized")


def test_ticks_and_runs_end_at_the_expected_ledger(
    real_bench: Workbench, expected_ledger: dict[str, Any]
) -> None:
    assert real_bench.run_until_quiet() == len(expected_ledger)
    assert real_bench.document()["streams"] == expected_ledger
    assert real_bench.failing() <= {"no_stream_silent"}  # the real objects are of the past


def test_runs_of_few_objects_end_at_the_expected_ledger(
    real_bench: Workbench, expected_ledger: dict[str, Any]
) -> None:
    bench = real_bench.with_options(max_files_per_batch=5)
    assert bench.run_until_quiet() == 4 + 1 + 2
    assert bench.document()["streams"] == expected_ledger


def test_running_again_in_any_order_changes_nothing(
    real_bench: Workbench, expected_ledger: dict[str, Any]
) -> None:
    streams = sorted(expected_ledger)
    for stream in [*reversed(streams), *streams]:
        assert real_bench.run(stream).success
    document = real_bench.document()
    assert document["streams"] == expected_ledger
    again = real_bench.run(streams[0])
    assert metadata(again, "raw_events")["objects"] == 0
    assert real_bench.document() == document


def test_a_backfill_of_single_assets_changes_nothing(
    real_bench: Workbench, expected_ledger: dict[str, Any]
) -> None:
    streams = sorted(expected_ledger)
    real_bench.instance.add_dynamic_partitions(STREAMS_NAME, streams)
    for _ in range(2):
        # Against the order in which they depend on each other, as someone may click them.
        for asset in reversed(BY_STREAM):
            for stream in streams:
                result = dg.materialize(
                    list(ASSETS),
                    selection=[asset],
                    instance=real_bench.instance,
                    resources={"openpool": real_bench.resource},
                    partition_key=stream,
                )
                assert result.success
    assert real_bench.document()["streams"] == expected_ledger


def test_two_runs_of_one_stream_at_once_post_once(
    real_bench: Workbench, expected_ledger: dict[str, Any], tmp_path: Path
) -> None:
    bench = real_bench.with_options(max_files_per_batch=2)
    bench.run("transcode|oceania")
    # Each has an instance of its own: one in memory can't be shared by threads, the ledger can.
    with (
        dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "other")) as instance,
        ThreadPoolExecutor(2) as threads,
    ):
        benches = (bench, Workbench(instance, bench.settings))
        runs = [threads.submit(one.run, "ai|us-central") for one in benches]
        assert all(run.result().success for run in runs)
    bench.run_until_quiet()
    assert bench.document()["streams"] == expected_ledger


def test_a_full_listing_reads_what_the_lateness_window_hides(bench: Workbench) -> None:
    from openpool_management_tests.log_objects import ALICE, TRANSCODE, body, key, transcoded

    assert bench.settings.events_dir
    days = 24 * 3600
    for second in (9 * days, 0):
        path = bench.settings.events_dir / key(TRANSCODE, second)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body([transcoded(ALICE, second)]))
        bench.run(str(TRANSCODE))
    assert bench.document()["streams"][str(TRANSCODE)]["events"] == {"job-processed": 1}
    assert bench.requests() == []
    result = bench.run(
        str(TRANSCODE),
        run_config={"ops": {"raw_events": {"config": {"full": True}}}},
        tags={LISTING_TAG: "full"},
    )
    assert metadata(result, "raw_events")["objects"] == 1
    assert bench.document()["streams"][str(TRANSCODE)]["events"] == {"job-processed": 2}


def test_pages_show_wei_as_text_and_pictures_of_bounded_size(
    real_bench: Workbench, expected_ledger: dict[str, Any]
) -> None:
    stream = "ai|us-central"
    result = real_bench.run(stream)
    workers = expected_ledger[stream]["workers"]
    gross_wei = str(sum(int(worker["gross_wei"]) for worker in workers.values()))
    assert metadata(result, "raw_events")["gross_wei"] == gross_wei
    fees = metadata(result, "worker_fees")
    assert fees["gross_wei"] == gross_wei
    assert {row.data["worker"]: row.data["net_wei"] for row in fees["top workers"].records} == {
        address: worker["net_wei"] for address, worker in workers.items()
    }
    for picture in (fees["fees per worker"], metadata(result, "processed_jobs")["jobs per minute"]):
        assert "](data:image/png;base64," in picture and len(picture) < 30_100
    units = metadata(result, "worker_compute_units")["units by worker, pipeline and model"].records
    by_pipeline: dict[tuple[str, str], int] = {}
    for row in units:
        worker, pipeline = str(row.data["worker"]), str(row.data["pipeline"])
        by_pipeline[worker, pipeline] = by_pipeline.get((worker, pipeline), 0) + int(
            str(row.data["compute_units"])
        )
    shown = len(units)
    assert shown == 50 or by_pipeline == {
        (address, pipeline): count
        for address, worker in workers.items()
        for pipeline, count in worker["compute_units"].items()
    }


def test_a_stream_without_objects_has_empty_pages(bench: Workbench) -> None:
    result = bench.run("ai|nowhere")
    assert result.success
    assert metadata(result, "worker_fees")["workers"] == 0


def test_a_partition_that_is_no_stream_fails_with_what_to_write(bench: Workbench) -> None:
    with pytest.raises(ValueError, match=r"nodeType\|region"):
        bench.run("nonsense")
