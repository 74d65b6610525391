"""Nodes with a pool of waiting transactions: known bytes, mined bytes, and replacements."""

from dataclasses import replace
from itertools import pairwise

import pytest

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import Attempt, PayoutState
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.moments import SEND, Twice, broadcasts
from openpool_management_tests.faults.payouts.oracle import assert_oracle, sent_transactions
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Error
from openpool_management_tests.servers.rpc_proxy import RpcProxy

FEE = (worker_address(1), 4 * 10**17)


def attempts(rig: PayoutRig) -> tuple[Attempt, ...]:
    """What was signed for the only nonce of the only payout."""
    [payout] = rig.payouts()
    [slot] = payout.slots
    return slot.attempts


def test_bytes_that_wait_in_the_pool_count_as_taken(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.earn(FEE)
    anvil.rpc("evm_setAutomine", False)
    rig.pay()
    rig.drive()
    [attempt] = attempts(rig)
    outcomes = {send.outcome for send in attempt.sends}
    assert outcomes == {SendOutcome.ACCEPTED, SendOutcome.KNOWN}
    anvil.rpc("evm_setAutomine", True)
    anvil.mine()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert rig.paymaster().paused() is None
    assert_oracle(rig, anvil)


def test_bytes_that_a_block_holds_already_raise_no_alarm(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.on(SEND, Twice(), times=2)
    rig.earn(FEE, (worker_address(2), 5 * 10**17))
    report = rig.pay()
    settle()
    assert report.problems == []
    assert rig.states() == [PayoutState.SETTLED] * 2
    assert rig.paymaster().paused() is None
    assert_oracle(rig, anvil)


@pytest.mark.parametrize("first_wins", [True, False])
def test_an_underpriced_replacement_is_raised_by_a_tenth_and_both_are_watched(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, first_wins: bool
) -> None:
    """first_wins: the node keeps what it has, whatever it is offered."""
    anvil.rpc("evm_setAutomine", False)
    underpriced = Error("replacement transaction underpriced", forward=True)
    rpc_proxy.on(SEND, underpriced, times=1)
    refused = Error("replacement transaction underpriced")
    rpc_proxy.on(SEND, refused if first_wins else Twice(), after=1)
    rig.earn(FEE)
    rig.pay()
    signed = [one.signed for one in attempts(rig)]
    assert len(signed) > 1
    for low, high in pairwise(signed):
        assert high.transfer.nonce == low.transfer.nonce
        assert high.transfer.max_fee_wei * 10 >= low.transfer.max_fee_wei * 11
        assert high.transfer.max_priority_fee_wei > low.transfer.max_priority_fee_wei
    anvil.rpc("evm_setAutomine", True)
    anvil.mine()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    [mined] = sent_transactions(anvil, rig.sender)
    assert mined["hash"] == (signed[0].hash if first_wins else signed[-1].hash)
    assert_oracle(rig, anvil)


def test_a_price_is_raised_no_further_than_the_cap(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    """A node that calls everything underpriced gets no offer above the cap, and no other nonce."""
    rpc_proxy.on(SEND, Error("replacement transaction underpriced"))
    rig.earn(FEE)
    rig.gas = replace(rig.gas, max_price_wei=6 * 10**7)
    reports = [rig.pay() for _ in range(3)]
    assert any("MAX_GAS_PRICE_WEI" in problem for problem in reports[-1].problems)
    assert rig.states() == [PayoutState.SENT]
    prices = [one.transfer.max_fee_wei for one in broadcasts(rpc_proxy)]
    assert max(prices) <= rig.gas.max_price_wei < max(prices) * 1.1
    rpc_proxy.clear()
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert attempts(rig)
    assert_oracle(rig, anvil)
