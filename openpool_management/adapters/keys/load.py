"""The signer that the options name."""

import logging
from pathlib import Path

from eth_account.signers.local import LocalAccount
from pydantic import SecretStr

from openpool_management.adapters.keys.keystore import (
    is_file,
    is_hex_key,
    key_from_hex,
    key_from_keystore,
    stated_address,
)
from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.adapters.keys.remote import RemoteSigner
from openpool_management.services.ports.chain import Signer, SignerError

_log = logging.getLogger(__name__)


def load_signer(
    *,
    keystore: Path | None = None,
    keystore_password: SecretStr | None = None,
    private_key: SecretStr | None = None,
    signer_url: str | None = None,
    sender: str | None = None,
    development: bool = False,
) -> Signer:
    """The signer of the one key that is given; the key itself is read when it is first needed.

    keystore_password is the password or the path of a file with it; private_key is hex digits or
    the path of a keystore. sender is the address that the key must have. Raises SignerError
    unless exactly one of keystore, private_key and signer_url is given.
    """
    given = [one for one in (keystore, private_key, signer_url) if one is not None]
    if len(given) != 1:
        raise SignerError(
            f"{len(given)} keys are set, but payouts need one: set ETH_KEYSTORE, ETH_PRIVATE_KEY "
            "or OPENPOOL_SIGNER_URL."
        )
    if signer_url is not None:
        if sender is None:
            raise SignerError(
                "OPENPOOL_PAYOUT_SENDER is not set: set it to the address that the remote signer "
                "is to sign for."
            )
        return RemoteSigner(signer_url, sender)
    if keystore is not None:
        file = keystore
        return LocalSigner(
            lambda: key_from_keystore(file, keystore_password, "ETH_KEYSTORE"), sender
        )
    key = private_key or SecretStr("")
    return LocalSigner(lambda: _private_key(key, keystore_password, development), sender)


def stated_sender(keystore: Path | None, private_key: SecretStr | None) -> str | None:
    """The address that a keystore of the options tells without its password, EIP-55, if any."""
    if keystore is not None:
        return stated_address(keystore)
    text = private_key.get_secret_value() if private_key else ""
    return stated_address(Path(text)) if not is_hex_key(text) and is_file(text) else None


def _private_key(key: SecretStr, password: SecretStr | None, development: bool) -> LocalAccount:
    text = key.get_secret_value()
    if is_hex_key(text):
        account = key_from_hex(key, "ETH_PRIVATE_KEY")
        if not development:
            _log.warning(
                "ETH_PRIVATE_KEY holds a plain key, which anyone who reads the environment can "
                "take: use ETH_KEYSTORE, or set OPENPOOL_DEVELOPMENT=true where no money is."
            )
        return account
    if not is_file(text):
        raise SignerError(
            "ETH_PRIVATE_KEY is neither 64 hex digits nor the path of a keystore file: "
            "set it to one of the two."
        )
    return key_from_keystore(Path(text), password, "ETH_PRIVATE_KEY")
