"""A sync killed at any moment leaves nothing half done, and the next ends at the same ledger."""

import json
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from openpool_management_tests.faults.crash_child import Plan
from openpool_management_tests.faults.syncing import assert_recovers, run, run_and_kill_after
from openpool_management_tests.servers.postgres import PostgresServer

NewPlan = Callable[[str], Plan]


@pytest.fixture(params=["sqlite", "postgres"])
def new_plan(request: pytest.FixtureRequest, tmp_path: Path, real_events_dir: Path) -> NewPlan:
    """Makes plans with an empty ledger each, on each kind of database."""

    def make(name: str) -> Plan:
        home = tmp_path / name
        home.mkdir()
        url = f"sqlite:///{home / 'ledger.sqlite'}"
        if request.param == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = server.database_url(server.create_database())
        return Plan(home=str(home), ledger_url=url, events_dir=str(real_events_dir))

    return make


def write_points(new_plan: NewPlan) -> list[str]:
    """What a whole sync writes, in order, from an empty home on."""
    plan = new_plan("counted")
    counted_to = Path(plan.home).with_suffix(".json")
    assert run(replace(plan, counted_to=str(counted_to))) == 0
    points: list[str] = json.loads(counted_to.read_text())
    return points


def die_at_each(new_plan: NewPlan, places: Sequence[int], expected: dict[str, Any]) -> None:
    for place in places:
        plan = new_plan(f"dies-at-{place}")
        assert run(replace(plan, die_at=place)) == -signal.SIGKILL
        assert_recovers(plan, expected)


def test_killed_at_each_write_of_a_batch(
    new_plan: NewPlan, expected_ledger: dict[str, Any]
) -> None:
    points = write_points(new_plan)
    commits = [place for place, what in enumerate(points, 1) if what == "COMMIT"]
    # One commit makes the schema, one each batch: this is the second batch, a stream's own.
    batch = list(range(commits[1] + 1, commits[2] + 1))
    what = " ".join(points[place - 1] for place in batch)
    for part in (
        "open",
        "os.rename",
        "fsync",
        "INSERT INTO batch",
        "INSERT INTO posting",
        "COMMIT",
    ):
        assert part in what
    # The schema's writes are alike; after the batch's commit comes the first write of the next.
    die_at_each(new_plan, [commits[0] // 2, commits[0], *batch, commits[2] + 1], expected_ledger)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_at_every_write(new_plan: NewPlan, expected_ledger: dict[str, Any]) -> None:
    points = write_points(new_plan)
    die_at_each(new_plan, range(1, len(points) + 1), expected_ledger)


def kill_until_done(plan: Plan, seed: int, tmp_path: Path) -> int:
    """Kill one sync after the other on one ledger, each after a longer time; returns how many."""
    random = Random(seed)
    plan = replace(plan, batch_objects=1)
    kills = 0
    while run_and_kill_after(plan, random.uniform(0.0, 0.4) * (1 + kills), tmp_path / "ready"):
        kills += 1
    return kills


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random(
    plan: Plan, seed: int, tmp_path: Path, expected_ledger: dict[str, Any]
) -> None:
    kill_until_done(plan, seed, tmp_path)
    assert_recovers(plan, expected_ledger)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 17))
def test_killed_at_random_many_times(
    plan: Plan, seed: int, tmp_path: Path, expected_ledger: dict[str, Any]
) -> None:
    kill_until_done(plan, seed, tmp_path)
    assert_recovers(plan, expected_ledger)
