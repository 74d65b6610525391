"""Pools that begin alike, and what has to hold of each whatever happened to its processes."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine, select, text

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.adapters.sql.payouts.tables import sender_lease
from openpool_management.domain.payouts.payout import Mark, PayoutState
from openpool_management.domain.payouts.transactions import read_signed
from openpool_management_tests.faults.payout_crashes.kill_points import SEND, Point
from openpool_management_tests.faults.payout_crashes.ledger_copies import LedgerCopies
from openpool_management_tests.faults.payout_crashes.pay_child import (
    LEASE_HELD,
    Plan,
    TickingRig,
    fork_server,
    rig_of,
    start,
)
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.payout_rig import DAY, ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Action, Ask, Call
from openpool_management_tests.servers.rpc_proxy import RpcProxy

FEE_WEI = 4 * 10**17
EARNED_WEI = 3 * 10**17
"""What a worker keeps of FEE_WEI."""
LATER_SECONDS = 3600


@dataclass
class Drill:
    """Makes a pool anew for each case: an empty chain, a wallet, and workers who earned.

    Each transaction on its way to the node has to be in the ledger already.
    """

    anvil: AnvilServer
    proxy: RpcProxy
    copies: LedgerCopies
    directory: Path
    workers: list[str] = field(default_factory=list)
    plan: Plan = field(init=False)
    _watch: Engine = field(init=False)
    _too_early: list[str] = field(default_factory=list)
    _rigs: list[TickingRig] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context = fork_server()
        self.let_earn([worker_address(number) for number in range(3)])
        self.copies.copy("prepared", "ledger")
        # A connection that stays open would keep the ledger from being copied.
        self._watch = create_engine(self.copies.url("ledger"), poolclass=NullPool)
        self.proxy.use(self._is_written_ahead)

    def let_earn(self, workers: list[str]) -> None:
        """These are the workers of pools from now on; those who are new earn EARNED_WEI."""
        chain, lake = RpcChain(self.proxy.url), self.directory / "lake"
        with ScratchLedger(self.copies.url("prepared"), lake) as scratch:
            PayoutRig(scratch, self.anvil.account(), chain).earn(
                *[(worker, FEE_WEI) for worker in workers if worker not in self.workers]
            )
        self.workers = workers

    def begin(self) -> Plan:
        """A pool to which nothing has happened yet."""
        self.proxy.calls.clear()
        self.anvil.reset()
        self.copies.copy("prepared", "ledger")
        self.plan = Plan(
            home=str(self.directory),
            ledger_url=self.copies.url("ledger"),
            node_url=self.proxy.url,
            key=bytes(self.anvil.account(50 * ETH_WEI).key),
            mine_url=self.anvil.url,
        )
        return self.plan

    def points(self) -> list[Point]:
        """What a life that nobody ends passes."""
        trace_to = self.directory / "trace"
        assert self.live(replace(self.begin(), trace_to=str(trace_to))) == 0
        self.finish()
        return [Point(*one) for one in json.loads(trace_to.read_text())]

    def live(self, plan: Plan) -> int | None:
        """A process from its start to its end; how it ended."""
        process = start(self.context, plan)
        process.join(60)
        return process.exitcode

    def blocked_by_the_dead(self) -> None:
        """Who comes while the lease of a dead process runs finds it taken, and sends nothing."""
        sent, ends = self.sent(), self.lease_ends()
        came = int((ends - DAY).total_seconds()) - self.plan.lease_seconds
        assert self.live(replace(self.plan, later_seconds=came)) == LEASE_HELD
        assert self.sent() == sent

    def lease_ends(self) -> datetime:
        """When the last lease that was taken runs out."""
        lease = sender_lease.c
        with self._watch.connect() as connection:
            newest = select(lease.expires_at).order_by(lease.fence.desc()).limit(1)
            ends: datetime = connection.scalars(newest).one()
        return ends

    def sent(self) -> int:
        """How many broadcasts the node was asked for."""
        return self.proxy.count(SEND)

    def mined_since(self, block: str) -> list[str]:
        """Hashes of transactions in blocks after one that is given by its number."""
        numbers = range(int(block, 16) + 1, self.anvil.height() + 1)
        blocks = [self.anvil.rpc("eth_getBlockByNumber", hex(one), False) for one in numbers]
        return [tx_hash for one in blocks for tx_hash in one["transactions"]]

    def later(self) -> TickingRig:
        """The pool as a process finds it when all leases have run out."""
        rig = rig_of(self.grow_later())
        self._rigs.append(rig)
        return rig

    def grow_later(self) -> Plan:
        """Let so much time pass that all leases have run out."""
        self.plan = replace(self.plan, later_seconds=self.plan.later_seconds + LATER_SECONDS)
        return self.plan

    def finish(self) -> None:
        """Run again until all is final; each worker was paid once, and told of once."""
        rig = self.later()
        for _ in range(4):
            rig.pay("2026-12-01")
            self.anvil.finalize()
            rig.drive()
            if all(state is PayoutState.SETTLED for state in rig.states()):
                break
        sent = self.sent()
        assert rig.pay("2026-12-01").problems == []
        assert self.sent() == sent, "what is paid is not paid again"
        self.assert_paid_once(rig)
        rig.scratch.close()

    def assert_paid_once(self, rig: PayoutRig) -> None:
        """One settled payout a worker, and the ledger and the chain agree."""
        assert rig.states() == [PayoutState.SETTLED] * len(self.workers)
        assert sorted(one.intent.worker for one in rig.payouts()) == sorted(self.workers)
        paid = {worker: self.anvil.balance_wei(worker) for worker in self.workers}
        assert paid == dict.fromkeys(self.workers, EARNED_WEI)
        assert_oracle(rig, self.anvil)
        for payout in rig.payouts():
            assert [one.mark for one in payout.events].count(Mark.SETTLED) == 1
        told = Counter(message.subject for message in rig.book.undelivered())
        assert told["Payout settled"] == len(self.workers)
        assert self._too_early == [], "the node was sent what no ledger had"

    def close(self) -> None:
        """Let go of the ledgers."""
        for rig in self._rigs:
            rig.scratch.close()
        self.copies.close()

    def _is_written_ahead(self, call: Call, ask: Ask) -> Action | None:
        if call.method == SEND:
            tx_hash = read_signed(bytes.fromhex(call.params[0][2:])).hash
            query = text("SELECT count(*) FROM tx_attempt WHERE hash = :hash")
            with self._watch.connect() as connection:
                if not connection.scalar(query, {"hash": tx_hash}):
                    self._too_early.append(tx_hash)
        return None
