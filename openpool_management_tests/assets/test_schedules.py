"""The full listing, as the clock asks for it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from openpool_management.partitions import LISTING_TAG, STREAM_TAG, STREAMS_NAME
from openpool_management.settings import Settings
from openpool_management_tests.assets.workbench import Workbench

NOW = datetime(2026, 12, 1, 3, 17, tzinfo=UTC)


def full_listing(bench: Workbench) -> list[dg.RunRequest | dg.SkipReason]:
    """What the schedule asks for."""
    schedule = bench.defs.resolve_schedule_def("full_listing_schedule")
    with dg.build_schedule_context(
        instance=bench.instance,
        scheduled_execution_time=NOW,
        resources={"openpool": bench.resource},
    ) as context:
        answer: Any = schedule(context)
        return list(answer)


def test_the_full_listing_asks_for_each_stream(
    stored_bench: Workbench, real_events_dir: Path, expected_ledger: dict[str, Any]
) -> None:
    bench = stored_bench.with_options(events_dir=real_events_dir)
    requests = full_listing(bench)
    assert len(requests) == len(expected_ledger)
    for request in requests:
        assert isinstance(request, dg.RunRequest) and request.partition_key
        assert request.tags[STREAM_TAG] == request.partition_key
        result = bench.run(request.partition_key, "full_listing_job", tags=request.tags)
        assert result.success and result.dagster_run.tags[LISTING_TAG] == "full"
    assert set(bench.instance.get_dynamic_partitions(STREAMS_NAME)) == set(expected_ledger)
    assert bench.document()["streams"] == expected_ledger


def test_the_full_listing_reads_all_batches(
    stored_bench: Workbench, real_events_dir: Path, expected_ledger: dict[str, Any]
) -> None:
    bench = stored_bench.with_options(events_dir=real_events_dir, max_files_per_batch=3)
    for request in full_listing(bench):
        assert isinstance(request, dg.RunRequest) and request.partition_key
        bench.run(request.partition_key, "full_listing_job", tags=request.tags)
    assert bench.document()["streams"] == expected_ledger


def test_without_a_source_or_objects_it_says_why_it_does_nothing(
    bench: Workbench, tmp_path: Path
) -> None:
    [empty] = full_listing(bench)
    assert isinstance(empty, dg.SkipReason) and "no objects" in str(empty.skip_message)
    [unset] = full_listing(Workbench(bench.instance, Settings(home=tmp_path / "home")))
    assert isinstance(unset, dg.SkipReason) and "S3_BUCKET" in str(unset.skip_message)
