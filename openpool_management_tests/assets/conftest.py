"""A Dagster instance, the definitions, and a pool of their own for each test."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from openpool_management.settings import Settings
from openpool_management_tests.assets.payout_bench import NET_WEI, WORKERS, PayoutBench
from openpool_management_tests.assets.workbench import Workbench
from openpool_management_tests.servers.anvil import AnvilServer


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A workbench on an empty event log in ``events``."""
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
    events = tmp_path / "events"
    events.mkdir(exist_ok=True)
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "dagster")) as instance:
        yield Workbench(instance, Settings(home=tmp_path / "home", events_dir=events))


@pytest.fixture
def real_bench(bench: Workbench, real_events_dir: Path) -> Workbench:
    """A workbench on the real objects."""
    return bench.with_options(events_dir=real_events_dir)


@pytest.fixture
def stored_bench(bench: Workbench, tmp_path: Path) -> Iterator[Workbench]:
    """A workbench whose instance is on disk: one in memory has no ticks and no reference."""
    folder = tmp_path / "stored"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        yield Workbench(instance, bench.settings)


@pytest.fixture
def pays(bench: Workbench, anvil: AnvilServer, tmp_path: Path) -> Iterator[PayoutBench]:
    """A pool that owes each of WORKERS as much."""
    for made in PayoutBench.at(tmp_path, bench.instance, anvil):
        made.rig.earn(*[(worker, NET_WEI * 4 // 3) for worker in WORKERS])
        yield made
