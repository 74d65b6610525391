"""kill -9 at random times, with reorganizations, sleepers and others at work in between."""

import signal
import time
from random import Random

import pytest

from openpool_management_tests.faults.payout_crashes.drill import Drill
from openpool_management_tests.faults.payout_crashes.pay_child import (
    kill,
    start,
    tell,
)
from openpool_management_tests.payout_rig import worker_address


def hard_day(drill: Drill, seed: int, lives: int, longest_seconds: float) -> None:
    """Lives that end at random times; then one that is left alone."""
    random = Random(seed)
    plan = drill.begin()
    for _ in range(lives):
        # Nobody may be asleep with the ledger locked when the next one comes.
        processes = [start(drill.context, plan) for _ in range(random.choice([1, 1, 2, 3]))]
        time.sleep(random.random() * longest_seconds)
        sleeper = random.choice(processes)
        if random.random() < 0.2:
            tell(sleeper, signal.SIGSTOP)
            time.sleep(random.random() * 0.2)
            tell(sleeper, signal.SIGCONT)
            time.sleep(random.random() * 0.2)
        for process in processes:
            kill(process)
        if random.random() < 0.4:
            depth = random.randrange(1, 4)
            if drill.anvil.height() > drill.anvil.height("finalized") + depth:
                drill.anvil.rpc("anvil_reorg", depth, [])
        plan = drill.grow_later()
    drill.finish()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hard_days(drill: Drill, seed: int) -> None:
    hard_day(drill, seed, lives=4, longest_seconds=0.6)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 130))
def test_hard_days_with_many_workers(drill: Drill, seed: int) -> None:
    drill.let_earn([worker_address(number) for number in range(20)])
    hard_day(drill, seed, lives=12, longest_seconds=1.5)
