"""Keys out of keystore files (version 3) and hex digits. No error holds a key or password."""

import json
import re
from pathlib import Path

from eth_account import Account as EthAccount
from eth_account.signers.local import LocalAccount
from pydantic import SecretStr

from openpool_management.domain.addresses import checksum_address
from openpool_management.services.ports.chain import SignerError

_HEX_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")

# Errors are raised outside of the except blocks: what eth-account and json raise may quote a
# secret, and would otherwise stay reachable as the context.


def is_hex_key(text: str) -> bool:
    """Whether a text has the form of a private key."""
    return _HEX_KEY.fullmatch(text) is not None


def key_from_hex(key: SecretStr, option: str) -> LocalAccount:
    """The account of a key in hex digits. Raises SignerError, which names the option."""
    try:
        account: LocalAccount = EthAccount.from_key(key.get_secret_value())
        return account
    except Exception:  # noqa: BLE001, S110
        pass
    raise SignerError(f"{option} is no private key of Ethereum: take the right 64 hex digits.")


def key_from_keystore(file: Path, password: SecretStr | None, option: str) -> LocalAccount:
    """The account of a keystore. The password is its text, or the path of a file that holds it.

    Raises SignerError, which names the option that the keystore comes from.
    """
    if password is None:
        raise SignerError(
            f"{option} names a keystore, but ETH_KEYSTORE_PASSWORD is not set: "
            "set it to the password or to the path of a file that holds it."
        )
    keystore = _read_keystore(file, option)
    secret = _read_password(password)
    problem = (
        f"The keystore {file} of {option} can't be opened: it is damaged or of another kind than "
        "version 3. Write it again with the tool that made it."
    )
    try:
        key = EthAccount.decrypt(keystore, secret.get_secret_value())
        account: LocalAccount = EthAccount.from_key(key)
        return account
    except ValueError as error:
        if "MAC" in str(error):
            problem = (
                f"ETH_KEYSTORE_PASSWORD does not open the keystore {file} of {option}: "
                "set the right password."
            )
    except Exception:  # noqa: BLE001, S110
        pass
    raise SignerError(problem)


def stated_address(file: Path) -> str | None:
    """The address that a keystore tells without its password, EIP-55; None if it tells none."""
    try:
        stated = _read_keystore(file, "ETH_KEYSTORE").get("address")
    except SignerError:
        return None
    return checksum_address("0x" + stated.removeprefix("0x")) if isinstance(stated, str) else None


def is_file(text: str) -> bool:
    """Whether a text names a file; False for texts that can't be a path."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _read_keystore(file: Path, option: str) -> dict[str, object]:
    try:
        keystore = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "unreadable"
    except (ValueError, RecursionError):
        reason = "it is no JSON"
    else:
        if isinstance(keystore, dict):
            return keystore
        reason = "it is no JSON object"
    raise SignerError(
        f"The keystore {file} of {option} can't be read ({reason}): "
        "name a keystore file that this user may read."
    )


def _read_password(password: SecretStr) -> SecretStr:
    text = password.get_secret_value()
    if not is_file(text):
        return password
    try:
        return SecretStr(Path(text).read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError):
        # Told below, out of reach of an error that may quote the file.
        pass
    raise SignerError(
        "The file that ETH_KEYSTORE_PASSWORD names can't be read: "
        "make it UTF-8 text that this user may read."
    )
