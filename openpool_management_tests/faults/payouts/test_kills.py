"""kill -9 before every commit and around every broadcast of a payout run, and two runs at once."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from eth_account.signers.local import LocalAccount

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.faults.payouts.pay_child import Plan, fork_server, start
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.postgres import PostgresServer

WORKERS = [worker_address(number) for number in range(2)]


class Drill:
    """A chain and ledgers that begin anew for each kill."""

    def __init__(self, anvil: AnvilServer, directory: Path, new_url: Callable[[Path], str]) -> None:
        self.anvil = anvil
        self.directory = directory
        self.new_url = new_url
        self.context = fork_server()
        self.count = 0

    def begin(self) -> tuple[PayoutRig, Plan]:
        """A chain with a funded key, and a ledger in which two workers earned."""
        self.count += 1
        home = self.directory / str(self.count)
        home.mkdir()
        self.anvil.reset()
        key: LocalAccount = self.anvil.account(50 * ETH_WEI)
        url = self.new_url(home)
        rig = PayoutRig(ScratchLedger(url, home / "lake"), key, RpcChain(self.anvil.url))
        rig.limits = replace(rig.limits, lease_seconds=0)
        rig.earn(*[(worker, 4 * 10**17) for worker in WORKERS])
        return rig, Plan(str(home), url, self.anvil.url, bytes(key.key))

    def steps(self) -> list[str]:
        """The steps of a run that is left alone."""
        rig, plan = self.begin()
        counted_to = Path(plan.home) / "steps"
        child = start(self.context, replace(plan, counted_to=str(counted_to)))
        child.join(60)
        assert child.exitcode == 0
        self.finish(rig)
        return counted_to.read_text().splitlines()

    def kill_at(self, step: int) -> None:
        """A run that dies at a step; what it left is finished by another."""
        rig, plan = self.begin()
        child = start(self.context, replace(plan, die_at=step))
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
        self.finish(rig)

    def finish(self, rig: PayoutRig) -> None:
        """Run again until all is final; each worker was paid once."""
        rig.pay()
        for _ in range(2):
            self.anvil.finalize()
            rig.drive()
        assert rig.states() == [PayoutState.SETTLED] * 2
        assert [self.anvil.balance_wei(worker) for worker in WORKERS] == [3 * 10**17] * 2
        assert_oracle(rig, self.anvil)
        rig.scratch.close()


@pytest.fixture
def sqlite_drill(anvil: AnvilServer, tmp_path: Path) -> Drill:
    """Kills with SQLite; ledgers are copies, since migrations take their time."""
    ScratchLedger.in_directory(tmp_path).close()

    def new_url(home: Path) -> str:
        shutil.copyfile(tmp_path / "ledger.sqlite", home / "ledger.sqlite")
        return f"sqlite:///{home / 'ledger.sqlite'}"

    return Drill(anvil, tmp_path, new_url)


@pytest.fixture
def postgres_drill(
    anvil: AnvilServer, tmp_path: Path, postgres_server: PostgresServer
) -> Iterator[Drill]:
    """Kills with PostgreSQL."""
    made: list[str] = []

    def new_url(home: Path) -> str:
        made.append(postgres_server.create_database())
        return postgres_server.database_url(made[-1])

    yield Drill(anvil, tmp_path, new_url)
    for database in made:
        postgres_server.drop_database(database)


def test_killed_at_every_step_on_sqlite(sqlite_drill: Drill) -> None:
    steps = sqlite_drill.steps()
    assert steps.count("before sending") == steps.count("after sending") == 2
    # A wallet opened, payouts set aside, and for each a nonce, bytes and a sighting.
    assert steps.count("commit") >= 2 + 2 * 3
    for step in range(1, len(steps) + 1):
        sqlite_drill.kill_at(step)


def test_killed_around_sending_on_postgresql(postgres_drill: Drill) -> None:
    steps = postgres_drill.steps()
    sending = steps.index("before sending") + 1
    for step in (sending - 1, sending, sending + 1, sending + 2):
        postgres_drill.kill_at(step)


@pytest.mark.soak
def test_killed_at_every_step_on_postgresql(postgres_drill: Drill) -> None:
    for step in range(1, len(postgres_drill.steps()) + 1):
        postgres_drill.kill_at(step)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_killed_at_random_again_and_again(sqlite_drill: Drill) -> None:
    random = Random(7)
    for _ in range(40):
        rig, plan = sqlite_drill.begin()
        for _ in range(random.randrange(1, 6)):
            child = start(sqlite_drill.context, plan)
            time.sleep(random.random() * 0.4)
            if child.is_alive() and child.pid:
                os.kill(child.pid, signal.SIGKILL)
            child.join(60)
            if random.random() < 0.3 and sqlite_drill.anvil.height() > 0:
                sqlite_drill.anvil.rpc("anvil_reorg", 1, [])
        sqlite_drill.finish(rig)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_runs_at_once_pay_once(kind: str, request: pytest.FixtureRequest) -> None:
    drill: Drill = request.getfixturevalue(f"{kind}_drill")
    for lease_seconds in (0, 90):
        rig, plan = drill.begin()
        plan = replace(plan, lease_seconds=lease_seconds)
        children = [start(drill.context, plan) for _ in range(3)]
        for child in children:
            child.join(60)
        # Those that found the lease taken end with LeaseHeld, the others with what they did.
        assert any(child.exitcode == 0 for child in children) or lease_seconds == 0
        drill.finish(rig)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_run_that_slept_past_its_lease_is_stopped_by_the_fence(
    kind: str, request: pytest.FixtureRequest
) -> None:
    drill: Drill = request.getfixturevalue(f"{kind}_drill")
    # Asleep just before it sends: its bytes are durable, its transaction is over.
    stop_at = drill.steps().index("before sending") + 1
    rig, plan = drill.begin()
    child = start(drill.context, replace(plan, stop_at=stop_at))
    assert child.pid
    _wait_stopped(child.pid)
    rig.pay()
    os.kill(child.pid, signal.SIGCONT)
    child.join(60)
    drill.finish(rig)


def _wait_stopped(pid: int) -> None:
    """Wait until a process that is nobody's child here has stopped."""
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.01)
