"""A plan of a sync of the real objects into an empty ledger."""

from pathlib import Path

import pytest

from openpool_management_tests.faults.crash_child import Plan


@pytest.fixture
def plan(ledger_url: str, tmp_path: Path, real_events_dir: Path) -> Plan:
    """On each kind of database, with the lake in a directory."""
    home = tmp_path / "home"
    home.mkdir()
    return Plan(home=str(home), ledger_url=ledger_url, events_dir=str(real_events_dir))
