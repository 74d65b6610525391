"""States in which payouts are stuck."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from openpool_management.demo.anvil_process import BASE_FEE_WEI
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.domain.payouts.transactions import Transfer
from openpool_management.services.payouts.run import pay
from openpool_management.services.ports.chain import SignerError
from openpool_management_tests.cli.payout_counter import NET_WEI, WORKERS
from openpool_management_tests.cli.stuck_pool import Stuck
from openpool_management_tests.payout_rig import worker_address
from openpool_management_tests.servers.rpc_actions import Error
from openpool_management_tests.servers.rpc_rules import SEND, FrozenFinality, StaleNode

STRANGER = worker_address(50)
DEAR_WEI = 5 * 10**9


def nothing(stuck: Stuck) -> None:
    """All is well."""


def gas_is_dear(stuck: Stuck) -> None:
    """Payouts are set aside while gas costs too much."""
    stuck.base_fee(DEAR_WEI)
    assert "MAX_GAS_PRICE_WEI" in stuck.counter("run", code=1).stderr
    stuck.name_first(PayoutState.RESERVED)
    stuck.cure[2] = lambda: stuck.base_fee(BASE_FEE_WEI)


def much_is_not_final(stuck: Stuck) -> None:
    """One payout may be under way at a time."""
    stuck.counter.options |= {
        "OPENPOOL_PAYOUT_MAX_WEI": NET_WEI,
        "OPENPOOL_PAYOUT_UNFINAL_MAX_WEI": NET_WEI,
    }
    assert "UNFINAL_MAX_WEI" in stuck.counter("run", code=1).stderr
    stuck.cure[0] = stuck.anvil.finalize


def lost(stuck: Stuck) -> None:
    """The node lost what was sent."""
    stuck.sent_and_lost()


def lost_and_dear(stuck: Stuck) -> None:
    """It can't be sent again, as gas costs too much."""
    stuck.sent_and_lost()
    stuck.base_fee(DEAR_WEI)
    assert "MAX_GAS_PRICE_WEI" in stuck.counter("settle", code=1).stderr
    stuck.cure[1] = lambda: stuck.base_fee(BASE_FEE_WEI)


def not_final(stuck: Stuck) -> None:
    """Finality lags."""
    stuck.proxy.use(FrozenFinality(stuck.anvil.height()))
    stuck.counter("run")
    stuck.anvil.finalize()
    stuck.counter("settle")
    stuck.name_first(PayoutState.SEEN)
    stuck.cure[1] = stuck.proxy.clear


def wallet_is_low(stuck: Stuck) -> None:
    """The wallet covers one of three."""
    wallet = stuck.counter.rig.sender
    stuck.anvil.fund(wallet, NET_WEI * 4 // 3)
    assert "top it up" in stuck.counter("run", code=1).stderr
    held_wei = stuck.anvil.balance_wei(wallet)
    stuck.cure[1] = lambda: stuck.anvil.fund(wallet, held_wei + 10 * NET_WEI)


def recipient_refuses(stuck: Stuck) -> None:
    """A worker's address is a contract that reverts."""
    stuck.anvil.refuse_payments(WORKERS[0])
    stuck.counter("run")
    [refused] = [one for one in stuck.counter.rig.payouts() if one.state is PayoutState.VOIDED]
    stuck.names["ID"] = refused.id
    stuck.cure[1] = lambda: stuck.anvil.rpc("anvil_setCode", WORKERS[0], "0x")


def not_to_be_paid(stuck: Stuck) -> None:
    """A payout to somebody with a stolen key is on its way."""
    stuck.sent_and_lost()
    worker = stuck.counter.rig.payouts()[0].intent.worker
    stuck.names["ADDRESS"] = worker
    stuck.unpaid.add(worker)


def waits_for_approval(stuck: Stuck) -> None:
    """The run pays more than it may by itself."""
    stuck.counter.options["OPENPOOL_PAYOUT_APPROVAL_WEI"] = NET_WEI
    assert "needs approval" in stuck.counter("run", code=1).stderr
    [plan] = stuck.counter.rig.planner.planning.saved_plans()
    stuck.names["6c1eb4d4"] = plan.hash[:8]


def key_used(stuck: Stuck) -> None:
    """A bill was paid with the wallet's key."""
    stuck.settled()
    stuck.by_hand(STRANGER, 5)
    stuck.anvil.finalize()
    assert "not in this ledger" in stuck.counter("run", code=1).stderr


def nonce_used(stuck: Stuck) -> None:
    """A bill was paid with the nonce of a payout."""
    stuck.sent_and_lost()
    stuck.by_hand(STRANGER, 5)
    stuck.counter("settle", code=1)
    stuck.name_first(PayoutState.FOREIGN)
    stuck.cure[0] = stuck.anvil.finalize


def paid_by_hand(stuck: Stuck) -> None:
    """A worker's pay was sent with the wallet's key."""
    stuck.settled()
    stuck.counter.earn(WORKERS[0])
    stuck.by_hand(WORKERS[0], NET_WEI)
    stuck.anvil.finalize()
    stuck.counter("run", code=1)


def prize_by_hand(stuck: Stuck) -> None:
    """A worker got a prize from the wallet."""
    stuck.settled()
    stuck.by_hand(WORKERS[0], 7)
    stuck.gifts_wei[WORKERS[0]] = 7
    stuck.anvil.finalize()
    stuck.counter("run", code=1)


def held(stuck: Stuck) -> None:
    """A payout may have been made by hand."""
    stuck.sent_and_lost()
    stuck.by_hand(stuck.counter.rig.payouts()[0].intent.worker, NET_WEI)
    stuck.anvil.finalize()
    stuck.counter("settle", code=1)
    stuck.name_first(PayoutState.HELD)


def money_is_gone(stuck: Stuck) -> None:
    """The wallet holds less than it should."""
    stuck.settled()
    wallet = stuck.counter.rig.sender
    stuck.anvil.fund(wallet, stuck.anvil.balance_wei(wallet) - 10)
    stuck.anvil.finalize()
    assert "10 wei less" in stuck.counter("run", code=1).stderr


def restored(stuck: Stuck) -> None:
    """The backup does not know the last payouts, nor the jobs they are for."""
    stuck.settled()
    restore = stuck.backup()
    stuck.counter.earn(*WORKERS)
    stuck.counter("run", "--period", "2020-01-01")
    stuck.anvil.finalize()
    stuck.counter("settle")
    restore()
    assert "older than the chain" in stuck.counter("run", code=1).stderr


def restored_to_the_beginning(stuck: Stuck) -> None:
    """The backup is from before the first payout."""
    restore = stuck.backup()
    stuck.settled()
    restore()
    assert "payouts open --nonce" in stuck.counter("run", code=1).stderr


def node_is_behind(stuck: Stuck) -> None:
    """One of two nodes has stopped."""
    stuck.proxy.use(StaleNode(stuck.anvil.height()))
    stuck.anvil.mine(60)
    stuck.counter.options["ETH_RPC_ENDPOINT"] = f"{stuck.anvil.url},{stuck.proxy.url}"
    assert "blocks behind" in stuck.counter("run", code=1).stderr
    stuck.cure[0] = stuck.proxy.clear


def another_process_pays(stuck: Stuck) -> None:
    """Another run is at work."""
    book, wallet, now = stuck.counter.rig.book, stuck.counter.rig.sender, datetime.now(UTC)
    lease = book.acquire(wallet, "another", now, 90)
    assert "Another process pays from" in stuck.counter("run", code=4).stderr
    stuck.cure[0] = lambda: book.release(lease, datetime.now(UTC))


def node_refuses(stuck: Stuck) -> None:
    """The node takes no transfers of the wallet."""
    stuck.proxy.on(SEND, Error("invalid sender"))
    assert "refuses transfers of this wallet" in stuck.counter("run", code=1).stderr
    stuck.name_first(PayoutState.SENT)
    stuck.cure[0] = stuck.proxy.clear


@dataclass
class BadSigner:
    """A signer that is down, or signs for somebody else."""

    stuck: Stuck
    down: bool

    @property
    def address(self) -> str:
        """The wallet, as it says."""
        return self.stuck.counter.rig.sender

    def sign(self, transfer: Transfer) -> bytes:
        """Raises SignerError, or signs a transfer to a stranger."""
        if self.down:
            raise SignerError("The signer does not answer.")
        return self.stuck.anvil.transfer(self.stuck.counter.rig.key, STRANGER, transfer.value_wei)


def _signed_by(signer: BadSigner) -> list[str]:
    rig = signer.stuck.counter.rig
    paymaster = replace(rig.paymaster(), load_signer=lambda: signer)
    problems = pay(rig.planner, paymaster, "2026-11-01").problems
    signer.stuck.name_first(PayoutState.SLOTTED)
    return problems


def signer_is_down(stuck: Stuck) -> None:
    """A payout has its nonce and can't be signed."""
    assert _signed_by(BadSigner(stuck, down=True)) == ["The signer does not answer."]


def signer_is_wrong(stuck: Stuck) -> None:
    """A payout was signed otherwise than asked."""
    [problem] = _signed_by(BadSigner(stuck, down=False))
    assert "signed another transfer" in problem


def unsound(stuck: Stuck) -> None:
    """Somebody changed a balance by hand."""
    stuck.settled()
    stuck.counter.earn(*WORKERS)
    restore = stuck.backup()
    with closing(sqlite3.connect(str(stuck.counter.rig.scratch.engine.url.database))) as ledger:
        for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            ledger.execute(f"DROP TRIGGER {name}")
        payable = "SELECT min(id) FROM account WHERE kind = 'payable'"
        ledger.execute(f"UPDATE posting SET balance_wei = '7' WHERE account_id = ({payable})")  # noqa: S608
        ledger.commit()
    problems = stuck.counter("run", "--period", "2020-01-01", code=1).stderr
    assert "The ledger is not sound" in problems
    stuck.cure[1] = restore
