"""Orders of ``openpool payouts``: what they print as JSON, and ledgers behind the chain."""

from datetime import datetime
from typing import Any

from openpool_management_tests.cli.payout_counter import NET_WEI, WORKERS, Counter
from openpool_management_tests.cli.stuck_pool import Stuck
from openpool_management_tests.payout_rig import worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_proxy import RpcProxy


def test_what_orders_print_as_json(counter: Counter) -> None:
    worker, why = WORKERS[0], ("--reason", "asked for it")
    own = counter.json("threshold", worker.lower(), str(10**18), *why)
    assert own == {"worker": worker, "threshold_wei": str(10**18)}
    back = counter.json("threshold", worker, "default", *why)
    assert back == {"worker": worker, "threshold_wei": None}
    blocked = counter.json("block", worker.lower(), *why)
    assert (blocked["worker"], blocked["blocked"]) == (worker, True)
    assert len(counter.json("plan")["payments"]) == 2
    again = counter.json("unblock", worker, *why)
    assert (again["worker"], again["blocked"]) == (worker, False)
    assert len(counter.json("plan")["payments"]) == 3
    for name, paused in (("pause", True), ("resume", False)):
        order = counter.json(name, *why)
        at = datetime.fromisoformat(order.pop("at"))
        assert at.utcoffset() is not None
        assert order == {"paused": paused, "reason": "asked for it"}
        assert counter.json("list")["status"]["paused"] is paused


def test_nothing_loads_a_key_but_live_runs_and_settlements(
    counter: Counter, anvil: AnvilServer
) -> None:
    counter.rig.pay()
    broken: dict[str, Any] = {"ETH_KEYSTORE_PASSWORD": "wrong"}
    for mode, state in (("off", "seen"), ("dry-run", "settled")):
        settled = counter.json("settle", OPENPOOL_PAYOUTS=mode, **broken)
        assert {one["state"] for one in settled["payouts"]} == {state}
        anvil.finalize()
    counter("list", **broken)
    counter("plan", **broken)
    counter("reconcile", **broken)
    for command in ("settle", "run"):
        ran = counter(command, code=2, **broken)
        assert "password" in ran.stderr and ran.stdout == ""


def test_lost_payouts_are_rebuilt_from_the_first_nonce(
    counter: Counter, anvil: AnvilServer, rpc_proxy: RpcProxy
) -> None:
    stuck = Stuck(counter, anvil, rpc_proxy)
    stuck.by_hand(worker_address(50), 5)
    anvil.finalize()
    restore = stuck.backup()
    counter("open", "--reason", "a gift")
    stuck.settled()
    paid = {one["tx_hash"]: one["worker"] for one in counter.json("list")["payouts"]}
    restore()
    assert "payouts open --nonce" in counter("run", code=1).stderr
    counter("open", "--nonce", "9", "--reason", "no such nonce", code=2)
    opened = counter.json("open", "--nonce", "1", "--reason", "the first payout's")
    assert (opened["wallet"], opened["nonce"]) == (counter.rig.sender, 1)
    assert opened["balance_wei"] == str(
        anvil.balance_wei(counter.rig.sender, hex(opened["block_number"]))
    )
    restored = counter.json("rebuild", "--reason", "the disk broke")["restored"]
    assert len(restored) == 3
    for tx_hash, worker in paid.items():
        [told] = [one for one in restored if tx_hash in one]
        assert f"{NET_WEI} wei: payout " in told and told.endswith(f" to {worker}.")
    listed = counter.json("list")
    assert {one["tx_hash"]: one["worker"] for one in listed["payouts"]} == paid
    assert {one["state"] for one in listed["payouts"]} == {"settled"}
    assert listed["status"]["paused"] is True
    assert counter.json("rebuild", "--reason", "once more")["restored"] == []
    counter("resume", "--reason", "rebuilt")
    counter("run")
    assert [anvil.balance_wei(worker) for worker in WORKERS] == [NET_WEI] * 3


def test_a_transfer_to_a_worker_is_taken_as_something_else_only_if_so_said(
    counter: Counter, anvil: AnvilServer, rpc_proxy: RpcProxy
) -> None:
    stuck = Stuck(counter, anvil, rpc_proxy)
    stuck.settled()
    stuck.by_hand(worker_address(50), 5)
    stuck.by_hand(WORKERS[0], 7)
    anvil.finalize()
    refused = counter("reconcile", "--accept", "--reason", "bills", code=2)
    assert f"7 wei to the worker {WORKERS[0]}" in refused.stderr
    assert "openpool payouts rebuild" in refused.stderr and "--not-payouts" in refused.stderr
    assert len(counter.json("reconcile", code=1)["differences"]) == 2, "all or nothing"
    accepted = counter.json("reconcile", "--accept", "--not-payouts", "--reason", "a prize")
    assert accepted["differences"] == [] and accepted["difference_wei"] == "0"
    assert len(counter.json("list")["payouts"]) == 3
    balance = counter.rig.scratch.document()["balances"][WORKERS[0]]
    assert (balance["paid_wei"], balance["payable_wei"]) == (str(NET_WEI), "0")
