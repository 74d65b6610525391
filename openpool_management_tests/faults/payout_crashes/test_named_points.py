"""kill -9 at each crash point of the protocol by its name, on each kind of database."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_account import Account

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.faults.payout_crashes.drill import Drill
from openpool_management_tests.faults.payout_crashes.kill_points import SEND, Point
from openpool_management_tests.faults.payout_crashes.pay_child import TickingRig, rig_of

RESERVES = "commit account entry payout_intent posting"
SETTLES = "commit entry outbox payout_event posting settled"
SEES = "commit payout_event seen"
RESERVED, SLOTTED, SIGNED = PayoutState.RESERVED, PayoutState.SLOTTED, PayoutState.SIGNED
SEEN, SETTLED = PayoutState.SEEN, PayoutState.SETTLED


@dataclass(frozen=True)
class Crash:
    """A death in the middle of three payouts: what is on disk then, and how many were sent.

    reorganized: the blocks of what was sent are taken back before the next process starts.
    """

    at: Point
    on_disk: tuple[PayoutState, ...]
    broadcast: int
    reorganized: bool = False


CRASHES = {
    "before-setting-aside": Crash(Point(RESERVES), (), 0),
    "set-aside": Crash(Point("commit tx_slot"), (RESERVED,) * 3, 0),
    "nonce": Crash(Point("write tx_attempt", 2), (SEEN, SLOTTED, RESERVED), 1),
    "signed-in-memory": Crash(Point("commit tx_attempt", 2), (SEEN, SLOTTED, RESERVED), 1),
    "signed": Crash(Point(f"ask {SEND}", 2), (SEEN, SIGNED, RESERVED), 1),
    "reply-lost": Crash(Point(f"told {SEND}", 2), (SEEN, SIGNED, RESERVED), 2),
    "accepted-not-recorded": Crash(Point(SEES, 2), (SEEN, SIGNED, RESERVED), 2),
    "seen-then-reorganized": Crash(Point("commit tx_slot", 3), (SEEN, SEEN, RESERVED), 2, True),
    "sent-then-reorganized": Crash(Point(f"told {SEND}", 2), (SEEN, SIGNED, RESERVED), 2, True),
    "final-not-settled": Crash(Point("write payout_event", 5), (SETTLED, SEEN, SEEN), 3),
    "inside-settling": Crash(Point("write posting", 8), (SETTLED, SEEN, SEEN), 3),
    "before-settling-commits": Crash(Point(SETTLES), (SETTLED, SEEN, SEEN), 3),
    "settled-not-told": Crash(Point("write payout_event", 6), (SETTLED, SETTLED, SEEN), 3),
}


@pytest.mark.parametrize("name", CRASHES)
def test_killed(drill: Drill, name: str) -> None:
    crash = CRASHES[name]
    assert drill.live(replace(drill.begin(), at=crash.at)) == -signal.SIGKILL
    states = look(drill, lambda rig: rig.states())
    # Where the receipt was late, the reply was noted before it.
    states = [SIGNED if state is PayoutState.SENT else state for state in states]
    assert tuple(states) == crash.on_disk
    assert drill.sent() == crash.broadcast
    told = look(drill, lambda rig: [one.subject for one in rig.book.undelivered()])
    assert told == ["Payout settled"] * crash.on_disk.count(SETTLED)
    drill.blocked_by_the_dead()
    if crash.reorganized:
        sender = Account.from_key(drill.plan.key).address
        # anvil mines after it has replied.
        while drill.anvil.nonce(sender) < crash.broadcast:
            time.sleep(0.01)
        drill.anvil.rpc("anvil_reorg", 2, [])
        assert drill.anvil.nonce(sender) == 0
    drill.finish()


@pytest.mark.parametrize("what", ["commit tx_slot", "commit tx_attempt", f"told {SEND}", SETTLES])
def test_killed_at_the_same_point_again_and_again(drill: Drill, what: str) -> None:
    plan = drill.begin()
    for _ in range(3):
        assert drill.live(replace(plan, at=Point(what))) == -signal.SIGKILL
        plan = drill.grow_later()
    drill.finish()


def look(drill: Drill, question: Callable[[TickingRig], list[Any]]) -> list[Any]:
    """What a reader finds in the ledger."""
    rig = rig_of(drill.plan)
    found = question(rig)
    rig.scratch.close()
    return found
