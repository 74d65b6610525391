"""What a node's words about a broadcast hint at.

Error texts are no interface: nodes differ, and what a text says may still be wrong. So a reply
only hints, and the chain's state decides. A text that fits nothing is UNKNOWN, the outcome that
claims nothing.
"""

import re

from openpool_management.domain.payouts.chain import SendOutcome, SendReply

DETAIL_LENGTH = 200
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602

# In this order: the first text that is found in the node's words decides.
_HINTS = (
    ("already known", SendOutcome.KNOWN),
    ("already imported", SendOutcome.KNOWN),
    ("alreadyknown", SendOutcome.KNOWN),
    ("nonce too low", SendOutcome.NONCE_TOO_LOW),
    ("nonce is too low", SendOutcome.NONCE_TOO_LOW),
    ("nonce too high", SendOutcome.NONCE_TOO_HIGH),
    ("nonce is too high", SendOutcome.NONCE_TOO_HIGH),
    ("gapped-nonce", SendOutcome.NONCE_TOO_HIGH),
    ("max priority fee per gas higher than max fee per gas", SendOutcome.REFUSED),
    ("max fee per gas less than block base fee", SendOutcome.FEE_TOO_LOW),
    ("fee cap less than block base fee", SendOutcome.FEE_TOO_LOW),
    ("replacement transaction underpriced", SendOutcome.UNDERPRICED),
    ("could not replace existing", SendOutcome.UNDERPRICED),
    # The pool's own lowest price, with no other transaction at this nonce.
    ("transaction underpriced", SendOutcome.FEE_TOO_LOW),
    ("intrinsic gas too low", SendOutcome.GAS_TOO_LOW),
    ("gas required exceeds", SendOutcome.GAS_TOO_LOW),
    ("insufficient gas for floor data", SendOutcome.GAS_TOO_LOW),
    ("insufficient funds", SendOutcome.INSUFFICIENT_FUNDS),
    ("insufficient balance", SendOutcome.INSUFFICIENT_FUNDS),
    ("enough funds", SendOutcome.INSUFFICIENT_FUNDS),
    ("execution reverted", SendOutcome.REVERTED),
    ("chain id", SendOutcome.REFUSED),
    ("chainid", SendOutcome.REFUSED),
    ("invalid sender", SendOutcome.REFUSED),
    ("sender not an eoa", SendOutcome.REFUSED),
    ("transaction v, r, s", SendOutcome.REFUSED),
    ("transaction type not supported", SendOutcome.REFUSED),
    ("failed to decode", SendOutcome.REFUSED),
    ("rlp:", SendOutcome.REFUSED),
    ("exceeds the configured cap", SendOutcome.REFUSED),
    ("exceeds block gas limit", SendOutcome.REFUSED),
    ("intrinsic gas too high", SendOutcome.REFUSED),
    ("gas limit too high", SendOutcome.REFUSED),
    ("method not found", SendOutcome.REFUSED),
    ("does not exist/is not available", SendOutcome.REFUSED),
)
_EXPIRED = "context deadline exceeded"
# With these, it was a gateway that ran out of time, and the transaction may be further along.
_GATEWAY = ("client.timeout", "http", "awaiting headers", "dial tcp", "rpc error")

_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_LONG_HEX = re.compile(r"[0-9a-fA-F]{71,}")


def classify_send(message: str, code: int | None = None) -> SendReply:
    """The hint in an error that a node answered a broadcast with: geth's, Nitro's or anvil's.

    code is the JSON-RPC error code. The detail is fit for logs.
    """
    return SendReply(_outcome(message.lower(), code), node_words(message))


def node_words(text: str) -> str:
    """A node's words in one line of at most 200 characters, without URLs and raw transactions.

    URLs may hold keys. Hex as long as a hash stays.
    """
    plain = _LONG_HEX.sub("…", _URL.sub("…", text))
    line = " ".join("".join(char if char.isprintable() else " " for char in plain).split())
    return line if len(line) <= DETAIL_LENGTH else line[: DETAIL_LENGTH - 1] + "…"


def _outcome(words: str, code: int | None) -> SendOutcome:
    for text, outcome in _HINTS:
        if text in words:
            return outcome
    if _EXPIRED in words and not any(text in words for text in _GATEWAY):
        return SendOutcome.EXPIRED
    if code in (METHOD_NOT_FOUND, INVALID_PARAMS):
        return SendOutcome.REFUSED
    return SendOutcome.UNKNOWN
