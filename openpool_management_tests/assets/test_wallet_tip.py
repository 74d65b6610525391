"""The wallet's page says when the chain asks for a tip that payouts do not offer."""

from openpool_management_tests.assets.payout_bench import PayoutBench, shown
from openpool_management_tests.servers.rpc_actions import Error
from openpool_management_tests.servers.rpc_proxy import RpcProxy
from openpool_management_tests.servers.rpc_rules import nitro

TIP = "eth_maxPriorityFeePerGas"


def test_a_chain_that_asks_for_a_tip(pays: PayoutBench, rpc_proxy: RpcProxy) -> None:
    asked_wei = int(pays.anvil.rpc(TIP), 16)
    told = str(shown(pays.settle(), "wallet")["tip"])
    assert f"a tip of {asked_wei} wei" in told and "payouts offer 0" in told
    assert f"OPENPOOL_PRIORITY_FEE_WEI to {asked_wei}" in told
    for enough in (asked_wei, asked_wei + 1):
        assert "tip" not in shown(pays.with_options(priority_fee_wei=enough).settle(), "wallet")
    assert "tip" in shown(pays.with_options(priority_fee_wei=asked_wei - 1).settle(), "wallet")
    behind_proxy = pays.with_options(eth_rpc_endpoint=rpc_proxy.url)
    rpc_proxy.use(nitro)
    assert "tip" not in shown(behind_proxy.settle(), "wallet")
    rpc_proxy.clear()
    rpc_proxy.on(TIP, Error("the method does not exist", -32601))
    assert "tip" not in shown(behind_proxy.settle(), "wallet")
    assert rpc_proxy.count(TIP) > 0
