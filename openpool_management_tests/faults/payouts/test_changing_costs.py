"""Gas and wallet that change between the estimate and the broadcast, on the chain itself."""

from dataclasses import replace

import pytest

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import Payout, PayoutState
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.moments import SEND, First, broadcasts
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Ask, Call
from openpool_management_tests.servers.rpc_proxy import RpcProxy
from openpool_management_tests.servers.rpc_rules import L1Gas

GWEI = 10**9
FEES = [(worker_address(number), 4 * 10**17) for number in range(3)]
STORES = "0x600160005500"
"""A contract that takes transfers and writes a number, which costs gas."""


def outcomes(payout: Payout) -> list[list[SendOutcome]]:
    """What nodes said of each transfer of the only nonce."""
    [slot] = payout.slots
    return [[send.outcome for send in attempt.sends] for attempt in slot.attempts]


def set_base_fee(anvil: AnvilServer, wei: int) -> None:
    """A block with that base fee, as the one that the next broadcast has to meet."""
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))
    anvil.mine()
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))


def test_a_base_fee_that_rises_on_the_way_is_met_at_the_same_nonce(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.on(SEND, First(lambda: set_base_fee(anvil, 5 * GWEI)), times=1)
    rig.earn(FEES[0])
    rig.pay()
    settle()
    [payout] = rig.payouts()
    assert payout.state is PayoutState.SETTLED
    assert outcomes(payout)[0] == [SendOutcome.FEE_TOO_LOW]
    assert len(outcomes(payout)) == 2
    assert_oracle(rig, anvil)


def test_a_base_fee_above_the_cap_is_waited_out_with_the_same_bytes(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.on(SEND, First(lambda: set_base_fee(anvil, 50 * GWEI)), times=1)
    rig.earn(*FEES)
    report = rig.pay()
    assert any("MAX_GAS_PRICE_WEI" in problem for problem in report.problems)
    assert rig.states() == [PayoutState.SENT, PayoutState.RESERVED, PayoutState.RESERVED]
    assert rpc_proxy.count(SEND) == 1
    assert anvil.nonce(rig.sender) == 0
    set_base_fee(anvil, 10**7)
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    sent = broadcasts(rpc_proxy)
    assert sent[0] == sent[1], "cheap again, so nothing else was signed"
    assert [slot.nonce for payout in rig.payouts() for slot in payout.slots] == [0, 1, 2]
    assert_oracle(rig, anvil)


def test_a_wallet_that_is_emptied_on_the_way_sends_the_same_bytes_later(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    # What a final block says of the wallet stays as it is.
    anvil.finalize()
    rig.earn(*FEES)
    rpc_proxy.on(SEND, First(lambda: anvil.fund(rig.sender, 10**17)), times=1)
    before_wei = anvil.balance_wei(rig.sender)
    report = rig.pay()
    assert any("top it up" in problem for problem in report.problems)
    assert rig.states() == [PayoutState.SENT, PayoutState.RESERVED, PayoutState.RESERVED]
    [payout, *_] = rig.payouts()
    assert outcomes(payout) == [[SendOutcome.INSUFFICIENT_FUNDS]]
    rig.drive()
    assert anvil.nonce(rig.sender) == 0, "still too little"
    anvil.fund(rig.sender, before_wei)
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert {one.hash for one in broadcasts(rpc_proxy)[:3]} == set(payout.slots[0].hashes)
    assert_oracle(rig, anvil)


def test_a_wallet_that_is_too_small_for_the_first_payout_gives_no_nonce(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy
) -> None:
    anvil.fund(rig.sender, 2 * 10**17)
    rig.earn(*FEES)
    report = rig.pay()
    assert any("does not cover" in problem for problem in report.problems)
    assert rig.payouts() == [] and rpc_proxy.count(SEND) == 0
    assert_oracle(rig, anvil)


def test_gas_for_l1_that_rises_on_the_way_is_met_at_the_same_nonce(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    part = L1Gas(5_000)

    def rising(call: Call, ask: Ask) -> None:
        """Asked before the rule that looks at the gas."""
        if call.method == SEND:
            part.extra_gas = 19_000

    rpc_proxy.use(part)
    rpc_proxy.use(rising)
    rig.earn(FEES[0])
    rig.pay()
    settle()
    [payout] = rig.payouts()
    assert payout.state is PayoutState.SETTLED
    assert outcomes(payout)[0] == [SendOutcome.GAS_TOO_LOW]
    [low, high] = [one.signed.transfer for one in payout.slots[0].attempts]
    assert low.gas < 40_000 <= high.gas and low.nonce == high.nonce
    assert_oracle(rig, anvil)


def test_gas_for_l1_above_the_limit_is_nobodys_doing(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    """A plain transfer is estimated at 21,000, with the margin 33,800 for 26,000."""
    part = L1Gas(5_000)
    rpc_proxy.use(part)
    rig.gas = replace(rig.gas, limit=33_800 - 1)
    rig.earn(*FEES)
    report = rig.pay()
    assert any("raise GAS_LIMIT" in problem for problem in report.problems)
    assert rig.states() == [PayoutState.RESERVED] * 3 and rpc_proxy.count(SEND) == 0
    part.extra_gas = 4_000
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert_oracle(rig, anvil)


def test_gas_for_l1_above_the_limit_cancels_nothing_that_has_its_nonce(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    part = L1Gas(5_000)

    def rising(call: Call, ask: Ask) -> None:
        """Asked before the rule that looks at the gas."""
        if call.method == SEND:
            part.extra_gas = 99_000

    rig.gas = replace(rig.gas, limit=33_800)
    rpc_proxy.use(part)
    rpc_proxy.use(rising)
    rig.earn(FEES[0])
    assert any("raise GAS_LIMIT" in problem for problem in rig.pay().problems)
    assert rig.states() == [PayoutState.SENT]
    assert not rig.payouts()[0].cancelling
    rpc_proxy.clear()
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


@pytest.mark.parametrize("spare_gas", [0, -1])
def test_the_limit_of_gas_is_refused_beyond_and_never_cut(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, spare_gas: int
) -> None:
    """The recipient is a contract that writes to its storage."""
    to = FEES[0][0]
    anvil.rpc("anvil_setCode", to, STORES)
    transfer = {"from": rig.sender, "to": to, "value": hex(3 * 10**17)}
    gas = -(-int(anvil.rpc("eth_estimateGas", transfer), 16) * 130 // 100)
    rig.gas = replace(rig.gas, limit=gas + spare_gas)
    rig.earn(FEES[0], FEES[1])
    rig.pay()
    settle()
    payout, other = sorted(rig.payouts(), key=lambda one: one.intent.to_address != to)
    assert other.state is PayoutState.SETTLED
    if spare_gas < 0:
        assert payout.state is PayoutState.VOIDED and payout.slots == ()
        assert "GAS_LIMIT" in payout.detail
        assert rig.payable_wei(to) == 3 * 10**17
    else:
        assert payout.state is PayoutState.SETTLED
        assert payout.slots[0].attempts[0].signed.transfer.gas == gas
    assert_oracle(rig, anvil)
