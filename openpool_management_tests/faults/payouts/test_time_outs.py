"""Broadcasts whose client loses patience: web3 sends them again by itself, the pool's node not."""

import pytest
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.faults.payouts.conftest import Settle, hasty
from openpool_management_tests.faults.payouts.moments import SEND, broadcasts
from openpool_management_tests.faults.payouts.oracle import assert_oracle, sent_transactions
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Delay
from openpool_management_tests.servers.rpc_proxy import RpcProxy


def test_web3_by_itself_sends_twice_and_reports_a_failure_of_what_was_mined(
    anvil: AnvilServer, rpc_proxy: RpcProxy
) -> None:
    """Why the pool's own provider has to be without web3's retries."""
    key = anvil.account()
    raw = anvil.transfer(key, worker_address(1), 5)
    rpc_proxy.on(SEND, Delay(60), times=1)
    web3 = Web3(HTTPProvider(rpc_proxy.url, request_kwargs={"timeout": 2}))
    with pytest.raises(Web3RPCError, match=r"(?i)nonce too low|already imported"):
        web3.eth.send_raw_transaction(raw)
    assert rpc_proxy.count(SEND) == 2
    assert anvil.balance_wei(worker_address(1)) == 5


def test_a_node_of_the_pool_sends_once_and_claims_nothing(
    anvil: AnvilServer, rpc_proxy: RpcProxy
) -> None:
    key = anvil.account()
    raw = anvil.transfer(key, worker_address(1), 5)
    rpc_proxy.on(SEND, Delay(1.5))
    reply = hasty(rpc_proxy.url).send(raw)
    assert reply.outcome is SendOutcome.UNKNOWN
    assert rpc_proxy.count(SEND) == 1
    assert anvil.balance_wei(worker_address(1)) == 5


def test_a_late_answer_is_settled_by_the_hash_without_a_second_broadcast(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.on(SEND, Delay(1.5), times=1)
    rig.earn((worker_address(1), 4 * 10**17))
    rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert [one.hash for one in broadcasts(rpc_proxy)] == rig.payouts()[0].slots[0].hashes
    assert len(sent_transactions(anvil, rig.sender)) == 1
    assert_oracle(rig, anvil)
