"""``openpool payouts`` on a real chain: each command, its refusals, no secret in any of it."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management_tests.cli.conftest import Command, Ran
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer

PASSWORD = "correct horse battery staple"
WORKERS = [worker_address(number) for number in range(3)]
DEAD_NODE = "http://127.0.0.1:9/secret-api-key"


@dataclass
class Counter:
    """The command line of a pool that pays live, and everything it ever printed."""

    openpool: Command
    rig: PayoutRig
    options: dict[str, Any]
    printed: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str, code: int = 0, **options: object) -> Ran:
        ran = self.openpool("payouts", *arguments, **(self.options | options))
        self.printed += [ran.stdout, ran.stderr]
        assert ran.code == code, (arguments, ran)
        return ran

    def json(self, *arguments: str, code: int = 0, **options: object) -> Any:
        """What a command prints with --json."""
        return self(*arguments, "--json", code=code, **options).json


@pytest.fixture
def counter(
    openpool: Command, tmp_path: Path, anvil: AnvilServer, caplog: pytest.LogCaptureFixture
) -> Iterator[Counter]:
    """Three workers with 0.3 ETH each. In the end nothing secret was printed or logged."""
    caplog.set_level(logging.DEBUG)
    home = tmp_path / "home"
    home.mkdir()
    key = anvil.account(50 * ETH_WEI)
    rig = PayoutRig.at(home, key, RpcChain(anvil.url))
    rig.earn(*[(worker, 4 * 10**17) for worker in WORKERS])
    keystore = tmp_path / "keystore.json"
    keystore.write_text(json.dumps(Account.encrypt(key.key, PASSWORD, "pbkdf2", 1)))
    made = Counter(
        openpool,
        rig,
        {
            "OPENPOOL_PAYOUTS": "live",
            "OPENPOOL_PAYOUT_QUARANTINE_DAYS": 0,
            "ETH_RPC_ENDPOINT": anvil.url,
            "ETH_KEYSTORE": keystore,
            "ETH_KEYSTORE_PASSWORD": PASSWORD,
        },
    )
    yield made
    told = "\n".join([*made.printed, caplog.text]).lower()
    secrets = [PASSWORD, bytes(key.key).hex(), "secret-api-key"]
    signed = [one for payout in rig.payouts() for slot in payout.slots for one in slot.attempts]
    secrets += [one.signed.raw.hex()[:80] for one in signed]
    assert [secret for secret in secrets if secret.lower() in told] == []
    rig.scratch.close()


def test_a_plan_a_run_and_its_settlement(counter: Counter, anvil: AnvilServer) -> None:
    plan = counter.json("plan")
    assert len(plan["payments"]) == 3 and plan["total_wei"] == str(9 * 10**17)
    assert plan["hash"] in counter("plan").stdout
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
    assert counter.json("list", **down)["status"]["paused"] == "by the operator: looking"
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
    counter("threshold", WORKERS[0], "1.5", "--reason", "no", code=2)
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
