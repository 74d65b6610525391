"""Nodes that are on another chain, behind, mute, or not of one mind."""

from dataclasses import replace
from typing import Any

import pytest

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.sightings import look_up
from openpool_management_tests.faults.payouts.conftest import Settle, hasty
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Error, Http, Result, Rewrite
from openpool_management_tests.servers.rpc_proxy import RpcProxy
from openpool_management_tests.servers.rpc_rules import FrozenFinality, StaleNode

FEES = [(worker_address(number), 4 * 10**17) for number in range(3)]
SEND = "eth_sendRawTransaction"


def test_another_chain_is_noticed_before_anything_is_signed(
    rig: PayoutRig, rpc_proxy: RpcProxy
) -> None:
    rig.earn(*FEES)
    rpc_proxy.on("eth_chainId", Result("0x1"))
    report = rig.pay()
    assert any("is on chain 1 instead of 42161" in problem for problem in report.problems)
    assert rig.payouts() == [] and rpc_proxy.count(SEND) == 0


@pytest.mark.parametrize("status", [429, 500])
def test_a_node_with_hiccups_is_asked_again(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, status: int
) -> None:
    rpc_proxy.on("eth_estimateGas", Http(status), times=2)
    rpc_proxy.on("eth_getTransactionCount", Http(status), times=2)
    rig.earn(*FEES)
    rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert_oracle(rig, anvil)


def test_a_node_without_a_finalized_block_settles_nothing(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rig.earn(FEES[0])
    rig.pay()
    anvil.finalize()
    rpc_proxy.on(
        "eth_getBlockByNumber",
        Error("finalized block not found"),
        when=lambda it: it[0] == "finalized",
    )
    with pytest.raises(OSError, match="finalized"):
        rig.drive()
    assert rig.states() == [PayoutState.SEEN]
    rpc_proxy.clear()
    settle()
    assert_oracle(rig, anvil)


def test_frozen_finality_limits_what_is_sent(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.use(FrozenFinality(anvil.height("finalized")))
    rig.limits = replace(rig.limits, unfinal_max_wei=7 * 10**17)
    rig.earn(*FEES)
    report = rig.pay()
    assert any("OPENPOOL_PAYOUT_UNFINAL_MAX_WEI" in problem for problem in report.problems)
    assert rig.states() == [PayoutState.SEEN, PayoutState.SEEN, PayoutState.RESERVED]
    anvil.finalize()
    rig.drive()
    assert rig.states() == [PayoutState.SEEN, PayoutState.SEEN, PayoutState.RESERVED]
    rpc_proxy.clear()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert_oracle(rig, anvil)


def test_a_witness_that_lacks_the_receipt_keeps_a_payout_open(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rig.chain, rig.witnesses = hasty(anvil.url), (hasty(rpc_proxy.url),)
    rig.earn(FEES[0])
    rig.pay()
    anvil.finalize()
    rpc_proxy.on("eth_getTransactionReceipt", Result(None))
    rig.drive()
    assert rig.states() == [PayoutState.SEEN]
    rpc_proxy.clear()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


def test_a_node_with_a_receipt_and_no_transaction_settles_later(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rig.earn(FEES[0])
    rig.pay()
    anvil.finalize()
    rpc_proxy.on("eth_getTransactionByHash", Result(None))
    paymaster = rig.paymaster(signing=False)
    finality, lease = Finality(paymaster), paymaster.acquire()
    for _ in range(2):
        look_up(paymaster, rig.payouts(), finality, lease)
    rig.book.release(lease, rig.now)
    [doubt] = finality.doubts
    assert rig.drive(send=False).problems == [doubt]
    [payout] = rig.payouts()
    assert f"payout {payout.id} is settled when it has both" in doubt
    assert rig.states() == [PayoutState.SEEN] and paymaster.paused() is None
    rpc_proxy.clear()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


def test_a_node_that_tells_of_another_transfer_pauses_payouts(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rig.earn(FEES[0])
    rig.pay()
    anvil.finalize()
    rpc_proxy.on("eth_getTransactionByHash", Rewrite(lambda found: found | {"value": "0x1"}))
    [problem] = rig.drive().problems
    pause = rig.book.pause()
    assert pause is not None and pause.paused and pause.reason == problem
    assert "can't be trusted" in problem and rig.states() == [PayoutState.SEEN]
    rpc_proxy.clear()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


def test_a_witness_that_is_behind_stops_new_payouts(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rig.chain, rig.witnesses = hasty(anvil.url), (hasty(rpc_proxy.url),)
    rig.earn(FEES[0])
    rig.pay()
    settle()
    stale = StaleNode(0)
    rpc_proxy.use(stale)
    anvil.mine(50)
    rig.earn(FEES[0])
    rig.next_day()
    report = rig.pay()
    assert any("blocks behind" in problem for problem in report.problems)
    stale.number = anvil.height() - 30
    rig.pay()
    rpc_proxy.clear()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 2
    assert_oracle(rig, anvil)


def test_a_pause_between_signing_and_sending(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rig.earn(*FEES)
    paymaster = rig.paymaster()
    book = paymaster.book
    signer = paymaster.load_signer

    def pausing_signer() -> Any:
        orders.pause(book, "something looks wrong", rig.now)
        assert signer is not None
        return signer()

    from openpool_management.services.payouts.run import pay

    report = pay(rig.planner, replace(paymaster, load_signer=pausing_signer), "2026-12-01")
    assert any("paused by the operator" in problem for problem in report.problems)
    assert rpc_proxy.count(SEND) == 0
    assert rig.states()[0] is PayoutState.SIGNED
    rig.drive()
    assert rpc_proxy.count(SEND) == 0
    orders.resume(book, "all is well", rig.now)
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert_oracle(rig, anvil)


def test_amounts_beyond_64_bits_and_the_exact_threshold(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    anvil.fund(rig.sender, 100 * ETH_WEI)
    rig.policy = replace(rig.policy, threshold_wei=3 * 10**16)
    large_wei = 2**63 * 4 // 3 + 8
    rig.earn((FEES[0][0], large_wei), (FEES[1][0], 4 * 10**16), (FEES[2][0], 4 * 10**16 - 2))
    rig.pay()
    settle()
    paid = {one.intent.worker: one.intent.amount_wei for one in rig.payouts()}
    assert paid == {FEES[0][0]: large_wei * 3 // 4, FEES[1][0]: 3 * 10**16}
    assert paid[FEES[0][0]] > 2**63
    assert anvil.balance_wei(FEES[0][0]) == paid[FEES[0][0]]
    assert_oracle(rig, anvil)
