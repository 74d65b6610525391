"""``openpool payouts`` where the wallet, its chain or its key are not what was meant."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.cli.payout_counter import NET_WEI, WORKERS, Counter
from openpool_management_tests.payout_rig import ETH_WEI, worker_address
from openpool_management_tests.servers.anvil import AnvilServer

HEX_KEY: dict[str, Any] = {
    "ETH_KEYSTORE": "",
    "ETH_KEYSTORE_PASSWORD": "",
    "OPENPOOL_DEVELOPMENT": "true",
}


def test_a_key_of_hex_digits_says_whose_wallet_it_is(counter: Counter, anvil: AnvilServer) -> None:
    first, second = Account.create(), Account.create()
    for key in (first, second):
        anvil.fund(key.address, 10**19)
        options = HEX_KEY | {"ETH_PRIVATE_KEY": key.key.hex()}
        assert counter.json("list", **options)["status"]["wallet"] == key.address
        assert counter.json("plan", **options)["sender"] == key.address
    counter.json("run", **HEX_KEY, ETH_PRIVATE_KEY=first.key.hex())
    assert counter.json("list", **options)["status"]["wallet"] == second.address


@pytest.mark.parametrize("mode", ["off", "dry-run", "live"])
def test_a_keystore_in_eth_private_key_says_whose_it_is(
    counter: Counter, tmp_path: Path, mode: str
) -> None:
    counter.json("run")
    key = Account.create()
    (tmp_path / "key.json").write_text(json.dumps(Account.encrypt(key.key, "pw", "pbkdf2", 1)))
    options: dict[str, Any] = {
        "OPENPOOL_PAYOUTS": mode,
        "ETH_KEYSTORE": "",
        "ETH_KEYSTORE_PASSWORD": "pw",
        "ETH_PRIVATE_KEY": tmp_path / "key.json",
    }
    assert counter.json("list", **options)["status"]["wallet"] == key.address
    assert counter.json("plan", **options)["sender"] == key.address


def test_an_unknown_wallet_is_not_taken_for_the_last_one(counter: Counter) -> None:
    counter.json("run")
    options = HEX_KEY | {"ETH_PRIVATE_KEY": Account.create().key.hex(), "OPENPOOL_PAYOUTS": "off"}
    assert counter.json("list", **options)["status"]["wallet"] is None
    for command in ("settle", "reconcile"):
        assert "OPENPOOL_PAYOUT_SENDER" in counter(command, code=2, **options).stderr
    no_key = options | {"ETH_PRIVATE_KEY": ""}
    assert counter.json("list", **no_key)["status"]["wallet"] == counter.rig.sender


def test_a_keystore_that_states_another_address_pays_nobody(
    counter: Counter, tmp_path: Path
) -> None:
    keystore = json.loads(counter.options["ETH_KEYSTORE"].read_text())
    stated = worker_address(77)
    (tmp_path / "key.json").write_text(json.dumps(keystore | {"address": stated[2:]}))
    options: dict[str, Any] = {"ETH_KEYSTORE": tmp_path / "key.json"}
    refused = counter("run", code=2, **options).stderr
    assert stated in refused and counter.rig.sender in refused and counter.rig.payouts() == []
    counter("run", OPENPOOL_PAYOUT_SENDER=counter.rig.sender, **options)
    assert len(counter.rig.payouts()) == 3


def test_money_that_is_gone_is_not_taken_for_payouts(counter: Counter, anvil: AnvilServer) -> None:
    def solvency(code: int) -> dict[str, Any]:
        anvil.finalize()
        document: dict[str, Any] = counter.command("solvency", "--json", code=code).json
        return document

    # Of a wallet that only the keystore tells.
    assert solvency(0)["chain_wei"] == str(50 * ETH_WEI)
    counter("run", code=1, MAX_GAS_PRICE_WEI=1)
    assert counter.rig.states() == [PayoutState.RESERVED] * 3
    anvil.fund(counter.rig.sender, NET_WEI)
    stolen = solvency(1)
    assert (stolen["sent_wei"], stolen["shortfall_wei"]) == ("0", str(2 * NET_WEI))
    anvil.fund(counter.rig.sender, 50 * ETH_WEI)
    anvil.finalize()
    counter("run")
    paid = solvency(0)
    assert paid["sent_wei"] == paid["in_payout_wei"] == str(3 * NET_WEI)


def test_a_plan_of_no_wallet_is_not_saved(counter: Counter) -> None:
    options = HEX_KEY | {"ETH_PRIVATE_KEY": Account.create().key.hex(), "OPENPOOL_PAYOUTS": "off"}
    assert "OPENPOOL_PAYOUT_SENDER" in counter("plan", "--save", code=2, **options).stderr
    assert counter.json("plan", **options)["sender"] == ""


def test_a_plan_that_pays_nobody_is_not_saved(counter: Counter) -> None:
    refused = counter("plan", "--save", code=2, PAYMENT_THRESHOLD_WEI=10**20)
    assert "pays nobody" in refused.stderr


def test_a_plan_of_another_chain_says_so(counter: Counter) -> None:
    refused = counter("plan", code=2, CHAIN_ID=1, OPENPOOL_PAYOUTS="dry-run")
    assert "on chain 42161 instead of 1" in refused.stderr


def test_code_at_the_wallet_is_told_in_a_sentence(counter: Counter, anvil: AnvilServer) -> None:
    anvil.refuse_payments(counter.rig.sender)
    assert "would revert" in counter("plan", code=2).stderr


def test_an_operators_block_outlives_a_retry(counter: Counter, anvil: AnvilServer) -> None:
    anvil.refuse_payments(WORKERS[0])
    ran = counter.json("run")
    [voided] = [one for one in ran["payouts"] if one["state"] == "voided"]
    counter("block", WORKERS[0], "--reason", "fraud")
    refused = counter("retry", voided["id"], "--reason", "receives again", code=2)
    assert "openpool payouts unblock" in refused.stderr
    anvil.rpc("anvil_setCode", WORKERS[0], "0x")
    [waiting] = [one for one in counter.json("plan")["decisions"] if one["worker"] == WORKERS[0]]
    assert waiting["verdict"] == "blocked"
    counter("unblock", WORKERS[0], "--reason", "no fraud")
    told = counter("retry", voided["id"], "--reason", "receives again")
    assert "is paid again by the next plan" in told.stdout
    assert [one["amount_wei"] for one in counter.json("plan")["payments"]] == [str(NET_WEI)]


def test_an_operators_block_below_one_of_the_program(counter: Counter, anvil: AnvilServer) -> None:
    anvil.refuse_payments(WORKERS[0])
    counter("run")
    [voided] = [one for one in counter.rig.payouts() if one.state is PayoutState.VOIDED]
    [reason] = counter.rig.book.block_reasons(WORKERS[0])
    counter("block", WORKERS[0], "--reason", "fraud")
    # A payout that was on its way ends because of its recipient, too.
    counter.rig.book.set_block(WORKERS[0], True, reason, counter.rig.now)
    refused = counter("retry", voided.id, "--reason", "receives again", code=2)
    assert "fraud. Lift that with openpool payouts unblock" in refused.stderr
    counter("unblock", WORKERS[0], "--reason", "no fraud")
    assert counter.rig.book.block_reasons(WORKERS[0]) == []


def test_a_threshold_of_more_digits_than_an_amount_has(counter: Counter) -> None:
    refused = counter("threshold", WORKERS[0], "9" * 5000, "--reason", "never", code=2)
    assert "no amount in wei" in refused.stderr
