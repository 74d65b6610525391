"""A key in this process, read when it is first needed."""

from collections.abc import Callable
from typing import Any, NoReturn

from eth_account.signers.local import LocalAccount

from openpool_management.domain.payouts.transactions import Transfer
from openpool_management.services.ports.chain import SignerError


class LocalSigner:
    """Signs with a key of its own. Neither repr nor pickle holds the key.

    load is called once, when the address or a signature is first asked for. sender is the address
    that the key must have, if it is known beforehand.
    """

    def __init__(self, load: Callable[[], LocalAccount], sender: str | None = None) -> None:
        self._load = load
        self._sender = sender
        self._account: LocalAccount | None = None

    @property
    def address(self) -> str:
        """The address of the key, EIP-55. Raises SignerError if the key can't be had."""
        return str(self._key().address)

    def sign(self, transfer: Transfer) -> bytes:
        """Signed bytes, to be checked by the caller. Raises SignerError."""
        key = self._key()
        fields: Any = transfer.fields()
        try:
            return bytes(key.sign_transaction(fields).raw_transaction)
        except Exception as error:  # noqa: BLE001
            kind = type(error).__name__
        raise SignerError(
            f"A transfer of {transfer.value_wei} wei to {transfer.to} could not be "
            f"signed ({kind}): look at its address and amounts."
        )

    def _key(self) -> LocalAccount:
        if self._account is None:
            account = self._load()
            if self._sender not in (None, account.address):
                raise SignerError(
                    f"The key is that of {account.address}, but OPENPOOL_PAYOUT_SENDER is "
                    f"{self._sender}: set the right key, or the right sender."
                )
            self._account = account
        return self._account

    def __reduce__(self) -> NoReturn:
        raise TypeError("A signer holds a key, so it is not pickled: make it where it is used.")

    def __repr__(self) -> str:
        known = self._account.address if self._account is not None else self._sender
        return f"LocalSigner({known or 'key not read yet'})"
