"""Measure the main job and print ratios of one run, with the machine; write build/bench.json.

Run as ``python -m openpool_management_tests.bench``; ``--help`` says what can be chosen.
"""

import argparse
import json
import os
import platform
import shutil
from itertools import count
from pathlib import Path
from typing import Any

from openpool_management_tests.bench.corpus import simulate
from openpool_management_tests.bench.payouts import measure_payouts
from openpool_management_tests.bench.ranking import measure_ranking
from openpool_management_tests.bench.statement import measure_statement
from openpool_management_tests.bench.sync import (
    START,
    decode_once,
    small_batch_seconds,
    stored_bytes,
    sync_once,
)
from openpool_management_tests.bench.tick import measure_tick
from openpool_management_tests.servers.postgres import PostgresServer

BUILD = Path("build")


def main() -> None:
    """Run every measurement, one after the other."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=2_000_000)
    arguments.add_argument("--history", type=int, default=5_000_000)
    arguments.add_argument("--ranking", type=int, default=20_000_000)
    arguments.add_argument("--statement", type=int, default=1_000_000)
    arguments.add_argument("--payouts-only", action="store_true")
    chosen = arguments.parse_args()
    work = BUILD / "bench"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    results: dict[str, Any] = {"machine": _machine(), "events": chosen.events}

    results["payouts"] = _payouts(work / "payouts")
    if chosen.payouts_only:
        print(json.dumps(results, indent=2))
        return

    events = simulate(work / "events", chosen.events, 1, START)
    bare = decode_once(events)
    results["bare_decode_seconds"] = round(bare, 2)

    sqlite_url = f"sqlite:///{(work / 'ledger.sqlite').absolute()}"
    results["sqlite"] = _end_to_end(events, sqlite_url, work / "lake-sqlite", bare)
    server = PostgresServer(work / "postgres", durable=True)
    try:
        url = server.database_url(server.create_database())
        results["postgresql"] = _end_to_end(events, url, work / "lake-postgres", bare)
    finally:
        server.stop()

    empty = small_batch_seconds(None, (work / "empty").absolute())
    history = simulate(work / "history", chosen.history, 2, START)
    full = small_batch_seconds(history, (work / "full").absolute())
    results["same_batch"] = {
        "history_events": chosen.history,
        "empty_seconds": round(empty, 3),
        "full_seconds": round(full, 3),
        "full_to_empty": round(full / empty, 2),
    }
    results["tick"] = measure_tick(work / "tick")
    results["ranking"] = measure_ranking(work / "ranking", chosen.ranking)
    results["statement"] = measure_statement(work / "statement", chosen.statement)
    shutil.rmtree(work, ignore_errors=True)
    (BUILD / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def _end_to_end(events: Path, ledger_url: str, lake: Path, bare: float) -> dict[str, Any]:
    result = sync_once(events, ledger_url, lake.absolute())
    return {
        "sync_seconds": round(result["seconds"], 2),
        "sync_to_bare_decode": round(result["seconds"] / bare, 2),
        "events_per_second": round(result["events"] / result["seconds"]),
        "bytes_per_event": round(stored_bytes(ledger_url, lake) / result["events"], 1),
        "peak_mib": result["peak_mib"],
    }


def _payouts(work: Path) -> dict[str, Any]:
    files = (f"sqlite:///{(work / f'{number}.sqlite').absolute()}" for number in count())
    results = {"sqlite": measure_payouts(work / "sqlite", lambda: next(files))}
    server = PostgresServer(work / "postgres", durable=True)
    try:
        results["postgresql"] = measure_payouts(
            work / "postgresql", lambda: server.database_url(server.create_database())
        )
    finally:
        server.stop()
    return results


def _machine() -> dict[str, Any]:
    cpu = Path("/proc/cpuinfo")
    models = [line for line in cpu.read_text().splitlines() if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "cpu": models[0].partition(": ")[2] if models else platform.processor(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
