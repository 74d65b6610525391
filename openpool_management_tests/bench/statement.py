"""A worker's statement of a million jobs, each line checked, and the same sums by DuckDB.

Run as ``python -m openpool_management_tests.bench.statement [--jobs N] [--batches N]``.
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import duckdb
import numpy as np
import polars as pl

from openpool_management.adapters.sql.audit import SqlAudit
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.batch import Batch, BatchKind, LakeFile, ReadObject, batch_id
from openpool_management.domain.commission import with_commission
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.event_ids import UUID_BYTES
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management.domain.posting import entries_of
from openpool_management.domain.streams import KEY_TIME_FORMAT, Stream
from openpool_management.services.audit_trail import AuditTrail
from openpool_management.services.statement import Statement, trace_worker
from openpool_management_tests.ledgers import ScratchLedger

STREAM = Stream("ai", "us-central")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BATCHES = 1_000
ROUNDS = 3
MINUTE = timedelta(minutes=1)
WORKERS = [f"0x{number + 1:040x}" for number in range(4)]
MODELS = [("text-to-image", "some/model-a"), ("text-to-image", "some/model-b"), ("llm", "other/c")]

QUERY = """
SELECT filename, pipeline, model, count(*), sum(compute_units),
       sum(fees_wei::HUGEINT * (10000 - fee_bps) // 10000)
FROM read_parquet({files}, hive_partitioning = false, filename = true)
WHERE event_type = 'job-processed' AND worker = ?
GROUP BY ALL
"""

Sums = dict[tuple[str, str, str], tuple[int, int, int]]
"""Jobs, compute units and net wei by lake file, pipeline and model."""


def measure_statement(work: Path, jobs: int, batches: int = BATCHES) -> dict[str, Any]:
    """Seconds of a statement of so many jobs of one worker among four, and of DuckDB's sums.

    Each of the batches has a lake file and an entry, made and committed as ingest makes them. Both
    are asked in turns, and the medians count.
    """
    work.mkdir(parents=True, exist_ok=True)
    with ScratchLedger.in_directory(work) as scratch:
        files = [_commit(scratch, *made) for made in enumerate(_batches(jobs, batches), start=1)]
        trail = AuditTrail(SqlAudit(scratch.engine), scratch.ledger, scratch.lake, PairRules())
        ours, theirs = [], []
        for _ in range(ROUNDS):
            started = perf_counter()
            statement = trace_worker(trail, WORKERS[0], limit=10**9)
            ours.append(perf_counter() - started)
            seconds, sums = _duckdb(work / "lake", files)
            theirs.append(seconds)
            assert statement.errors == []
            assert _sums(statement) == sums
        started = perf_counter()
        fees_wei = sum(job.fees_wei for line in statement.lines for job in line.jobs)
        each = perf_counter() - started
        assert fees_wei == _fees_wei(scratch)
    return {
        "jobs": jobs,
        "jobs_of_all_workers": jobs * len(WORKERS),
        "batches": batches,
        "lines": len(statement.lines),
        "statement_seconds": round(median(ours), 2),
        "duckdb_seconds": round(median(theirs), 2),
        "statement_to_duckdb": round(median(ours) / median(theirs), 2),
        "every_job_looked_at_seconds": round(each, 2),
    }


def _sums(statement: Statement) -> Sums:
    return {
        (one.batch.lake_file.name, one.line.account.pipeline, one.line.account.model): (
            one.line.jobs,
            one.line.compute_units,
            one.line.amount_wei,
        )
        for one in statement.lines
        if one.batch is not None and one.batch.lake_file is not None
    }


def _fees_wei(scratch: ScratchLedger) -> int:
    """What the worker's jobs earned before commission, by the ledger."""
    return sum(
        one.balance_wei
        for one in scratch.books.standings()
        if one.account.worker == WORKERS[0]
        and one.account.kind in (AccountKind.PAYABLE, AccountKind.COMMISSION)
    )


def _duckdb(lake: Path, files: list[LakeFile]) -> tuple[float, Sums]:
    names = {str(lake / file.name): file.name for file in files}
    with duckdb.connect() as connection:
        started = perf_counter()
        found = connection.execute(QUERY.format(files=list(names)), [WORKERS[0]]).fetchall()
        seconds = perf_counter() - started
    return seconds, {
        (names[path], pipeline, model): (count, int(units), int(net_wei))
        for path, pipeline, model, count, units, net_wei in found
    }


def _commit(scratch: ScratchLedger, seq: int, jobs: pl.DataFrame) -> LakeFile:
    """One batch of one object, as ingest commits it: first the lake file, then its entries."""
    start, end = (FIRST + seq * MINUTE + part for part in (timedelta(), MINUTE))
    times = "_".join(moment.strftime(KEY_TIME_FORMAT) for moment in (start, end))
    key = f"{STREAM.prefix}{STREAM.region}-{STREAM.node_type}-{times}.json"
    head = scratch.ledger.head(STREAM)
    jobs = with_commission(jobs.with_columns(object_key=pl.lit(key)), head.rates)
    rows = jobs.select(
        (pl.col(name) if name in jobs.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in LAKE_SCHEMA.items()
    )
    identity = batch_id(STREAM, BatchKind.OBJECTS, [key])
    file = scratch.lake.write(STREAM, identity, rows)
    read = ReadObject(key, "", str(seq), 0, end, start, end, end, rows.height)
    batch = Batch(
        id=identity,
        stream=STREAM,
        seq=seq,
        kind=BatchKind.OBJECTS,
        read_at=end,
        rates_seen=len(head.rates),
        objects=(read,),
        counts={"job-processed": rows.height},
        entries=entries_of(identity, STREAM, jobs, pl.DataFrame(), head.rates),
        lake_file=file,
    )
    scratch.ledger.commit(batch)
    return file


def _batches(jobs: int, batches: int) -> Iterator[pl.DataFrame]:
    """The jobs of each batch; every worker has as many, and together each has so many."""
    random = np.random.default_rng(1)
    schema = {"pipeline": pl.String, "model": pl.String}
    models = pl.DataFrame(MODELS, schema=schema, orient="row").with_row_index("kind")
    for number in range(batches):
        each = jobs * (number + 1) // batches - jobs * number // batches
        count = each * len(WORKERS)
        ids = random.bytes(count * UUID_BYTES)
        start_ms = int((FIRST + number * MINUTE).timestamp() * 1_000)
        frame = pl.DataFrame(
            {
                "event_id": [
                    ids[place : place + UUID_BYTES] for place in range(0, len(ids), UUID_BYTES)
                ],
                "worker": random.permutation(np.repeat(np.arange(len(WORKERS)), each)),
                "kind": random.integers(0, len(MODELS), count, dtype=np.uint32),
                "compute_units": random.integers(10**5, 10**7, count),
                "price_wei": random.integers(10**3, 10**9, count),
                "response_us": random.integers(10**5, 10**7, count),
            }
        )
        yield (
            frame.join(models, on="kind", maintain_order="left")
            .with_row_index("object_index")
            .with_columns(
                dt=(start_ms + pl.col("object_index").cast(pl.Int64) * 60_000 // count).cast(
                    LAKE_SCHEMA["dt"]
                ),
                event_type=pl.lit("job-processed"),
                object_version=pl.lit(""),
                worker=pl.col("worker").replace_strict(
                    list(range(len(WORKERS))), WORKERS, return_dtype=pl.String
                ),
                fees_wei=pl.col("compute_units").cast(pl.Int128) * pl.col("price_wei"),
            )
        )


def main() -> None:
    """Measure in ``build/statement`` and print the result."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=1_000_000)
    arguments.add_argument("--batches", type=int, default=BATCHES)
    chosen = arguments.parse_args()
    work = Path("build") / "statement"
    shutil.rmtree(work, ignore_errors=True)
    try:
        print(json.dumps(measure_statement(work, chosen.jobs, chosen.batches), indent=2))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
