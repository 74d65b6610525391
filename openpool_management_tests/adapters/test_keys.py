"""Signers with a key of their own: real keystores, and that no secret gets out of them."""

import copy
import json
import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as EthAccount
from pydantic import SecretStr

from openpool_management.adapters.keys.keystore import stated_address
from openpool_management.adapters.keys.load import load_signer
from openpool_management.domain.payouts.transactions import Transfer, signed_as_asked
from openpool_management.services.ports.chain import Signer, SignerError

DIGITS = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
PASSWORD = "correct horse hunter2"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
OTHER = "0x52908400098527886E0F7030069857D2E4169EE7"
TRANSFER = Transfer(42161, 7, OTHER, 2**70, 60_000, 10**9, 0)


@pytest.fixture(scope="module")
def keystores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Keystores of both kinds, with few rounds so that they open quickly."""
    folder = tmp_path_factory.mktemp("keys")
    files = {}
    for kdf, rounds in (("scrypt", 2), ("pbkdf2", 1)):
        files[kdf] = folder / f"{kdf}.json"
        keystore = EthAccount.encrypt("0x" + DIGITS, PASSWORD, kdf=kdf, iterations=rounds)  # type: ignore[arg-type]
        files[kdf].write_text(json.dumps(keystore))
    return files


def assert_signs(signer: Signer) -> None:
    assert signer.address == ADDRESS
    signed = signed_as_asked(signer.sign(TRANSFER), TRANSFER, ADDRESS)
    assert signed.transfer.value_wei == 2**70


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_a_keystore_signs(keystores: dict[str, Path], kdf: str) -> None:
    assert_signs(load_signer(keystore=keystores[kdf], keystore_password=SecretStr(PASSWORD)))


def test_a_password_from_a_file(keystores: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\r\n")
    assert_signs(load_signer(keystore=keystores["scrypt"], keystore_password=SecretStr(str(file))))


@pytest.mark.parametrize("digits", [DIGITS, "0x" + DIGITS, DIGITS.upper()])
def test_a_plain_key_signs_and_is_warned_of(digits: str, caplog: pytest.LogCaptureFixture) -> None:
    signer = load_signer(private_key=SecretStr(digits), sender=ADDRESS)
    assert caplog.records == []
    assert_signs(signer)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "use ETH_KEYSTORE" in record.getMessage()
    assert DIGITS not in caplog.text.lower()


def test_no_warning_in_development(caplog: pytest.LogCaptureFixture) -> None:
    assert_signs(load_signer(private_key=SecretStr(DIGITS), development=True))
    assert caplog.records == []


def test_eth_private_key_may_name_a_keystore(
    keystores: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    key = SecretStr(str(keystores["scrypt"]))
    assert_signs(load_signer(private_key=key, keystore_password=SecretStr(PASSWORD)))
    assert caplog.records == []


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "not-there.json"
    signer = load_signer(keystore=file, keystore_password=SecretStr(PASSWORD))
    with pytest.raises(
        SignerError, match=r"not-there\.json of ETH_KEYSTORE can't be read \(No such"
    ):
        signer.sign(TRANSFER)


def assert_clean(error: BaseException, *secrets: str) -> None:
    """Neither the error's traceback nor what hangs on it holds a secret."""
    assert error.__cause__ is error.__context__ is None
    text = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    for secret in secrets:
        assert secret not in text


def _wrong(keystores: dict[str, Path], tmp_path: Path) -> dict[str, tuple[dict[str, Any], str]]:
    texts = {
        "empty": "",
        "no-json": "{" + PASSWORD,
        "list": "[]",
        "no-crypto": '{"version": 3}',
        "version": keystores["pbkdf2"].read_text().replace('"version": 3', '"version": 9'),
        "kdf": keystores["pbkdf2"].read_text().replace('"kdf": "pbkdf2"', '"kdf": "md5"'),
    }
    files = {name: tmp_path / name for name in texts}
    for name, text in texts.items():
        files[name].write_text(text)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    password = SecretStr(PASSWORD)
    good = keystores["scrypt"]
    return {
        "wrong password": (
            {"keystore": good, "keystore_password": SecretStr(PASSWORD + "!")},
            "ETH_KEYSTORE_PASSWORD does not open the keystore",
        ),
        "no password": ({"keystore": good}, "ETH_KEYSTORE_PASSWORD is not set"),
        "password file": (
            {"keystore": good, "keystore_password": SecretStr(str(tmp_path / "binary"))},
            "The file that ETH_KEYSTORE_PASSWORD names can't be read",
        ),
        "directory": ({"keystore": tmp_path, "keystore_password": password}, "can't be read"),
        "empty": ({"keystore": files["empty"], "keystore_password": password}, "no JSON"),
        "no json": ({"keystore": files["no-json"], "keystore_password": password}, "no JSON"),
        "list": ({"keystore": files["list"], "keystore_password": password}, "no JSON object"),
        "crypto": ({"keystore": files["no-crypto"], "keystore_password": password}, "is damaged"),
        "version": ({"keystore": files["version"], "keystore_password": password}, "is damaged"),
        "kdf": ({"keystore": files["kdf"], "keystore_password": password}, "is damaged"),
        "short key": ({"private_key": SecretStr(DIGITS[:-1])}, "neither 64 hex digits nor"),
        "long text": ({"private_key": SecretStr(DIGITS * 99)}, "neither 64 hex digits nor"),
        "zero key": ({"private_key": SecretStr("0" * 64)}, "is no private key"),
        "key too large": ({"private_key": SecretStr("f" * 64)}, "is no private key"),
        "other sender": (
            {"private_key": SecretStr(DIGITS), "sender": OTHER},
            f"that of {ADDRESS}, but OPENPOOL_PAYOUT_SENDER is {OTHER}",
        ),
        "keystore as key": (
            {"private_key": SecretStr(str(good))},
            "ETH_PRIVATE_KEY names a keystore, but ETH_KEYSTORE_PASSWORD is not set",
        ),
    }


CASES = [
    "wrong password",
    "no password",
    "password file",
    "directory",
    "empty",
    "no json",
    "list",
    "crypto",
    "version",
    "kdf",
    "short key",
    "long text",
    "zero key",
    "key too large",
    "other sender",
    "keystore as key",
]


@pytest.mark.parametrize("case", CASES)
def test_a_key_that_can_t_be_had_is_a_sentence_without_it(
    keystores: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    given, told = _wrong(keystores, tmp_path)[case]
    signer = load_signer(**given)
    with caplog.at_level(logging.DEBUG):
        for ask in (lambda: signer.address, lambda: signer.sign(TRANSFER)):
            with pytest.raises(SignerError) as caught:
                ask()
            assert told in str(caught.value)
            assert_clean(caught.value, DIGITS[:-1], PASSWORD)
    assert DIGITS[:-1] not in caplog.text
    assert PASSWORD not in caplog.text


def test_one_key_exactly(keystores: dict[str, Path]) -> None:
    with pytest.raises(SignerError, match="0 keys are set"):
        load_signer()
    with pytest.raises(SignerError, match="2 keys are set"):
        load_signer(keystore=keystores["scrypt"], private_key=SecretStr(DIGITS))
    with pytest.raises(SignerError, match="OPENPOOL_PAYOUT_SENDER is not set"):
        load_signer(signer_url="http://127.0.0.1:1")


def test_what_can_t_be_signed_is_a_sentence() -> None:
    signer = load_signer(private_key=SecretStr(DIGITS), development=True)
    wrong = Transfer(42161, 7, OTHER.lower(), 1, 60_000, 10**9, 0)
    with pytest.raises(SignerError, match="could not be signed") as caught:
        signer.sign(wrong)
    assert_clean(caught.value, DIGITS)


def assert_hides(signer: Signer, caplog: pytest.LogCaptureFixture, *secrets: str) -> None:
    """Neither the signer nor what it logs holds a secret, before and after it signed."""
    with caplog.at_level(logging.DEBUG):
        before = f"{signer} {signer!r} {vars(signer)}"
        raw = signer.sign(TRANSFER).hex()
    shown = f"{before} {signer} {signer!r} {vars(signer)} {caplog.text}".lower()
    assert [secret for secret in (*secrets, raw) if secret in shown] == []
    for dump in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            dump(signer)


def test_no_signer_shows_its_secrets(
    keystores: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    secrets = (DIGITS, str(int(DIGITS, 16)), PASSWORD)
    keystore, password = keystores["scrypt"], SecretStr(PASSWORD)
    assert_hides(load_signer(keystore=keystore, keystore_password=password), caplog, *secrets)
    assert_hides(load_signer(private_key=SecretStr(DIGITS)), caplog, *secrets)


def test_the_address_that_a_keystore_states(keystores: dict[str, Path], tmp_path: Path) -> None:
    assert stated_address(keystores["scrypt"]) == ADDRESS
    assert stated_address(tmp_path / "none.json") is None
    (tmp_path / "private.json").write_text('{"version": 3}')
    assert stated_address(tmp_path / "private.json") is None
