"""``openpool payouts block`` names what is on its way to the worker, and how to stop it."""

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.cli.payout_counter import Counter
from openpool_management_tests.servers.rpc_actions import Error
from openpool_management_tests.servers.rpc_proxy import RpcProxy


def test_a_block_names_payouts_that_were_set_aside(counter: Counter, rpc_proxy: RpcProxy) -> None:
    rpc_proxy.on("eth_sendRawTransaction", Error("max fee per gas less than block base fee"))
    counter("run", code=1, ETH_RPC_ENDPOINT=rpc_proxy.url)
    first, second, third = counter.rig.payouts()
    assert [one.state for one in (first, second)] == [PayoutState.SENT, PayoutState.RESERVED]
    for one in (first, second):
        blocked = counter.json("block", one.intent.worker, "--reason", "a stolen key")
        [told] = blocked["open_payouts"]
        assert (blocked["blocked"], told["id"], told["state"]) == (True, one.id, one.state)
        assert told["cancel"] == f"openpool payouts cancel {one.id} --reason …"
    command = f"openpool payouts cancel {second.id} --reason"
    assert command in counter("block", second.intent.worker, "--reason", "again").stdout
    [reason] = [
        one["reason"]
        for one in counter.json("plan")["decisions"]
        if one["worker"] == second.intent.worker
    ]
    assert "0.3 ETH to the worker is under way. openpool payouts cancel stops it" in reason
    counter("cancel", first.id, "--reason", "a stolen key")
    counter("cancel", second.id, "--reason", "a stolen key")
    again = counter.json("block", first.intent.worker, "--reason", "again")
    assert [one["cancel"] for one in again["open_payouts"]] == [None]
    assert counter.json("block", second.intent.worker, "--reason", "x")["open_payouts"] == []
    counter("block", third.intent.worker, "--reason", " ", code=2)


def test_a_block_says_that_it_is_too_late_for_what_a_block_of_the_chain_holds(
    counter: Counter,
) -> None:
    counter("run")
    [payout, *_] = counter.rig.payouts()
    told = counter("block", payout.intent.worker, "--reason", "a stolen key").stdout
    assert "is seen. It is settled when its block is final." in told and "cancel" not in told
