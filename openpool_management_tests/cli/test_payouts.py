"""``openpool payouts`` on a real chain: each command, its refusals, no secret in any of it."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openpool_management.cli import payouts
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts.drive import drive
from openpool_management.services.ports.payouts import LeaseHeld
from openpool_management_tests.cli.conftest import start_openpool
from openpool_management_tests.cli.payout_counter import WORKERS, Counter
from openpool_management_tests.payout_rig import worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Error, Http
from openpool_management_tests.servers.rpc_proxy import RpcProxy

DEAD_NODE = "http://127.0.0.1:9/secret-api-key"


def test_a_plan_a_run_and_its_settlement(counter: Counter, anvil: AnvilServer) -> None:
    plan = counter.json("plan")
    assert len(plan["payments"]) == 3 and plan["total_wei"] == str(9 * 10**17)
    assert plan["hash"] in counter("plan").stdout and plan["made_at"].endswith("Z")
    assert counter.rig.payouts() == []
    ran = counter.json("run")
    assert {one["state"] for one in ran["payouts"]} == {"seen"} and ran["problems"] == []
    assert len(counter.json("run")["payouts"]) == 3, "a second run pays nobody again"
    anvil.finalize()
    assert {one["state"] for one in counter.json("settle")["payouts"]} == {"settled"}
    assert [anvil.balance_wei(worker) for worker in WORKERS] == [3 * 10**17] * 3
    listed = counter.json("list", "--worker", WORKERS[0])
    [payout] = listed["payouts"]
    assert listed["status"]["open"] == 0
    shown = counter.json("show", payout["id"])
    assert shown["explorer"] == f"https://arbiscan.io/tx/{payout['tx_hash']}"
    assert [one["mark"] for one in shown["events"]] == ["seen", "settled"]
    assert payout["tx_hash"] in counter("show", payout["id"]).stdout
    assert counter.json("reconcile")["differences"] == []
    assert "no payouts" in counter("list", "--open").stdout


def test_modes(counter: Counter) -> None:
    assert "Payouts are off" in counter("run", code=2, OPENPOOL_PAYOUTS="off").stderr
    tried = counter.json("run", OPENPOOL_PAYOUTS="dry-run")
    assert len(tried["tried"]) == 3 and all(one["gas"] for one in tried["tried"])
    broken: dict[str, Any] = {
        "ETH_KEYSTORE_PASSWORD": "wrong",
        "OPENPOOL_PAYOUT_SENDER": counter.rig.sender,
    }
    counter("run", OPENPOOL_PAYOUTS="dry-run", **broken)
    assert counter.rig.payouts() == [] and counter.rig.planner.planning.saved_plans() == []
    assert "password" in counter("run", code=2, **broken).stderr


def test_orders_need_no_node(counter: Counter, anvil: AnvilServer) -> None:
    anvil.rpc("evm_setAutomine", False)
    counter.rig.pay(f"{counter.rig.now:%Y-%m-%d}")
    first, second, _ = [one.id for one in counter.rig.payouts()]
    down: dict[str, Any] = {"ETH_RPC_ENDPOINT": DEAD_NODE}
    assert counter.json("pause", "--reason", "looking", **down)["paused"] is True
    assert "paused" in counter("run", code=1).stderr
    status = counter.json("list", **down)["status"]
    assert (status["paused"], status["paused_by"], status["open"]) == (True, "operator", 3)
    assert status["pause_reason"] == "looking" and status["in_payout_wei"] == str(9 * 10**17)
    assert "by the operator: looking" in counter("list", **down).stdout
    assert counter.json("cancel", second, "--reason", "wrong", **down)["state"] == "voided"
    counter("cancel", second, "--reason", "again", code=2, **down)
    assert counter.json("cancel", first, "--reason", "wrong", **down)["state"] == "sent"
    assert counter.json("retry", first, "--reason", "right", **down)["state"] == "sent"
    counter("accept", first, "--reason", "no", code=2, **down)
    counter("retry", first, "--reason", "no", code=2, **down)
    counter("pause", "--reason", " ", code=2, **down)
    counter("show", "nonsense", code=2, **down)
    counter("resume", "--reason", "fine", **down)
    counter("resume", "--reason", "fine", code=2, **down)
    anvil.rpc("evm_setAutomine", True)
    ran = counter("settle", code=4, **down)
    assert "secret-api-key" not in ran.stderr and "127.0.0.1:9" in ran.stderr


def test_a_run_that_waits_for_approval(counter: Counter) -> None:
    strict: dict[str, Any] = {"OPENPOOL_PAYOUT_APPROVAL_WEI": 10**17}
    assert "needs approval" in counter("run", code=1, **strict).stderr
    assert counter.rig.payouts() == []
    [plan_hash] = counter.json("plan", **strict)["waiting_for_approval"]
    counter("approve", "ffff", "--reason", "what", code=2, **strict)
    assert counter.json("approve", plan_hash[:8], "--reason", "seen", **strict)["payments"] == 3
    counter.rig.earn((WORKERS[0], 4 * 10**17))
    counter("run", **strict)
    paid = {one.intent.amount_wei for one in counter.rig.payouts()}
    assert len(counter.rig.payouts()) == 3 and paid == {3 * 10**17}, "the plan that was approved"


def test_a_plan_saved_before_payouts_are_live(counter: Counter) -> None:
    off: dict[str, Any] = {"OPENPOOL_PAYOUTS": "off", "OPENPOOL_PAYOUT_APPROVAL_WEI": 10**17}
    counter("plan", **off)
    assert counter.rig.planner.planning.saved_plans() == []
    assert "It needs approval" in counter("plan", "--save", **off).stdout
    [saved] = counter.rig.planner.planning.saved_plans()
    told = counter("plan", **off).stdout
    assert f"Waits for approval: {saved.hash[:12]}, 0.9 of {saved.run_key}." in told
    told = counter("approve", saved.hash, "--reason", "seen", **off).stdout
    assert "pays 0.9 ETH to 3 workers" in told
    assert "Waits" not in counter("plan", **off).stdout
    counter("run", OPENPOOL_PAYOUT_APPROVAL_WEI=10**17)
    assert len(counter.rig.payouts()) == 3


def test_a_run_waits_until_all_is_final(
    counter: Counter, anvil: AnvilServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payouts, "WAIT_SECONDS", 0.05)
    looking = counter.rig.paymaster(signing=False)
    other_desk = replace(looking, clock=lambda: datetime.now(UTC), owner="another")

    def another_process() -> None:
        while counter.rig.states() != [PayoutState.SEEN] * 3:
            time.sleep(0.05)
        while True:
            with suppress(LeaseHeld):
                other_desk.acquire()
                break
        time.sleep(0.5)
        anvil.finalize()
        drive(other_desk, send=False)

    with ThreadPoolExecutor() as pool:
        other = pool.submit(another_process)
        ran = counter.json("run", "--wait")
        other.result()
    assert {one["state"] for one in ran["payouts"]} == {"settled"} and ran["problems"] == []


def test_a_run_that_is_interrupted_while_it_waits(counter: Counter, tmp_path: Path) -> None:
    with start_openpool(
        "payouts", "run", "--wait", "--json", home=tmp_path / "home", **counter.options
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "3 payouts wait for finality" in said
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    counter.printed += [said, stdout, stderr]
    assert process.returncode == 130
    assert {one["state"] for one in json.loads(stdout)["payouts"]} == {"seen"}
    assert {one["state"] for one in counter.json("run")["payouts"]} == {"seen"}


def test_what_stood_in_the_way_at_first_is_forgotten_once_it_is_over(
    counter: Counter, anvil: AnvilServer, rpc_proxy: RpcProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payouts, "WAIT_SECONDS", 0)
    refused = Error("max fee per gas less than block base fee")
    rpc_proxy.on("eth_sendRawTransaction", refused, times=6)

    def finalize(_: object) -> bool:
        if counter.rig.states() == [PayoutState.SEEN] * 3:
            anvil.finalize()
        return False

    rpc_proxy.on("eth_chainId", refused, when=finalize)
    ran = counter.json("run", "--wait", ETH_RPC_ENDPOINT=rpc_proxy.url)
    assert {one["state"] for one in ran["payouts"]} == {"settled"} and ran["problems"] == []


def test_a_node_that_goes_down_while_a_run_waits(
    counter: Counter, rpc_proxy: RpcProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payouts, "WAIT_SECONDS", 0)
    seen = [PayoutState.SEEN] * 3
    refused = Http(403, b"no such key")
    rpc_proxy.on("eth_chainId", refused, when=lambda _: counter.rig.states() == seen)
    ran = counter.json("run", "--wait", code=1, ETH_RPC_ENDPOINT=rpc_proxy.url)
    assert {one["state"] for one in ran["payouts"]} == {"seen"}
    [problem] = ran["problems"]
    assert "403" in problem


@pytest.mark.parametrize("choice", ["accept", "retry"])
def test_a_held_payout(counter: Counter, anvil: AnvilServer, choice: str) -> None:
    anvil.rpc("evm_setAutomine", False)
    counter.rig.pay(f"{counter.rig.now:%Y-%m-%d}")
    anvil.rpc("anvil_dropAllTransactions")
    anvil.rpc("evm_setAutomine", True)
    first = counter.rig.payouts()[0]
    intent, key = first.intent, counter.rig.key
    anvil.send(anvil.transfer(key, intent.to_address, intent.amount_wei, max_fee_wei=10**10))
    anvil.finalize()
    assert [one["state"] for one in counter.json("settle", code=1)["payouts"]] == ["held"]
    assert "openpool payouts accept" in counter("show", first.id).stdout
    counter("cancel", first.id, "--reason", "no", code=2)
    state = {"accept": "settled", "retry": "reserved"}[choice]
    assert counter.json(choice, first.id, "--reason", "looked at it")["state"] == state
    assert "looked at it" in counter("show", first.id).stdout
    counter("resume", "--reason", "decided")
    counter("run")
    anvil.finalize()
    counter("settle")
    assert "no payouts" in counter("list", "--open").stdout
    wei = {"accept": 3 * 10**17, "retry": 6 * 10**17}[choice]
    assert anvil.balance_wei(intent.worker) == wei


def test_workers_thresholds_and_blocks(counter: Counter) -> None:
    counter("threshold", WORKERS[0], str(10**18), "--reason", "asked for it")
    counter("block", WORKERS[1], "--reason", "left the pool")
    verdicts = {one["worker"]: one["verdict"] for one in counter.json("plan")["decisions"]}
    assert verdicts == {
        WORKERS[0]: "below-own-threshold",
        WORKERS[1]: "blocked",
        WORKERS[2]: "pay",
    }
    counter("threshold", WORKERS[0], "default", "--reason", "changed their mind")
    counter("unblock", WORKERS[1], "--reason", "is back")
    assert len(counter.json("plan")["payments"]) == 3
    with counter.rig.scratch.engine.connect() as connection:
        reasons = connection.scalars(text("SELECT reason FROM payout_block ORDER BY id")).all()
    assert [reason.split(": ")[1] for reason in reasons] == ["left the pool", "is back"]
    counter("threshold", WORKERS[0], "1.5", "--reason", "no", code=2)
    assert (
        "below the pool's" in counter("threshold", WORKERS[0], "5", "--reason", "no", code=2).stderr
    )
    counter("block", "0x12", "--reason", "no", code=2)
    counter("plan", "--period", "yesterday", code=2)


def test_a_wallet_with_a_past_and_a_stranger(counter: Counter, anvil: AnvilServer) -> None:
    key = counter.rig.key
    anvil.send(anvil.transfer(key, worker_address(50), 5, max_fee_wei=10**10))
    anvil.finalize()
    assert "openpool payouts open" in counter("run", code=1).stderr
    assert counter.json("open", "--reason", "a gift")["nonce"] == 1
    counter("open", "--reason", "again", code=2)
    counter("run")
    anvil.finalize()
    counter("settle")
    anvil.send(anvil.transfer(key, worker_address(50), 6, max_fee_wei=10**10))
    anvil.finalize()
    assert len(counter.json("reconcile", code=1)["differences"]) == 1
    assert "not a payout" in counter("rebuild", "--reason", "look").stdout
    assert counter.json("reconcile", "--accept", "--reason", "x")["differences"] == []
