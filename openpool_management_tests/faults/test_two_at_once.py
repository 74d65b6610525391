"""Two syncs of one ledger at the same time: no error, no half batch, the same ledger."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openpool_management_tests.faults.crash_child import Plan
from openpool_management_tests.faults.syncing import START_TIMEOUT_SECONDS, assert_recovers, start


def sync_at_once(plan: Plan, processes: int, batch_objects: list[int], tmp_path: Path) -> None:
    """Start all at one moment, on a ledger whose schema is yet to be made."""
    go = tmp_path / "go"
    running = []
    for number in range(processes):
        ready = tmp_path / f"ready-{number}"
        size = batch_objects[number % len(batch_objects)]
        its_plan = replace(plan, batch_objects=size, ready=str(ready), wait_for=str(go))
        running.append(start(its_plan))
    while not all((tmp_path / f"ready-{number}").exists() for number in range(processes)):
        assert all(process.poll() is None for process in running)
    go.touch()
    for process in running:
        _, errors = process.communicate(timeout=START_TIMEOUT_SECONDS)
        assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize("batch_objects", [[1], [2, 5]], ids=["alike", "other-batches"])
def test_two_at_once(
    plan: Plan, batch_objects: list[int], tmp_path: Path, expected_ledger: dict[str, Any]
) -> None:
    sync_at_once(plan, 2, batch_objects, tmp_path)
    assert_recovers(plan, expected_ledger)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("turn", range(10))
def test_four_at_once(
    plan: Plan, turn: int, tmp_path: Path, expected_ledger: dict[str, Any]
) -> None:
    sync_at_once(plan, 4, [1, 2, 3, 5], tmp_path)
    assert_recovers(plan, expected_ledger)
