"""A payout run in a process of its own, ended as by kill -9 just before its n-th step outwards.

Steps are counted from the outside: commits of the ledger, and broadcasts, before and after the node
has them. A fork server holds all imports, so that a child starts at once.
"""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

PRELOADED = [
    "openpool_management_tests.payout_rig",
    "openpool_management.adapters.chain.rpc_chain",
]


@dataclass(frozen=True)
class Plan:
    """What to pay with, and where to die; die_at counts from 1, None lives and writes its count."""

    home: str
    ledger_url: str
    node_url: str
    key: bytes
    die_at: int | None = None
    counted_to: str = ""
    lease_seconds: int = 0
    stop_at: int | None = None


def fork_server() -> ForkServerContext:
    """A context whose processes begin with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def start(context: ForkServerContext, plan: Plan) -> ForkServerProcess:
    """Begin a run in a process of its own."""
    process = context.Process(target=carry_out, args=(plan,))
    process.start()
    return process


def carry_out(plan: Plan) -> None:
    """Pay, and settle what is final."""
    from dataclasses import replace

    from eth_account import Account
    from sqlalchemy import Engine, event

    from openpool_management.adapters.chain.rpc_chain import RpcChain
    from openpool_management_tests.payout_rig import PayoutRig

    key = Account.from_key(plan.key)
    rig = PayoutRig.at(Path(plan.home), key, RpcChain(plan.node_url), url=plan.ledger_url)
    rig.limits = replace(rig.limits, lease_seconds=plan.lease_seconds)
    steps: list[str] = []

    def reach(what: str) -> None:
        steps.append(what)
        if len(steps) == plan.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if len(steps) == plan.stop_at:
            os.kill(os.getpid(), signal.SIGSTOP)

    event.listen(Engine, "commit", lambda connection: reach("commit"))
    send = RpcChain.send

    def counted_send(self: RpcChain, raw: bytes) -> Any:
        reach("before sending")
        reply = send(self, raw)
        reach("after sending")
        return reply

    setattr(RpcChain, "send", counted_send)  # noqa: B010
    rig.pay()
    if plan.counted_to:
        Path(plan.counted_to).write_text("\n".join(steps))
