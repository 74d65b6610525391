"""The wallet's key in use elsewhere."""

import pytest

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import Payout, PayoutState
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.reconcile import accept_missing, reconcile
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.oracle import assert_oracle, sent_transactions
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer

WORKER = worker_address(1)
OTHER = worker_address(99)


def unseen_payout(rig: PayoutRig, anvil: AnvilServer) -> Payout:
    """A payout that was sent and that the node has forgotten."""
    rig.earn((WORKER, 4 * 10**17))
    anvil.rpc("evm_setAutomine", False)
    rig.pay()
    anvil.rpc("anvil_dropAllTransactions")
    anvil.rpc("evm_setAutomine", True)
    [payout] = rig.payouts()
    assert payout.state is PayoutState.SENT
    return payout


def use_nonce(rig: PayoutRig, anvil: AnvilServer, to: str, value_wei: int) -> None:
    """Somebody signs with the wallet's key."""
    anvil.send(anvil.transfer(rig.key, to, value_wei, max_fee_wei=10**10))


def test_another_payment_with_the_nonce(rig: PayoutRig, anvil: AnvilServer, settle: Settle) -> None:
    payout = unseen_payout(rig, anvil)
    use_nonce(rig, anvil, OTHER, 5)
    report = rig.drive()
    assert rig.states() == [PayoutState.FOREIGN]
    assert any("key is used elsewhere" in problem for problem in report.problems)
    pause = rig.book.pause()
    assert pause and pause.paused and pause.asked_by == "program"
    sent = len(sent_transactions(anvil, rig.sender))
    rig.drive()
    assert rig.states() == [PayoutState.FOREIGN], "not final: nothing is released"
    anvil.finalize()
    rig.drive()
    assert rig.states() == [PayoutState.RESERVED]
    assert len(sent_transactions(anvil, rig.sender)) == sent, "paused: nothing is sent"
    orders.resume(rig.book, "the key is safe again", rig.now)
    settle()
    [payout] = rig.payouts()
    assert payout.state is PayoutState.SETTLED
    assert [slot.nonce for slot in payout.slots] == [0, 1]
    assert rig.balance_wei(AccountKind.UNEXPLAINED, rig.sender) == -5
    assert_oracle(rig, anvil)


@pytest.mark.parametrize("paid", [True, False])
def test_the_same_payment_made_by_hand_is_held(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle, paid: bool
) -> None:
    payout = unseen_payout(rig, anvil)
    use_nonce(rig, anvil, payout.intent.to_address, payout.intent.amount_wei)
    rig.drive()
    anvil.finalize()
    rig.drive()
    assert rig.states() == [PayoutState.HELD]
    settle()
    assert rig.states() == [PayoutState.HELD], "never paid again by itself"
    if paid:
        orders.accept(rig.book, payout.id, "I paid it by hand", rig.now)
    else:
        orders.retry(rig.book, payout.id, "that was for something else", rig.now)
    orders.resume(rig.book, "decided", rig.now)
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    times = 1 if paid else 2
    assert anvil.balance_wei(WORKER) == times * payout.intent.amount_wei
    assert rig.balance_wei(AccountKind.PAYABLE, WORKER) == 0
    assert_oracle(rig, anvil)


def test_nonces_used_while_idle(rig: PayoutRig, anvil: AnvilServer, settle: Settle) -> None:
    rig.earn((WORKER, 4 * 10**17))
    rig.pay()
    settle()
    for value_wei in (7, 8, 9):
        use_nonce(rig, anvil, OTHER, value_wei)
    rig.earn((WORKER, 4 * 10**17))
    rig.next_day()
    report = rig.pay()
    assert any("3 transactions" in problem for problem in report.problems)
    assert rig.states()[1:] == [PayoutState.RESERVED]
    anvil.finalize()
    found = reconcile(rig.paymaster(signing=False))
    assert [one.value_wei for one in found.missing] == [7, 8, 9]
    after = accept_missing(rig.paymaster(signing=False), [WORKER], "bills paid by hand")
    assert after.differences == []
    orders.resume(rig.book, "known", rig.now)
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 2
    assert rig.balance_wei(AccountKind.UNEXPLAINED, rig.sender) == -24
    assert_oracle(rig, anvil)


def test_money_that_comes_in_is_posted(rig: PayoutRig, anvil: AnvilServer, settle: Settle) -> None:
    rig.earn((WORKER, 4 * 10**17))
    rig.pay()
    settle()
    anvil.fund(rig.sender, anvil.balance_wei(rig.sender) + ETH_WEI)
    settle()
    assert rig.balance_wei(AccountKind.FUNDING, rig.sender) == 51 * ETH_WEI
    assert rig.paymaster().paused() is None
    assert_oracle(rig, anvil)


def test_money_that_vanishes_pauses(rig: PayoutRig, anvil: AnvilServer, settle: Settle) -> None:
    rig.earn((WORKER, 4 * 10**17))
    rig.pay()
    settle()
    anvil.fund(rig.sender, anvil.balance_wei(rig.sender) - 10)
    anvil.finalize()
    report = rig.drive()
    assert any("10 wei less" in problem for problem in report.problems)
    assert rig.paymaster().paused() is not None
    assert accept_missing(rig.paymaster(), [WORKER], "explained").differences == []
    assert rig.balance_wei(AccountKind.UNEXPLAINED, rig.sender) == -10
    assert_oracle(rig, anvil)


def test_a_used_wallet_is_not_taken_by_itself(rig: PayoutRig, anvil: AnvilServer) -> None:
    use_nonce(rig, anvil, OTHER, 5)
    anvil.finalize()
    rig.earn((WORKER, 4 * 10**17))
    report = rig.pay()
    assert any("openpool payouts open" in problem for problem in report.problems)
    assert rig.payouts() == []
    opening = orders.open_at(rig.paymaster(signing=False), None)
    assert opening.nonce == 1
    rig.pay()
    assert rig.states() == [PayoutState.SEEN]
