"""End to end: objects to committed ledger, and the same batch on an empty and on a full ledger."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management_tests.bench.corpus import STREAMS, last_end, simulate

START = datetime(2026, 1, 1, tzinfo=UTC)
SMALL_BATCHES = 5


def sync_once(events_dir: Path, ledger_url: str, lake: Path) -> dict[str, Any]:
    """Run one sync in a process of its own."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENPOOL_", "S3_", "POOL_", "AWS_"))
    }
    command = [sys.executable, "-m", "openpool_management_tests.bench.sync_child"]
    finished = subprocess.run(
        [*command, str(events_dir), ledger_url, str(lake)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def decode_once(events_dir: Path) -> float:
    """Seconds of the bare decode, in a process of its own."""
    command = [sys.executable, "-m", "openpool_management_tests.bench.decode_child"]
    finished = subprocess.run(
        [*command, str(events_dir)], check=True, capture_output=True, text=True
    )
    return float(finished.stdout)


def stored_bytes(ledger_url: str, lake: Path) -> int:
    """Bytes on disk of a ledger and its lake."""
    engine = ledger_engine(ledger_url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            size = Path(str(engine.url.database)).stat().st_size
        else:
            size = connection.scalar(text("SELECT pg_database_size(current_database())"))
    engine.dispose()
    return int(size) + sum(path.stat().st_size for path in lake.rglob("*.parquet"))


def small_batch_seconds(history: Path | None, work: Path) -> float:
    """Median time of batches of 25,000 events on a ledger that holds history, or nothing.

    One process each, so that both start cold; the ledger grows by the batches it is given.
    """
    ledger_url = f"sqlite:///{work / 'ledger.sqlite'}"
    lake = work / "lake"
    work.mkdir(parents=True)
    start = START
    if history is not None:
        sync_once(history, ledger_url, lake)
        start = last_end(history)
    seconds: list[float] = []
    for number in range(SMALL_BATCHES):
        batch = simulate(work / f"batch-{number}", 25_000, 100 + number, start, streams=STREAMS[:1])
        seconds.append(sync_once(batch, ledger_url, lake)["seconds"])
        start = last_end(batch)
    return median(seconds)
