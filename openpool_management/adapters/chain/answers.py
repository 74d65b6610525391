"""A node's answers as values. Everything is looked at: a node may be wrong, or no node at all."""

import re
from collections.abc import Mapping

from openpool_management.domain.addresses import checksum_address
from openpool_management.domain.payouts.chain import Block, ChainTransaction, Receipt

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_ARBITRUM_TYPES = range(0x64, 0x6B)
_UNSIGNED_TYPE = 0x65


class Nonsense(Exception):
    """An answer is not what was asked for; the text goes on after "the node …"."""


def quantity(answer: object, what: str = "what it answered") -> int:
    """A whole number. Raises Nonsense."""
    if not isinstance(answer, str) or _QUANTITY.fullmatch(answer) is None:
        raise Nonsense(f"{what} is no hexadecimal number")
    return int(answer, 16)


def data(answer: object) -> bytes:
    """Bytes. Raises Nonsense."""
    if not isinstance(answer, str) or _DATA.fullmatch(answer) is None:
        raise Nonsense("what it answered are no hexadecimal bytes")
    return bytes.fromhex(answer[2:])


def hash_text(answer: object, what: str = "what it answered") -> str:
    """A hash in lower case. Raises Nonsense."""
    if not isinstance(answer, str) or _HASH.fullmatch(answer) is None:
        raise Nonsense(f"{what} is no hash")
    return answer.lower()


def block(answer: object) -> Block:
    """A block's head. Raises Nonsense, and so it does for a chain without base fees."""
    fields = _fields(answer, "a block")
    if "baseFeePerGas" not in fields:
        raise Nonsense("the block has no base fee, so this is no chain of EIP-1559")
    return Block(
        number=quantity(fields.get("number"), "the block's number"),
        hash=hash_text(fields.get("hash"), "the block's hash"),
        timestamp_s=quantity(fields.get("timestamp"), "the block's time"),
        base_fee_wei=quantity(fields["baseFeePerGas"], "the block's base fee"),
    )


def receipt(answer: object, tx_hash: str) -> Receipt | None:
    """The receipt of a transaction, None for one that no block holds. Raises Nonsense."""
    if answer is None:
        return None
    fields = _fields(answer, "a receipt")
    if hash_text(fields.get("transactionHash"), "the receipt's transaction") != tx_hash:
        raise Nonsense("the receipt is of another transaction")
    if fields.get("blockNumber") is None or fields.get("blockHash") is None:
        return None
    status = quantity(fields.get("status"), "the receipt's status")
    if status not in (0, 1):
        raise Nonsense(f"the receipt's status is {status} instead of 0 or 1")
    return Receipt(
        tx_hash=tx_hash,
        block_number=quantity(fields["blockNumber"], "the receipt's block"),
        block_hash=hash_text(fields["blockHash"], "the receipt's block hash"),
        succeeded=status == 1,
        gas_used=quantity(fields.get("gasUsed"), "the gas used"),
        gas_price_wei=quantity(fields.get("effectiveGasPrice"), "the gas price"),
    )


def transaction(answer: object) -> ChainTransaction:
    """A transaction. Raises Nonsense."""
    fields = _fields(answer, "a transaction")
    to, number = fields.get("to"), fields.get("blockNumber")
    return ChainTransaction(
        hash=hash_text(fields.get("hash"), "the transaction's hash"),
        sender=_address(fields.get("from"), "the sender"),
        nonce=quantity(fields.get("nonce"), "the nonce"),
        to=None if to is None else _address(to, "the recipient"),
        value_wei=quantity(fields.get("value"), "the value"),
        block_number=None if number is None else quantity(number, "the transaction's block"),
    )


def sent_by(answer: object, sender: str) -> list[ChainTransaction]:
    """A sender's transactions in a block with whole transactions, by nonce. Raises Nonsense."""
    listed = _fields(answer, "a block").get("transactions")
    if not isinstance(listed, list):
        raise Nonsense("the block lists no transactions")
    sent = []
    for each in listed:
        fields = _fields(each, "a transaction")
        if _address(fields.get("from"), "the sender") != sender:
            continue
        # Arbitrum's deposits and retries come from accounts too, but bear no nonce of theirs.
        kind = quantity(fields.get("type", "0x0"), "the transaction's type")
        if kind not in _ARBITRUM_TYPES or kind == _UNSIGNED_TYPE:
            sent.append(transaction(fields))
    return sorted(sent, key=lambda it: it.nonce)


def _fields(answer: object, what: str) -> Mapping[str, object]:
    if not isinstance(answer, dict):
        raise Nonsense(f"what it answered is not {what}")
    return answer


def _address(answer: object, what: str) -> str:
    address = checksum_address(answer.lower()) if isinstance(answer, str) else None
    if address is None:
        raise Nonsense(f"{what} is no address")
    return address
