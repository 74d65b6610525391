"""Each check passes on a sound ledger and fails, with what to do, on the one it is there for."""

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
import sqlalchemy

from openpool_management.adapters.sql.totals import SqlTotals
from openpool_management.pool import utc_now
from openpool_management_tests.assets.workbench import Workbench
from openpool_management_tests.ledgers import drop_guards
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    START,
    TRANSCODE,
    Event,
    body,
    key,
    processed,
    received,
    transcoded,
)
from openpool_management_tests.servers.fault_proxy import Fault, FaultProxy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def put(bench: Workbench, name: str, data: bytes) -> Path:
    """Write one object."""
    assert bench.settings.events_dir
    path = bench.settings.events_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def put_flushes(bench: Workbench, starts: list[int]) -> None:
    """Objects of a minute each, one job in each."""
    for second in starts:
        put(bench, key(TRANSCODE, second), body([transcoded(ALICE, second)]))


def failure(bench: Workbench, name: str) -> dg.AssetCheckEvaluation:
    """The evaluation of a check that fails."""
    one = bench.checks()[name]
    assert not one.passed
    assert one.description and str(one.metadata["what to do"].value) in one.description
    return one


def test_a_sound_ledger_passes_all(bench: Workbench) -> None:
    yesterday = int((utc_now() - START).total_seconds()) - 86_400
    put_flushes(bench, list(range(yesterday, yesterday + 600, 60)))
    put(bench, key(AI, yesterday), body([received(ALICE, yesterday), processed(yesterday + 1)]))
    bench.run_until_quiet()
    # The objects are of the past, which is what this one is about.
    assert bench.failing() == {"no_stream_silent"}
    assert bench.with_options(freshness_minutes=2 * 1440).failing() == set()


def test_checks_pass_where_nothing_was_read(bench: Workbench) -> None:
    assert bench.failing() == set()


def test_held_items_fail(bench: Workbench) -> None:
    put(bench, key(TRANSCODE), b"[{")
    bench.run_until_quiet()
    one = failure(bench, "nothing_held")
    assert one.severity is WARN and "openpool held list" in str(one.description)


def test_an_object_that_can_not_be_read_fails_until_it_can(
    bench: Workbench, moto_endpoint: str, moto_client: "S3Client", bucket: str
) -> None:
    names = [key(TRANSCODE, second) for second in (0, 100)]
    for name in names:
        moto_client.put_object(Bucket=bucket, Key=name, Body=body([transcoded(ALICE)]))
    refused = Fault(403, "AccessDenied")
    with FaultProxy(moto_endpoint, lambda path: refused if names[0] in path else None) as proxy:
        options = {
            "events_dir": None,
            "s3_bucket": bucket,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        broken = bench.with_options(s3_endpoint=proxy.endpoint_url, **options)
        assert broken.run(str(TRANSCODE)).success
        assert broken.document()["streams"][str(TRANSCODE)]["events"] == {"job-processed": 1}
        one = failure(broken, "every_object_read")
        assert one.severity is WARN and "could not read 1 object" in str(one.description)
        # Nothing but the unreadable one is left, one object a batch: those behind it are read.
        third = key(TRANSCODE, 200)
        moto_client.put_object(Bucket=bucket, Key=third, Body=body([transcoded(ALICE, 200)]))
        broken.with_options(max_files_per_batch=1).run(str(TRANSCODE))
        assert broken.document()["streams"][str(TRANSCODE)]["events"] == {"job-processed": 2}
    well = bench.with_options(s3_endpoint=moto_endpoint, **options)
    assert well.run(str(TRANSCODE)).success
    assert "every_object_read" not in well.failing()
    assert well.document()["streams"][str(TRANSCODE)]["events"] == {"job-processed": 3}


def test_unattributed_fees_above_the_share_fail(bench: Workbench) -> None:
    jobs: list[Event] = []
    for number in range(9):
        jobs += [
            received(ALICE, number, request=f"r{number}"),
            processed(number, request=f"r{number}"),
        ]
    put(bench, key(AI), body([*jobs, processed(20, request="alone")]))
    bench.run_until_quiet()
    one = failure(bench, "few_unattributed")
    assert one.severity is WARN and "openpool unattributed" in str(one.description)
    assert "few_unattributed" in bench.with_options(unattributed_share="0.0999").failing()
    assert "few_unattributed" not in bench.with_options(unattributed_share="0.1").failing()


def test_a_gap_fails_and_names_its_times(bench: Workbench) -> None:
    put_flushes(bench, [*range(0, 600, 60), *range(1200, 1800, 60)])
    bench.run_until_quiet()
    one = failure(bench, "no_gap")
    assert one.severity is WARN
    # The object before ends 59 s after its start.
    assert "from 2026-03-01 00:09:59 UTC to 2026-03-01 00:20:00 UTC (601 s)" in str(one.description)
    assert "no_gap" not in bench.with_options(gap_factor=11).failing()


def test_a_failure_of_one_stream_is_not_hidden_by_a_run_of_another(bench: Workbench) -> None:
    put_flushes(bench, [*range(0, 600, 60), *range(1200, 1800, 60)])
    bench.run_until_quiet()
    put(bench, key(AI), body([received(ALICE, 1), processed(2)]))
    result = bench.run(str(AI))
    checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert not checks["no_gap"]


def test_a_changed_balance_fails(bench: Workbench) -> None:
    put_flushes(bench, [0])
    bench.run_until_quiet()
    with bench.pool() as pool, pool.engine.begin() as connection:
        drop_guards(connection)
        connection.execute(
            sqlalchemy.text("UPDATE posting SET balance_wei = balance_wei + 1 WHERE account_id = 1")
        )
    assert {"totals_equal_postings", "ledger_in_balance"} <= bench.failing()
    assert failure(bench, "totals_equal_postings").severity is ERROR
    one = failure(bench, "ledger_in_balance")
    assert one.severity is ERROR and "openpool verify" in str(one.description)


def test_changed_work_fails(bench: Workbench) -> None:
    put_flushes(bench, [0, 60])
    bench.run_until_quiet()
    with bench.pool() as pool:
        assert SqlTotals(pool.engine).wrong() == []
        with pool.engine.begin() as connection:
            drop_guards(connection)
            connection.execute(sqlalchemy.text("UPDATE work_posting SET jobs_total = 7"))
        [sentence] = SqlTotals(pool.engine).wrong()
    assert "jobs_total 7" in sentence and ALICE in sentence
    assert "totals_equal_postings" in bench.failing()


def repeat_rows(bench: Workbench) -> None:
    """Write the first row of each lake file twice, under the file's own name."""
    for path in Path(bench.settings.lake_url).rglob("*.parquet"):
        rows = pl.read_parquet(path, hive_partitioning=False)
        pl.concat([rows, rows.head(1)]).write_parquet(path)


def test_an_event_that_is_in_the_lake_twice_fails(bench: Workbench) -> None:
    put_flushes(bench, [0])
    bench.run_until_quiet()
    repeat_rows(bench)
    one = failure(bench, "event_ids_unique")
    assert one.severity is ERROR and "Pay nobody" in str(one.description)


def test_a_full_listing_looks_for_repeats_in_the_whole_lake(bench: Workbench) -> None:
    put_flushes(bench, [0])
    bench.run_until_quiet()
    repeat_rows(bench)
    put_flushes(bench, [9 * 24 * 3600])
    bench.run_until_quiet()
    assert "event_ids_unique" not in bench.failing()
    result = bench.run(str(TRANSCODE), "full_listing_job")
    checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert not checks["event_ids_unique"]
