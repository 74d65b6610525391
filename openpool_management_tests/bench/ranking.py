"""A 30-day ranking over millions of jobs, and the same by DuckDB on the same Parquet files.

Run as ``python -m openpool_management_tests.bench.ranking [--jobs N]``.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import polars as pl

from openpool_management.adapters.directory_lake import DirectoryLake
from openpool_management.adapters.partial_directory import DirectoryPartials
from openpool_management.domain.batch import LakeFile
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management.domain.presence import PlacedFact, ProofSpan
from openpool_management.domain.streams import Stream
from openpool_management.services.performance.report import (
    PerformanceRow,
    PerformanceSources,
    Window,
    performance,
)
from openpool_management.services.ports.performance import StreamRecord

STREAM = Stream("transcode", "us-west")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 31
NOW = FIRST + timedelta(days=30, hours=23)
WORKERS = 300
FILES_PER_DAY = 6

QUERY = """
WITH job AS (
    SELECT worker, pipeline, model, fees_wei, compute_units,
           nullif(response_us, 0) AS us, nullif(duration_ms, 0) AS ms
    FROM read_parquet({files}, hive_partitioning = false)
    WHERE event_type = 'job-processed' AND dt >= ? AND dt < ?
), figures AS (
    SELECT worker, pipeline, model, count(*) AS jobs, sum(fees_wei) AS fees_wei,
           sum(compute_units) AS compute_units,
           {quantile}(us, 0.5) AS p50, {quantile}(us, 0.95) AS p95, {quantile}(us, 0.99) AS p99,
           avg(us) AS mean, {quantile}(ms * 1000 / us, 0.5) AS ratio,
           avg(ms * 1000 / us) AS mean_ratio, min(ms * 1000 / us) AS least,
           max(ms * 1000 / us) AS greatest,
           sum(compute_units) FILTER (us IS NOT NULL) * 1e6 / sum(us) AS speed,
           {quantile}(compute_units::DOUBLE * 1e6 / us, 0.5) AS median_speed,
           avg(compute_units::DOUBLE * 1e6 / us) AS mean_speed,
           min(compute_units::DOUBLE * 1e6 / us) AS least_speed,
           max(compute_units::DOUBLE * 1e6 / us) AS greatest_speed
    FROM job GROUP BY ALL
)
SELECT *, rank() OVER (PARTITION BY pipeline, model ORDER BY ratio DESC) AS rank FROM figures
"""


class _Record:
    """A ledger that names these lake files and has moved no job."""

    def __init__(self, files: Sequence[LakeFile]) -> None:
        self.files = tuple(files)

    def streams(self) -> list[Stream]:
        """See the port."""
        return [STREAM]

    def stream_record(self, stream: Stream) -> StreamRecord:
        """See the port."""
        return StreamRecord(self.files, ())

    def changes(self, stream: Stream) -> list[PlacedFact]:
        """See the port."""
        return []

    def last_proofs(self, stream: Stream, spans: list[ProofSpan]) -> list[PlacedFact]:
        """See the port."""
        return []


def measure_ranking(work: Path, jobs: int) -> dict[str, Any]:
    """Seconds of the 30-day ranking: nothing kept; all kept; one file more; and DuckDB's."""
    lake = DirectoryLake(work / "lake")
    files = [lake.write(STREAM, f"{no:04}", rows) for no, rows in enumerate(_days(jobs))]
    cache = DirectoryPartials(work / "cache")
    record = _Record(files[:-1])
    sources = PerformanceSources(record, record, lake, cache)
    cold, _ = _timed(sources)
    again, _ = _timed(sources)
    whole = _Record(files)
    after, rows = _timed(PerformanceSources(whole, whole, lake, cache))
    exact = _duckdb(work / "lake", files, "quantile_disc", rows)
    approximate = _duckdb(work / "lake", files, "approx_quantile", rows)
    return {
        "jobs": jobs,
        "nothing_kept_seconds": round(cold, 2),
        "all_kept_seconds": round(again, 2),
        "one_file_more_seconds": round(after, 2),
        "duckdb_exact_seconds": round(exact, 2),
        "duckdb_approximate_seconds": round(approximate, 2),
        "nothing_kept_to_duckdb_exact": round(cold / exact, 2),
        "one_file_more_to_duckdb_exact": round(after / exact, 2),
        "one_file_more_to_duckdb_approximate": round(after / approximate, 2),
    }


def _timed(sources: PerformanceSources) -> tuple[float, list[PerformanceRow]]:
    started = perf_counter()
    rows = performance(sources, Window.MONTH, NOW)
    return perf_counter() - started, rows


def _duckdb(
    lake: Path, files: Sequence[LakeFile], quantile: str, rows: list[PerformanceRow]
) -> float:
    """Seconds of DuckDB's query; its counts and sums must be those of the rows."""
    names = [str(lake / file.name) for file in files]
    with duckdb.connect() as connection:
        query = QUERY.format(files=names, quantile=quantile)
        started = perf_counter()
        found = connection.execute(query, [NOW - timedelta(days=30), NOW]).fetchall()
        seconds = perf_counter() - started
    sums = {row[0]: (row[3], int(row[4]), int(row[5])) for row in found}
    assert sums == {row.worker: (row.jobs, row.fees_wei, row.compute_units) for row in rows}
    return seconds


def _days(jobs: int) -> Any:
    """Frames of LAKE_SCHEMA, FILES_PER_DAY a day, together so many jobs."""
    count = jobs // (DAYS * FILES_PER_DAY)
    span_ms = 86_400_000 // FILES_PER_DAY
    workers = [f"0x{number + 1:040x}" for number in range(WORKERS)]
    for number in range(DAYS * FILES_PER_DAY):
        start_ms = int(FIRST.timestamp() * 1000) + number * span_ms
        row = pl.int_range(0, count, eager=True).alias("row")
        frame = pl.DataFrame([row]).with_columns(noise=pl.col("row").hash(number))
        response_us = (pl.col("noise") % 2_900 + 100).cast(pl.Int64) * 1_000
        units = pl.lit(75_256_400) - (pl.col("noise") % 1_000).cast(pl.Int64)
        lake = frame.with_columns(
            event_id=pl.col("noise").cast(pl.String).cast(pl.Binary),
            dt=(start_ms + pl.col("row") * span_ms // count // 1_000 * 1_000).cast(
                LAKE_SCHEMA["dt"]
            ),
            event_type=pl.lit("job-processed"),
            object_key=pl.lit(f"us-west/transcode/us-west-transcode-{number}.json"),
            object_index=pl.col("row"),
            worker=pl.col("noise") // 7 % WORKERS,
            pipeline=pl.lit("transcode"),
            model=pl.lit(""),
            compute_units=units,
            price_wei=pl.lit(50),
            fees_wei=units * 50,
            fee_bps=pl.lit(2_500),
            response_us=response_us,
            duration_ms=pl.lit(2_000),
        ).with_columns(
            worker=pl.col("worker").replace_strict(
                list(range(WORKERS)), workers, return_dtype=pl.String
            )
        )
        yield lake.select(
            (pl.col(name) if name in lake.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in LAKE_SCHEMA.items()
        )


def main() -> None:
    """Measure in ``build/ranking`` and print the result."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=20_000_000)
    chosen = arguments.parse_args()
    work = Path("build") / "ranking"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        print(json.dumps(measure_ranking(work, chosen.jobs), indent=2))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
