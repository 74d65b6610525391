"""A ledger that is older than the chain, restored from a backup."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.reconcile import rebuild, reconcile
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Swallow
from openpool_management_tests.servers.rpc_proxy import RpcProxy

WORKERS = [worker_address(number) for number in range(5)]
SEND = "eth_sendRawTransaction"


def backup(rig: PayoutRig, directory: Path) -> Callable[[], None]:
    """Copy the ledger; what is returned puts the copy in its place."""
    rig.scratch.close()
    ledger, copy = directory / "ledger.sqlite", directory / "backup.sqlite"
    shutil.copyfile(ledger, copy)

    def restore() -> None:
        rig.scratch.close()
        for file in directory.glob("ledger.sqlite*"):
            file.unlink()
        shutil.copyfile(copy, ledger)

    return restore


def rebuild_and_resume(rig: PayoutRig) -> list[str]:
    """What the runbook says."""
    told = rebuild(rig.paymaster(signing=False), WORKERS, "restored the backup of yesterday")
    assert reconcile(rig.paymaster(signing=False)).differences == []
    orders.resume(rig.book, "rebuilt", rig.now)
    return told


def assert_paid_exactly(rig: PayoutRig, anvil: AnvilServer) -> None:
    """Nobody is owed anything, and each worker has what was earned."""
    for worker in WORKERS:
        earned_wei = sum(
            one.balance_wei
            for one in rig.scratch.books.standings()
            if one.account.kind is AccountKind.PAYABLE
            and one.account.stream
            and one.account.worker == worker
        )
        assert anvil.balance_wei(worker) == earned_wei - rig.payable_wei(worker)
        assert rig.payable_wei(worker) == 0


def test_five_payouts_that_the_backup_does_not_know(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, tmp_path: Path
) -> None:
    rig.earn((WORKERS[0], 4 * 10**17))
    rig.pay()
    settle()
    rig.next_day()
    rig.earn(*[(worker, 4 * 10**17) for worker in WORKERS])
    restore = backup(rig, tmp_path)
    rig.pay()
    settle()
    restore()
    sent = rpc_proxy.count(SEND)
    report = rig.pay()
    assert rpc_proxy.count(SEND) == sent, "nothing is sent"
    assert any("older than the chain" in problem for problem in report.problems)
    assert len(reconcile(rig.paymaster(signing=False)).missing) == 5
    told = rebuild_and_resume(rig)
    assert sum("payout" in one and "Nonce" in one for one in told) == 5
    rig.earn(*[(worker, 4 * 10**17) for worker in WORKERS])
    rig.next_day()
    rig.pay()
    settle()
    assert_paid_exactly(rig, anvil)
    assert rig.scratch.broken() == []
    assert rig.book.wallet_wei(rig.sender) == anvil.balance_wei(rig.sender, "finalized")


@pytest.mark.parametrize("bumped", [False, True])
def test_a_backup_with_a_payout_under_way(
    rig: PayoutRig,
    anvil: AnvilServer,
    rpc_proxy: RpcProxy,
    settle: Settle,
    tmp_path: Path,
    bumped: bool,
) -> None:
    """The backup has a signed payout, and one with no nonce; the lost ledger paid both."""
    rig.earn((WORKERS[0], 4 * 10**17), (WORKERS[1], 8 * 10**17))
    rpc_proxy.on(SEND, Swallow())
    rig.pay()
    assert rig.states() == [PayoutState.SENT, PayoutState.RESERVED]
    restore = backup(rig, tmp_path)
    rpc_proxy.clear()
    if bumped:
        anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        anvil.mine()
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 2
    restore()
    sent = rpc_proxy.count(SEND)
    rig.drive()
    rig.drive()
    assert rpc_proxy.count(SEND) == sent, "nothing is sent"
    rebuild_and_resume(rig)
    rig.next_day()
    rig.pay()
    settle()
    assert rpc_proxy.count(SEND) == sent, "all was paid"
    assert_paid_exactly(rig, anvil)
    assert rig.scratch.broken() == []
    assert rig.book.wallet_wei(rig.sender) == anvil.balance_wei(rig.sender, "finalized")


def test_a_backup_from_before_the_first_payout(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, tmp_path: Path
) -> None:
    rig.earn((WORKERS[0], 4 * 10**17), (WORKERS[1], 8 * 10**17))
    restore = backup(rig, tmp_path)
    rig.pay()
    settle()
    anvil.send(anvil.transfer(rig.key, worker_address(99), 17, max_fee_wei=10**10))
    anvil.finalize()
    restore()
    sent = rpc_proxy.count(SEND)
    report = rig.pay()
    assert any("openpool payouts open --nonce" in problem for problem in report.problems)
    orders.open_at(rig.paymaster(signing=False), 0)
    rebuild_and_resume(rig)
    rig.next_day()
    rig.pay()
    settle()
    assert rpc_proxy.count(SEND) == sent
    assert_paid_exactly(rig, anvil)
    assert rig.balance_wei(AccountKind.UNEXPLAINED, rig.sender) == -17


def test_rebuilding_waits_for_finality(rig: PayoutRig, anvil: AnvilServer, tmp_path: Path) -> None:
    rig.earn((WORKERS[0], 4 * 10**17))
    rig.pay()
    with pytest.raises(Exception, match="not final yet"):
        rebuild(rig.paymaster(signing=False), WORKERS, "too early")
    anvil.finalize()
    rig.drive()
    assert_oracle(rig, anvil, explained=True)
