"""A pool that lives for a day in a process of its own: it pays, and settles what gets final.

A fork server holds all imports, so that a process starts at once.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import requests
from eth_account import Account

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.ports.payouts import LeaseHeld
from openpool_management_tests.faults.payout_crashes.kill_points import KillPoints, Point
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.payout_rig import DAY, PayoutRig
from openpool_management_tests.servers.anvil import FINALITY_BLOCKS

LEASE_HELD = 3
"""How a process ends that found another at work."""
LEASE_SECONDS = 12
"""Every look at the clock takes a second, so a run renews its lease."""


@dataclass(frozen=True)
class Plan:
    """What to pay with, and where to die, or with stop to fall asleep.

    mine_url is a node that is made to finalize blocks between paying and settling; empty: the
    process only pays. later_seconds is what its clock says more than that of the first process.
    trace_to is a file for the points that were passed. ready is a file made when all is loaded,
    wait_for one that is waited for then.
    """

    home: str
    ledger_url: str
    node_url: str
    key: bytes
    mine_url: str = ""
    at: Point | None = None
    stop: bool = False
    later_seconds: int = 0
    lease_seconds: int = LEASE_SECONDS
    trace_to: str = ""
    ready: str = ""
    wait_for: str = ""


@dataclass
class TickingRig(PayoutRig):
    """A rig whose clock moves on whenever somebody looks at it."""

    ticks: Iterator[int] = field(default_factory=count)

    def paymaster(
        self, *, signing: bool = True, sleep: Callable[[float], None] | None = None
    ) -> Paymaster:
        """See PayoutRig."""
        return replace(super().paymaster(signing=signing, sleep=sleep), clock=self.tick)

    def tick(self) -> datetime:
        """The time; a second later it is a second later."""
        return self.now + timedelta(seconds=next(self.ticks))


def rig_of(plan: Plan) -> TickingRig:
    """The pool of a plan, as a process that starts anew."""
    scratch = ScratchLedger(plan.ledger_url, Path(plan.home) / "lake")
    rig = TickingRig(scratch, Account.from_key(plan.key), RpcChain(plan.node_url))
    # anvil mines after it has replied; a busy machine must not make a run send anything again.
    rig.limits = replace(rig.limits, lease_seconds=plan.lease_seconds, receipt_seconds=10)
    rig.now = DAY + timedelta(seconds=plan.later_seconds)
    return rig


def fork_server() -> ForkServerContext:
    """A context whose processes begin with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def start(context: ForkServerContext, plan: Plan) -> ForkServerProcess:
    """Begin a life in a process of its own."""
    process = context.Process(target=carry_out, args=(plan,))
    process.start()
    return process


def carry_out(plan: Plan) -> None:
    """Pay; where blocks get final, settle. Ends with LEASE_HELD when another process is at it."""
    points = KillPoints(plan.at, signal.SIGSTOP if plan.stop else signal.SIGKILL)
    points.install()
    rig = rig_of(plan)
    if plan.ready:
        Path(plan.ready).touch()
    while plan.wait_for and not Path(plan.wait_for).exists():
        time.sleep(0.001)
    points.armed = True
    try:
        rig.pay("2026-12-01")
        if plan.mine_url:
            points.armed = False
            finalize(plan.mine_url)
            points.armed = True
            rig.drive()
    except LeaseHeld:
        sys.exit(LEASE_HELD)
    points.armed = False
    if plan.trace_to:
        trace = [(one.what, one.time) for one in points.seen]
        Path(plan.trace_to).write_text(json.dumps(trace))


def finalize(url: str) -> None:
    """Make a node call all of its blocks final."""
    call: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "anvil_mine"}
    requests.post(url, json=call | {"params": [hex(FINALITY_BLOCKS)]}, timeout=10)


def wait_stopped(pid: int, process: ForkServerProcess) -> bool:
    """Wait until a process sleeps; False when it has ended instead."""
    while process.exitcode is None:
        # It may end in between.
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                return True
        time.sleep(0.005)
    return False


def kill(process: ForkServerProcess) -> None:
    """End a process as kill -9 does, unless it has ended."""
    tell(process, signal.SIGKILL)
    process.join(60)


def tell(process: ForkServerProcess, what: int) -> None:
    """Send a signal to a process, unless it has ended."""
    if process.exitcode is None and process.pid:
        # It may end in between.
        with suppress(ProcessLookupError):
            os.kill(process.pid, what)
