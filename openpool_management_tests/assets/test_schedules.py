"""The full listing and the payouts, as the clock asks for them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from openpool_management.partitions import LISTING_TAG, STREAM_TAG, STREAMS_NAME
from openpool_management.settings import Settings
from openpool_management_tests.assets.workbench import Workbench

LIVE = {"eth_rpc_endpoint": "http://127.0.0.1:9", "eth_private_key": "11" * 32}
NOW = datetime(2026, 12, 1, 3, 17, tzinfo=UTC)


def asked_by(name: str, bench: Workbench, at: datetime = NOW) -> Any:
    """What a schedule asks for at a time."""
    with dg.build_schedule_context(
        instance=bench.instance,
        scheduled_execution_time=at,
        resources={"openpool": bench.resource},
    ) as context:
        return bench.defs.resolve_schedule_def(name)(context)


def full_listing(bench: Workbench) -> list[dg.RunRequest | dg.SkipReason]:
    """What the schedule of the full listing asks for."""
    return list(asked_by("full_listing_schedule", bench))


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


def test_payouts_are_asked_for_of_the_day_that_the_clock_should_have_struck(
    stored_bench: Workbench,
) -> None:
    for mode in ("dry-run", "live"):
        bench = stored_bench.with_options(payouts=mode, **LIVE)
        for late in (
            datetime(2026, 3, 1, 0, 0, tzinfo=UTC),
            datetime(2026, 2, 28, 23, 59, tzinfo=UTC),
        ):
            request = asked_by("payout_schedule", bench, late)
            assert isinstance(request, dg.RunRequest) and request.run_key is None
            assert request.partition_key == f"{late:%Y-%m-%d}"


def test_payouts_that_are_off_are_not_asked_for(stored_bench: Workbench) -> None:
    skipped = asked_by("payout_schedule", stored_bench)
    assert isinstance(skipped, dg.SkipReason) and "OPENPOOL_PAYOUTS" in str(skipped.skip_message)


def test_payouts_are_not_asked_for_while_some_are_under_way(stored_bench: Workbench) -> None:
    bench, status = stored_bench.with_options(payouts="live", **LIVE), dg.DagsterRunStatus.STARTED
    settling, paying = (
        bench.defs.resolve_job_def(name) for name in ("settlement_job", "payout_job")
    )
    bench.instance.create_run_for_job(settling, status=status, tags=dict(settling.run_tags))
    # Dagster's queue lets the payouts wait for a settlement: a day must not be left out for one.
    assert isinstance(asked_by("payout_schedule", bench), dg.RunRequest)
    run = bench.instance.create_run_for_job(paying, status=status, tags=dict(paying.run_tags))
    skipped = asked_by("payout_schedule", bench)
    assert isinstance(skipped, dg.SkipReason) and run.run_id in str(skipped.skip_message)
