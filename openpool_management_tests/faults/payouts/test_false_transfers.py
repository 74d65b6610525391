"""A node that tells of another transfer, under a payout's hash, than was signed."""

import pytest

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts import orders
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Rewrite
from openpool_management_tests.servers.rpc_proxy import RpcProxy

WORKER, ELSEWHERE = worker_address(1), worker_address(99)


@pytest.mark.parametrize(
    "told",
    [
        {"to": ELSEWHERE},
        {"from": ELSEWHERE},
        {"nonce": "0x7"},
    ],
    ids=["to", "sender", "nonce"],
)
def test_nothing_settles_by_the_word_of_a_node_that_tells_of_another_transfer(
    rig: PayoutRig,
    anvil: AnvilServer,
    rpc_proxy: RpcProxy,
    settle: Settle,
    told: dict[str, str],
) -> None:
    rig.earn((WORKER, 4 * 10**17))
    rig.pay()
    anvil.finalize()
    rpc_proxy.on("eth_getTransactionByHash", Rewrite(lambda found: found | told))
    report = rig.drive()
    assert any("the node can't be trusted" in problem for problem in report.problems)
    pause = rig.book.pause()
    assert pause and pause.paused and pause.asked_by == "program"
    assert rig.states() == [PayoutState.SEEN]
    assert rig.balance_wei(AccountKind.IN_PAYOUT, WORKER) == 3 * 10**17
    rpc_proxy.clear()
    orders.resume(rig.book, "another node", rig.now)
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)
