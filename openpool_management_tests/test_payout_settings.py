"""The options of payouts: defaults, that they fit together, and that no key is shown."""

from pathlib import Path

import pytest

from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.options import SettingsError
from openpool_management.settings import load_settings
from openpool_management_tests.test_settings import SECRET, problems_of, project

__all__ = ["project"]

ALICE = "0x52908400098527886E0F7030069857D2E4169EE7"
BOB = "0x8617E340B3D01FA5F11F306F4090FD50E238070D"
RPC = "https://node.example.org/v2/key"
KEY = "0x" + "4c" * 32


def test_defaults_pay_nobody() -> None:
    settings = load_settings()

    assert settings.payouts is PayoutMode.OFF
    assert settings.payment_threshold_wei == 10**16
    assert settings.payout_floor_wei == 10**15
    assert settings.max_gas_price_wei == 10**9
    assert settings.priority_fee_wei == 0
    assert settings.chain_id == 42161
    assert settings.rpc_urls == ()
    assert settings.key_options == ()
    assert settings.payout_allow == settings.payout_deny == ()
    assert not settings.development


def test_amounts_beyond_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENPOOL_PAYOUT_DAY_MAX_WEI", str(2**256 - 1))
    assert load_settings().payout_day_max_wei == 2**256 - 1


def test_lists_of_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENPOOL_PAYOUT_ALLOW", f" {BOB} ,{ALICE.lower()},{ALICE},")
    settings = load_settings()
    assert settings.payout_allow == (ALICE, BOB)
    values = {row.name: row.value for row in settings.describe()}
    assert values["OPENPOOL_PAYOUT_ALLOW"] == f"{ALICE}, {BOB}"
    assert values["OPENPOOL_PAYOUT_DENY"] == "not set"


def test_several_nodes_in_the_order_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETH_RPC_ENDPOINT", f"{RPC}, http://127.0.0.1:8545,{RPC}")
    assert load_settings().rpc_urls == (RPC, "http://127.0.0.1:8545")


def test_the_explorer_is_that_of_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().explorer_url == "https://arbiscan.io/tx/"
    monkeypatch.setenv("CHAIN_ID", "31337")
    assert load_settings().explorer_url is None
    monkeypatch.setenv("OPENPOOL_EXPLORER_URL", "https://explorer.example.org/tx/")
    assert load_settings().explorer_url == "https://explorer.example.org/tx/"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (
            {"OPENPOOL_PAYOUT_FLOOR_WEI": "11", "PAYMENT_THRESHOLD_WEI": "10"},
            "OPENPOOL_PAYOUT_FLOOR_WEI is 11 and PAYMENT_THRESHOLD_WEI is 10",
        ),
        ({"OPENPOOL_PAYOUT_MAX_WEI": "0"}, "OPENPOOL_PAYOUT_MAX_WEI is 0"),
        ({"OPENPOOL_PAYOUT_UNFINAL_MAX_WEI": "9"}, "and OPENPOOL_PAYOUT_UNFINAL_MAX_WEI is 9"),
        ({"OPENPOOL_PAYOUT_RUN_MAX_WEI": "9"}, "and OPENPOOL_PAYOUT_RUN_MAX_WEI is 9"),
        ({"OPENPOOL_PAYOUT_DAY_MAX_WEI": "9"}, "and OPENPOOL_PAYOUT_DAY_MAX_WEI is 9"),
        (
            {"OPENPOOL_PAYOUT_ALLOW": f"{ALICE},{BOB}", "OPENPOOL_PAYOUT_DENY": BOB},
            f"{BOB} is in OPENPOOL_PAYOUT_ALLOW and in OPENPOOL_PAYOUT_DENY",
        ),
        ({"OPENPOOL_PAYOUT_ALLOW_ONLY": "true"}, "OPENPOOL_PAYOUT_ALLOW names nobody"),
        ({"OPENPOOL_PRIORITY_FEE_WEI": str(10**10)}, "the tip is part of the price"),
    ],
)
def test_options_that_do_not_fit_together(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], told: str
) -> None:
    (sentence,) = problems_of(monkeypatch, **environment)
    assert told in sentence


def test_live_tells_all_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    rpc, key = problems_of(monkeypatch, OPENPOOL_PAYOUTS="live")
    assert "ETH_RPC_ENDPOINT is not set" in rpc
    assert "there is no key" in key


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (
            {"ETH_PRIVATE_KEY": KEY, "ETH_KEYSTORE": "key.json", "ETH_KEYSTORE_PASSWORD": "p"},
            "ETH_KEYSTORE and ETH_PRIVATE_KEY are set",
        ),
        ({"ETH_KEYSTORE": "key.json"}, "ETH_KEYSTORE_PASSWORD is not set"),
        ({"OPENPOOL_SIGNER_URL": "http://127.0.0.1:9000"}, "OPENPOOL_PAYOUT_SENDER is not"),
    ],
)
def test_live_has_one_whole_key(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], told: str
) -> None:
    monkeypatch.setenv("ETH_RPC_ENDPOINT", RPC)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENPOOL_PAYOUTS", "dry-run")
    assert load_settings().payouts is PayoutMode.DRY_RUN
    (sentence,) = problems_of(monkeypatch, OPENPOOL_PAYOUTS="live")
    assert told in sentence
    assert KEY not in sentence


@pytest.mark.parametrize(
    "environment",
    [
        {"ETH_PRIVATE_KEY": KEY},
        {"ETH_KEYSTORE": "key.json", "ETH_KEYSTORE_PASSWORD": "p"},
        {"OPENPOOL_SIGNER_URL": "http://127.0.0.1:9000", "OPENPOOL_PAYOUT_SENDER": ALICE},
    ],
)
def test_live_with_each_kind_of_key(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ETH_RPC_ENDPOINT", RPC)
    monkeypatch.setenv("OPENPOOL_PAYOUTS", "live")
    assert load_settings().payouts is PayoutMode.LIVE


def test_files_with_secrets_are_taken_from_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "password.txt").write_text("p")
    monkeypatch.setenv("ETH_KEYSTORE", "key.json")
    monkeypatch.setenv("ETH_KEYSTORE_PASSWORD", "password.txt")
    monkeypatch.setenv("ETH_PRIVATE_KEY", "~no-such-user-or-file")

    settings = load_settings()

    assert settings.eth_keystore == project / "key.json"
    password, key = settings.eth_keystore_password, settings.eth_private_key
    assert password is not None
    assert password.get_secret_value() == str(project / "password.txt")
    assert key is not None
    assert key.get_secret_value() == "~no-such-user-or-file"


def test_no_key_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETH_RPC_ENDPOINT", f"https://node.example.org/v2/{SECRET}")
    monkeypatch.setenv("ETH_KEYSTORE_PASSWORD", SECRET * 300)
    monkeypatch.setenv("ETH_PRIVATE_KEY", SECRET)
    monkeypatch.setenv("OPENPOOL_SIGNER_URL", f"https://pool:{SECRET}@signer.example.org")

    settings = load_settings()

    for text in (repr(settings), str(settings), f"{settings}", str(settings.describe())):
        assert SECRET not in text
    values = {row.name: row.value for row in settings.describe()}
    assert values["ETH_PRIVATE_KEY"] == values["ETH_RPC_ENDPOINT"] == "set, not shown"
    assert values["OPENPOOL_SIGNER_URL"] == "set, not shown"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ETH_RPC_ENDPOINT", f"ftp://node.example.org/{SECRET}"),
        ("ETH_RPC_ENDPOINT", f"{RPC},{SECRET}"),
        ("ETH_RPC_ENDPOINT", f"http://node.example.org:99999/{SECRET}"),
        ("ETH_RPC_ENDPOINT", f"http://node.example.org:1x/{SECRET}"),
        ("ETH_RPC_ENDPOINT", f"http://user:{SECRET}#x@node.example.org"),
        ("ETH_RPC_ENDPOINT", f"http://exa mple.com/{SECRET}"),
        ("ETH_RPC_ENDPOINT", f"http://*.example.org/{SECRET}"),
        ("OPENPOOL_SIGNER_URL", f"signer:{SECRET}@127.0.0.1"),
    ],
)
def test_a_wrong_secret_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(name)
    assert "http:// or https:// URL" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
