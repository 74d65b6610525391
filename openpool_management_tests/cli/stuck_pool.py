"""A pool that can be brought into trouble, on a real chain with a real ledger."""

import sqlite3
from collections import Counter as Sums
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.cli.payout_counter import Counter
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_proxy import RpcProxy


@dataclass
class Stuck:
    """A pool in trouble. names stand for what the runbook can't know, such as ID.

    cure is what happens outside of openpool before the command of a number: a top-up, a better
    node. gifts_wei came to workers beside their pay; unpaid are those who are not to get theirs.
    """

    counter: Counter
    anvil: AnvilServer
    proxy: RpcProxy
    names: dict[str, str] = field(default_factory=dict)
    cure: dict[int, Callable[[], Any]] = field(default_factory=dict)
    gifts_wei: Sums[str] = field(default_factory=Sums)
    unpaid: set[str] = field(default_factory=set)

    def settled(self) -> None:
        """All workers were paid, finally."""
        self.counter("run")
        self.anvil.finalize()
        self.counter("settle")

    def sent_and_lost(self) -> None:
        """The first payout was sent, and the node lost it."""
        self.anvil.rpc("evm_setAutomine", False)
        self.counter.rig.pay()
        self.anvil.rpc("anvil_dropAllTransactions")
        self.anvil.rpc("evm_setAutomine", True)
        self.name_first(PayoutState.SENT)

    def by_hand(self, to: str, wei: int) -> None:
        """Somebody uses the wallet's key."""
        key = self.counter.rig.key
        self.anvil.send(self.anvil.transfer(key, to, wei, max_fee_wei=10**10))

    def base_fee(self, wei: int) -> None:
        """A block at that price, the last one so far."""
        self.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))
        self.anvil.mine()

    def name_first(self, state: PayoutState) -> None:
        """ID is the first payout, which must be in this state."""
        first = self.counter.rig.payouts()[0]
        assert first.state is state
        self.names["ID"] = first.id

    def backup(self) -> Callable[[], None]:
        """Copy the ledger; what is returned puts the copy in its place."""
        engine = self.counter.rig.scratch.engine
        ledger = Path(str(engine.url.database))
        copy = ledger.with_name("backup.sqlite")
        with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

        def restore() -> None:
            engine.dispose()
            for file in ledger.parent.glob("ledger.sqlite*"):
                file.unlink()
            copy.rename(ledger)

        return restore
