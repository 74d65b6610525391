"""What a chain says: blocks, receipts, transactions, and replies to a broadcast.

Hashes are lower-case hex text with 0x, addresses EIP-55 text, amounts wei.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Block:
    """A block's head. timestamp_s is in seconds since 1970, by the chain's clock."""

    number: int
    hash: str
    timestamp_s: int
    base_fee_wei: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an executed transaction. succeeded False: it reverted, its gas is spent.

    On Arbitrum gas_used holds the part for L1 already.
    """

    tx_hash: str
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    gas_price_wei: int

    @property
    def fee_wei(self) -> int:
        """What the sender paid for gas."""
        return self.gas_used * self.gas_price_wei


@dataclass(frozen=True, slots=True)
class ChainTransaction:
    """A transaction as a node tells of it. block_number None: it waits in a pool."""

    hash: str
    sender: str
    nonce: int
    to: str | None
    value_wei: int
    block_number: int | None


class SendOutcome(StrEnum):
    """What a reply to a broadcast hints at. What happened is asked of the chain's state."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    NONCE_TOO_LOW = "nonce-too-low"
    NONCE_TOO_HIGH = "nonce-too-high"
    EXPIRED = "expired"
    FEE_TOO_LOW = "fee-too-low"
    UNDERPRICED = "underpriced"
    GAS_TOO_LOW = "gas-too-low"
    INSUFFICIENT_FUNDS = "insufficient-funds"
    REVERTED = "reverted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SendReply:
    """A broadcast's reply: the hint, and the node's own words, shortened and without secrets."""

    outcome: SendOutcome
    detail: str = ""
