"""Sync processes that a test starts, ends and cleans up after."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.sql import schema
from openpool_management_tests.faults.crash_child import Plan
from openpool_management_tests.ledgers import ScratchLedger

START_TIMEOUT_SECONDS = 120


def start(plan: Plan) -> "subprocess.Popen[bytes]":
    """Start a sync; its errors come with communicate()."""
    command = [sys.executable, "-m", "openpool_management_tests.faults.crash_child", plan.text()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(plan: Plan) -> int:
    """Run a sync and return its exit code. Fails where it ended by an error of its own."""
    process = start(plan)
    _, errors = process.communicate(timeout=START_TIMEOUT_SECONDS)
    assert process.returncode in (0, -signal.SIGKILL), errors.decode()
    return process.returncode


def run_and_kill_after(plan: Plan, delay_seconds: float, ready: Path) -> int:
    """Kill a sync from the outside, so long after it has loaded; returns its exit code."""
    ready.unlink(missing_ok=True)
    process = start(replace(plan, ready=str(ready)))
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not ready.exists() and process.poll() is None:
        assert time.monotonic() < deadline, "the sync never began"
        time.sleep(0.005)
    try:
        process.wait(delay_seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), errors.decode()
    return process.returncode


def assert_no_half_batch(scratch: ScratchLedger) -> None:
    """Every batch in the ledger has its objects, its entries and its lake file, whole."""
    assert scratch.broken() == []
    batch, objects = schema.batch, schema.object_version
    counted = (
        select(func.count()).where(objects.c.batch_id == batch.c.id).correlate(batch)
    ).scalar_subquery()
    with scratch.engine.connect().execution_options(read_only=True) as connection:
        for stated, found in connection.execute(select(batch.c.objects, counted)):
            assert stated == found
    for stream, totals in scratch.books.event_totals().items():
        files = scratch.lake_files(stream)
        assert sum(file.rows for file in files) == sum(totals.values())
        for file in files:
            assert scratch.lake.scan([file]).collect().height == file.rows


def assert_recovers(plan: Plan, expected: dict[str, Any]) -> None:
    """What a crash left is whole, and the next sync ends at the expected streams."""
    with ScratchLedger(plan.ledger_url, Path(plan.home) / "lake") as scratch:
        assert_no_half_batch(scratch)
        source = DirectorySource(Path(plan.events_dir))
        scratch.sync(source, batch_objects=plan.batch_objects)
        assert_no_half_batch(scratch)
        document = scratch.picture().document
        assert document["streams"] == expected
        assert document["held"] == 0
        assert scratch.sync(source, full=True) == []
