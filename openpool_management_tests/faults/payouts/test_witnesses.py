"""A second node that is behind, on another chain, or tells something else than the first."""

from typing import Any

import pytest

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.faults.payouts.conftest import Settle, hasty
from openpool_management_tests.faults.payouts.moments import SEND
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import (
    Action,
    Delay,
    Error,
    Http,
    Result,
    Rewrite,
    Truncate,
)
from openpool_management_tests.servers.rpc_proxy import RpcProxy
from openpool_management_tests.servers.rpc_rules import FrozenFinality, StaleNode

FEE = (worker_address(1), 4 * 10**17)


@pytest.fixture
def witnessed(rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy) -> PayoutRig:
    """A rig whose first node is the chain itself; the proxy is before the second one."""
    rig.chain, rig.witnesses = hasty(anvil.url), (hasty(rpc_proxy.url),)
    rig.earn(FEE)
    return rig


def other_hash(found: dict[str, Any]) -> dict[str, Any]:
    """The same of a block on another fork."""
    name = "hash" if "hash" in found else "blockHash"
    return found | {name: "0x" + "ab" * 32}


def test_a_witness_on_another_chain_stops_everything_before_a_nonce(
    witnessed: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy
) -> None:
    rpc_proxy.on("eth_chainId", Result("0xa4ba"))
    report = witnessed.pay()
    assert any("is on chain 42170 instead of 42161" in problem for problem in report.problems)
    assert witnessed.payouts() == [] and anvil.nonce(witnessed.sender) == 0


def test_a_witness_with_another_final_block_stops_everything(
    witnessed: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    witnessed.pay()
    anvil.finalize()
    rpc_proxy.on("eth_getBlockByNumber", Rewrite(other_hash))
    report = witnessed.drive()
    assert any("have different blocks" in problem for problem in report.problems)
    assert witnessed.states() == [PayoutState.SEEN]
    rpc_proxy.clear()
    settle()
    assert witnessed.states() == [PayoutState.SETTLED]
    assert_oracle(witnessed, anvil)


@pytest.mark.parametrize(
    "changed", [{"blockHash": "0x" + "ab" * 32}, {"status": "0x0"}, {"gasUsed": "0x9999"}]
)
def test_a_witness_with_another_receipt_settles_nothing(
    witnessed: PayoutRig,
    anvil: AnvilServer,
    rpc_proxy: RpcProxy,
    settle: Settle,
    changed: dict[str, str],
) -> None:
    witnessed.pay()
    anvil.finalize()
    rpc_proxy.on("eth_getTransactionReceipt", Rewrite(lambda found: found | changed))
    witnessed.drive()
    assert witnessed.states() == [PayoutState.SEEN]
    rpc_proxy.clear()
    settle()
    assert witnessed.states() == [PayoutState.SETTLED]
    assert_oracle(witnessed, anvil)


def test_a_witness_that_calls_nothing_final_settles_nothing(
    witnessed: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.use(FrozenFinality(0))
    witnessed.pay()
    anvil.finalize()
    witnessed.drive()
    assert witnessed.states() == [PayoutState.SEEN]
    rpc_proxy.clear()
    settle()
    assert_oracle(witnessed, anvil)


@pytest.mark.parametrize("stale_first", [True, False])
def test_a_stale_nonce_is_never_given_again(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, stale_first: bool
) -> None:
    """The node is a few blocks behind, too few to be called so, and says nonce N - 1."""
    if not stale_first:
        rig.chain, rig.witnesses = hasty(anvil.url), (hasty(rpc_proxy.url),)
    rig.earn(FEE)
    rig.pay()
    settle()
    rig.next_day()
    rig.earn(FEE)
    rpc_proxy.on(
        "eth_getTransactionCount", Result("0x0"), when=lambda params: params[1] == "latest"
    )
    report = rig.pay()
    assert any("the node is behind" in problem for problem in report.problems)
    assert rig.states() == [PayoutState.SETTLED, PayoutState.RESERVED]
    assert rig.payouts()[1].slots == ()
    rpc_proxy.clear()
    rig.drive()
    settle()
    assert [payout.slots[0].nonce for payout in rig.payouts()] == [0, 1]
    assert rig.states() == [PayoutState.SETTLED] * 2
    assert_oracle(rig, anvil)


def test_a_witness_that_lags_by_blocks_alarms_nobody_after_a_payout(
    witnessed: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    """It has not seen the payout that the first node shows."""
    stale = StaleNode(anvil.height())
    rpc_proxy.use(stale)
    witnessed.pay()
    anvil.finalize()
    witnessed.drive()
    assert witnessed.states() == [PayoutState.SEEN]
    assert witnessed.paymaster().paused() is None
    stale.number = anvil.height()
    rpc_proxy.clear()
    settle()
    assert witnessed.states() == [PayoutState.SETTLED]
    assert_oracle(witnessed, anvil)


@pytest.mark.parametrize(
    "fault", [Http(200), Http(429), Truncate(), Error("busy", code=-32005), Delay(3)], ids=repr
)
@pytest.mark.parametrize("again", [True, False])
def test_reads_that_fail_are_tried_again_and_then_told(
    rig: PayoutRig,
    anvil: AnvilServer,
    rpc_proxy: RpcProxy,
    settle: Settle,
    fault: Action,
    again: bool,
) -> None:
    """A passing fault is not noticed; a lasting one ends the run before a nonce is given."""
    rig.earn(FEE)
    rpc_proxy.on("eth_getTransactionCount", fault, times=1 if again else None, after=3)
    if again:
        rig.pay()
    else:
        with pytest.raises(OSError, match="The node"):
            rig.pay()
        assert rpc_proxy.count(SEND) == 0
        assert all(payout.slots == () for payout in rig.payouts())
        rpc_proxy.clear()
        rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)
