"""Two and more processes that pay from one wallet at once, and one that slept too long."""

import os
import signal
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import pytest

from openpool_management_tests.faults.payout_crashes.drill import Drill
from openpool_management_tests.faults.payout_crashes.kill_points import OUTLOOK, SEND, Point
from openpool_management_tests.faults.payout_crashes.pay_child import (
    LEASE_HELD,
    LEASE_SECONDS,
    Plan,
    kill,
    start,
    wait_stopped,
)

LONG_SECONDS = 3600


def live_at_once(drill: Drill, plans: Sequence[Plan]) -> list[int | None]:
    """How processes ended that began at one moment."""
    name = drill.directory / token_hex(4)
    ready = [name.with_suffix(f".ready-{number}") for number in range(len(plans))]
    processes = [
        start(drill.context, replace(plan, ready=str(path), wait_for=f"{name}.go"))
        for plan, path in zip(plans, ready, strict=True)
    ]
    while not all(path.exists() for path in ready):
        assert all(process.exitcode is None for process in processes)
    Path(f"{name}.go").touch()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def sleep_at_each(drill: Drill, points: Iterable[Point]) -> int:
    """A process falls asleep, another pays and settles, then the first wakes up; how many slept."""
    slept = 0
    for point in points:
        process = start(drill.context, replace(drill.begin(), at=point, stop=True))
        try:
            assert process.pid
            # Points of which there is once more or less may not come.
            if wait_stopped(process.pid, process):
                slept += 1
                drill.finish()
                chain = drill.anvil.rpc("eth_blockNumber")
                sent = drill.sent()
                os.kill(process.pid, signal.SIGCONT)
                process.join(60)
                assert process.exitcode in (0, LEASE_HELD), point
                # Bytes on their way to the node can't be stopped, but they were sent before.
                assert drill.sent() - sent <= (point.what == f"ask {SEND}"), point
                assert drill.mined_since(chain) == []
        finally:
            kill(process)
        drill.finish()
    return slept


def test_two_at_once_pay_once(drill: Drill) -> None:
    plan = replace(drill.begin(), lease_seconds=LONG_SECONDS, mine_url="")
    ended = live_at_once(drill, [plan, plan])
    assert set(ended) <= {0, LEASE_HELD} and 0 in ended
    drill.finish()


@pytest.mark.parametrize("processes", [3])
def test_leases_that_hold_nobody_up(drill: Drill, processes: int) -> None:
    """With leases that have run out as they are taken, each takes over from the others."""
    plan = replace(drill.begin(), lease_seconds=0, mine_url="")
    ended = live_at_once(drill, [plan] * processes)
    assert set(ended) <= {0, LEASE_HELD}
    drill.finish()


def test_two_at_once_take_over_from_the_dead(drill: Drill) -> None:
    plan = drill.begin()
    assert drill.live(replace(plan, at=Point(f"told {SEND}", 2))) == -signal.SIGKILL
    drill.blocked_by_the_dead()
    later = replace(drill.grow_later(), lease_seconds=LONG_SECONDS, mine_url="")
    ended = live_at_once(drill, [later, later])
    assert set(ended) <= {0, LEASE_HELD} and 0 in ended
    drill.finish()


@pytest.mark.parametrize(
    "point",
    [
        Point("ask eth_getTransactionCount", 1),
        Point(f"ask {OUTLOOK}", 1),
        Point(f"ask {OUTLOOK}", 3),
        Point(f"told {OUTLOOK}", 3),
        Point(f"ask {SEND}", 2),
        Point(f"told {SEND}", 2),
        Point("ask eth_getTransactionByHash", 2),
    ],
    ids=lambda point: f"{point.what}-{point.time}".replace(" ", "-"),
)
def test_slept_past_its_lease(sqlite_drill: Drill, point: Point) -> None:
    assert sleep_at_each(sqlite_drill, [point]) == 1


@pytest.mark.parametrize("before", [f"ask {OUTLOOK}", f"ask {SEND}", f"told {SEND}"])
def test_slept_past_its_lease_on_postgresql(postgres_drill: Drill, before: str) -> None:
    assert sleep_at_each(postgres_drill, [Point(before, 2)]) == 1


def test_who_takes_over_while_the_lease_runs_is_sent_away(drill: Drill) -> None:
    process = start(drill.context, replace(drill.begin(), at=Point(f"ask {SEND}"), stop=True))
    try:
        assert process.pid
        assert wait_stopped(process.pid, process)
        drill.blocked_by_the_dead()
        os.kill(process.pid, signal.SIGCONT)
        process.join(60)
        assert process.exitcode == 0
    finally:
        kill(process)
    drill.finish()


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_slept_anywhere(drill: Drill) -> None:
    points = drill.points()
    # A transaction that sleeps holds up everybody else who writes, as it has to.
    outside = [one for one in points if one.what.startswith(("ask", "told"))]
    assert sleep_at_each(drill, outside) > len(outside) * 0.9


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("lease_seconds", [0, LEASE_SECONDS, LONG_SECONDS])
def test_many_at_once(drill: Drill, lease_seconds: int) -> None:
    for _ in range(20):
        plan = replace(drill.begin(), lease_seconds=lease_seconds, mine_url="")
        ended = live_at_once(drill, [plan] * 4)
        assert set(ended) <= {0, LEASE_HELD}
        drill.finish()


def test_who_slept_while_another_paid_more_for_gas_raises_no_alarm(drill: Drill) -> None:
    process = start(drill.context, replace(drill.begin(), at=Point(f"ask {SEND}", 2), stop=True))
    try:
        assert process.pid
        assert wait_stopped(process.pid, process)
        drill.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        drill.anvil.mine()
        drill.finish()
        os.kill(process.pid, signal.SIGCONT)
        process.join(60)
    finally:
        kill(process)
    rig = drill.later()
    assert max(len(one.slots[0].attempts) for one in rig.payouts()) > 1
    assert rig.paymaster().paused() is None
    drill.finish()
