"""Gas that gets dearer, recipients that refuse, wallets that run dry."""

from dataclasses import replace

import pytest

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import PayoutState, Purpose
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.run import rehearse
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Error
from openpool_management_tests.servers.rpc_proxy import RpcProxy

GWEI = 10**9
FEES = [(worker_address(number), 4 * 10**17) for number in range(3)]


def test_a_base_fee_above_the_cap_burns_no_nonce(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.earn(FEES[0])
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    anvil.mine()
    report = rig.pay()
    assert any("MAX_GAS_PRICE_WEI" in problem for problem in report.problems)
    assert rig.states() == [PayoutState.RESERVED]
    assert rig.payouts()[0].slots == ()
    rig.gas = replace(rig.gas, max_price_wei=200 * GWEI)
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


@pytest.mark.parametrize("original_wins", [False, True])
def test_a_higher_price_takes_the_same_nonce(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle, original_wins: bool
) -> None:
    rig.earn(FEES[0])
    anvil.rpc("evm_setAutomine", False)
    rig.pay()
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    if original_wins:
        anvil.rpc("anvil_dropAllTransactions")
    anvil.mine()
    rig.drive()
    [payout] = rig.payouts()
    first, second = payout.slots[0].attempts[0], payout.slots[0].attempts[-1]
    assert first.hash != second.hash and len(payout.slots) == 1
    for price in ("max_fee_wei", "max_priority_fee_wei"):
        low, high = getattr(first.signed.transfer, price), getattr(second.signed.transfer, price)
        assert high > low and high * 10 >= low * 11
    if original_wins:
        anvil.rpc("anvil_dropAllTransactions")
        anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**7))
        anvil.mine()
        anvil.rpc("eth_sendRawTransaction", "0x" + first.signed.raw.hex())
    anvil.rpc("evm_setAutomine", True)
    anvil.mine()
    settle()
    [payout] = rig.payouts()
    assert payout.state is PayoutState.SETTLED
    winner = payout.events[-1].tx_hash
    assert winner == (first.hash if original_wins else second.hash)
    assert_oracle(rig, anvil)


def test_a_wallet_that_runs_dry_and_is_topped_up(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rig.earn(*FEES)
    rpc_proxy.on("eth_sendRawTransaction", Error("insufficient funds for gas * price + value"))
    report = rig.pay()
    assert any("top it up" in problem for problem in report.problems)
    assert rig.states() == [PayoutState.SENT, PayoutState.RESERVED, PayoutState.RESERVED]
    before = rig.payouts()[0].slots[0].hashes
    rpc_proxy.clear()
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert rig.payouts()[0].slots[0].hashes == before
    assert_oracle(rig, anvil)


def test_a_plan_is_not_larger_than_the_wallet(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    anvil.fund(rig.sender, 7 * 10**17)
    rig.earn(*FEES)
    report = rig.pay()
    assert any("does not cover" in problem for problem in report.problems)
    assert rig.states() == [PayoutState.SEEN] * 2
    anvil.fund(rig.sender, ETH_WEI)
    rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert_oracle(rig, anvil)


def test_a_recipient_that_reverts_holds_nobody_up(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    bad = FEES[1][0]
    anvil.refuse_payments(bad)
    rig.earn(*FEES)
    rig.pay()
    settle()
    assert sorted(rig.states()) == [PayoutState.SETTLED, PayoutState.SETTLED, PayoutState.VOIDED]
    assert rig.payable_wei(bad) == 3 * 10**17, "owed again"
    rig.next_day()
    assert rig.pay().plan is not None
    assert len(rig.payouts()) == 3, "not tried again by itself"
    [voided] = [one for one in rig.payouts() if one.state is PayoutState.VOIDED]
    assert voided.slots == (), "no nonce was used"
    anvil.rpc("anvil_setCode", bad, "0x")
    orders.retry(rig.book, voided.id, "repaired", rig.now)
    rig.pay()
    settle()
    assert rig.payable_wei(bad) == 0
    assert_oracle(rig, anvil)


def test_a_recipient_that_begins_to_revert_after_the_estimate(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    anvil.rpc("evm_setAutomine", False)
    rig.earn(*FEES)
    rig.pay()
    anvil.refuse_payments(rig.payouts()[0].intent.to_address)
    anvil.rpc("evm_setAutomine", True)
    anvil.mine()
    settle()
    first, *others = rig.payouts()
    assert first.state is PayoutState.VOIDED
    assert [one.state for one in others] == [PayoutState.SETTLED] * 2
    assert rig.payable_wei(first.intent.worker) == 3 * 10**17
    assert rig.balance_wei(AccountKind.GAS, rig.sender) < 0
    assert_oracle(rig, anvil)


def test_a_refusal_at_the_broadcast_cancels(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rig.earn(FEES[0])
    rpc_proxy.on("eth_sendRawTransaction", Error("execution reverted"), times=1)
    rig.pay()
    assert rig.payouts()[0].cancelling
    assert rig.balance_wei(AccountKind.IN_PAYOUT, FEES[0][0]) == 3 * 10**17, "until it is final"
    settle()
    [payout] = rig.payouts()
    assert payout.state is PayoutState.VOIDED
    assert [one.purpose for one in payout.slots[0].attempts] == [Purpose.PAYOUT, Purpose.CANCEL]
    assert rig.payable_wei(FEES[0][0]) == 3 * 10**17
    assert_oracle(rig, anvil)


def test_a_payout_may_win_over_its_cancellation(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.earn(FEES[0])
    anvil.rpc("evm_setAutomine", False)
    rig.pay()
    [payout] = rig.payouts()
    orders.cancel(rig.book, payout.id, "a mistake", rig.now)
    anvil.mine()
    anvil.rpc("evm_setAutomine", True)
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


def test_contract_wallets_and_delegated_accounts_are_paid(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    # SSTOREs of the value sent: a wallet that takes about 45,000 gas.
    anvil.rpc("anvil_setCode", FEES[0][0], "0x345f5534600155")
    anvil.rpc("anvil_setCode", FEES[1][0], "0xef0100" + worker_address(77)[2:])
    rig.earn(*FEES)
    rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert max(one.slots[0].attempts[0].signed.transfer.gas for one in rig.payouts()) > 50_000
    assert_oracle(rig, anvil)


def test_gas_above_the_limit_is_refused_and_not_cut(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.gas = replace(rig.gas, limit=30_000)
    anvil.rpc("anvil_setCode", FEES[0][0], "0x345f5534600155")
    rig.earn(*FEES[:2])
    rig.pay()
    settle()
    states = {one.intent.worker: one.state for one in rig.payouts()}
    assert states == {FEES[0][0]: PayoutState.VOIDED, FEES[1][0]: PayoutState.SETTLED}
    assert_oracle(rig, anvil)


def exactly_enough_wei(rig: PayoutRig) -> int:
    """What the day's only payout takes at most, and the reserve."""
    # The planner keeps the reserve too: without its part, only the look before the nonce is left.
    rig.policy = replace(rig.policy, reserve_wei=0)
    rig.earn(FEES[0])
    paymaster = rig.paymaster(signing=False)
    funds = rig.planner.funds("2026-12-01", paymaster.chain_id, rig.sender, paymaster, rig.now)
    plan = rig.planner.plan("2026-12-01", funds, rig.now)
    [tried] = rehearse(rig.planner, paymaster, plan).tried
    assert tried.transfer
    return tried.transfer.most_wei + rig.limits.reserve_wei


def test_no_nonce_is_given_for_what_would_take_from_the_reserve(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    needed_wei = exactly_enough_wei(rig)
    anvil.fund(rig.sender, needed_wei - 1)
    report = rig.pay()
    told = f"holds {needed_wei - 1} wei and needs {needed_wei} wei"
    assert any(told in problem for problem in report.problems)
    assert rig.states() == [PayoutState.RESERVED] and rig.payouts()[0].slots == ()
    anvil.fund(rig.sender, needed_wei)
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


def test_the_reserve_pays_for_another_price_of_a_nonce_that_is_in_use(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    anvil.fund(rig.sender, exactly_enough_wei(rig))
    anvil.rpc("evm_setAutomine", False)
    rig.pay()
    [payout] = rig.payouts()
    offered_wei = payout.slots[0].attempts[0].signed.transfer.max_fee_wei
    anvil.rpc("anvil_dropAllTransactions")
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(offered_wei + 1))
    anvil.mine()
    anvil.rpc("evm_setAutomine", True)
    rig.drive()
    settle()
    [payout] = rig.payouts()
    assert payout.state is PayoutState.SETTLED
    assert len(payout.slots) == 1 and len(payout.slots[0].attempts) == 2
    assert_oracle(rig, anvil)
