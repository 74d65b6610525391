"""``openpool payouts`` where the wallet, its chain or its key are not what was meant."""

from typing import Any

from eth_account import Account

from openpool_management_tests.cli.payout_counter import NET_WEI, WORKERS, Counter
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


def test_a_threshold_of_more_digits_than_an_amount_has(counter: Counter) -> None:
    refused = counter("threshold", WORKERS[0], "9" * 5000, "--reason", "never", code=2)
    assert "no amount in wei" in refused.stderr
