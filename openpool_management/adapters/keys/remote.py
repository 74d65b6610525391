"""A key on another machine that signs over JSON-RPC: Web3Signer, Clef or a node with accounts."""

import re
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr

from openpool_management.adapters.url_secrets import hide_in_logs
from openpool_management.domain.payouts.transactions import Transfer
from openpool_management.services.ports.chain import SignerError

_METHOD_NOT_FOUND = -32601
# Clef calls it by another name than Web3Signer and nodes.
_METHODS = ("eth_signTransaction", "account_signTransaction")
_RAW = re.compile(r"(?:0x)?(?:[0-9a-fA-F]{2}){1,10000}")
_LONG_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{64,}")


class RemoteSigner:
    """Asks a remote signer for signatures of one sender. No repr or pickle holds the URL.

    timeout_s is in seconds; Clef may ask a person meanwhile.
    """

    def __init__(self, url: str, sender: str, timeout_s: float = 60) -> None:
        hide_in_logs(url)
        self._url = SecretStr(url)
        self._sender = sender
        self._timeout_s = timeout_s
        parts = urlsplit(url)
        self._name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def address(self) -> str:
        """The address that it signs for, EIP-55."""
        return self._sender

    def sign(self, transfer: Transfer) -> bytes:
        """Signed bytes, to be checked by the caller. Raises SignerError."""
        for method in _METHODS:
            answer = self._ask(method, transfer)
            error = answer.get("error")
            if isinstance(error, dict) and error.get("code") == _METHOD_NOT_FOUND:
                continue
            if error:
                told = error.get("message", "") if isinstance(error, dict) else error
                raise SignerError(
                    f"The remote signer {self._name} did not sign for {self._sender}: "
                    f'"{_without_hex(told)}". Look at its log and its rules.'
                )
            return self._raw(answer.get("result"))
        raise SignerError(
            f"The remote signer {self._name} knows neither {' nor '.join(_METHODS)}: "
            "set OPENPOOL_SIGNER_URL to one that signs transactions."
        )

    def _ask(self, method: str, transfer: Transfer) -> dict[str, Any]:
        # Raised outside of the except block: the errors of requests hold URL and answer.
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [self._fields(transfer)]}
        try:
            reply = requests.post(
                self._url.get_secret_value(),
                json=body,
                timeout=self._timeout_s,
                allow_redirects=False,
            )
            status = reply.status_code
            answer = reply.json()
        except requests.exceptions.JSONDecodeError:
            problem = f"answered with HTTP {status} and no JSON"
        except requests.RequestException as error:
            problem = f"did not answer ({type(error).__name__})"
        else:
            if isinstance(answer, dict) and ("result" in answer or "error" in answer):
                return answer
            problem = f"answered with HTTP {status} and no result"
        raise SignerError(
            f"The remote signer {self._name} {problem}: "
            "see that it runs and that OPENPOOL_SIGNER_URL is right."
        )

    def _fields(self, transfer: Transfer) -> dict[str, str]:
        return {
            "from": self._sender,
            "to": transfer.to,
            "value": hex(transfer.value_wei),
            "nonce": hex(transfer.nonce),
            "gas": hex(transfer.gas),
            "maxFeePerGas": hex(transfer.max_fee_wei),
            "maxPriorityFeePerGas": hex(transfer.max_priority_fee_wei),
            "chainId": hex(transfer.chain_id),
            "data": "0x",
        }

    def _raw(self, result: object) -> bytes:
        raw = result.get("raw") if isinstance(result, dict) else result
        if isinstance(raw, str) and _RAW.fullmatch(raw):
            return bytes.fromhex(raw.removeprefix("0x"))
        raise SignerError(
            f"The remote signer {self._name} answered without signed bytes: "
            "see that it offers eth_signTransaction."
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("A signer may hold a password, so it is not pickled: make it anew.")

    def __repr__(self) -> str:
        return f"RemoteSigner({self._name}, {self._sender})"


def _without_hex(told: object) -> str:
    return _LONG_HEX.sub("…", str(told))[:200]
