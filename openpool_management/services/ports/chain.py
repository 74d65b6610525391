"""A chain and a key, as payouts need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from openpool_management.domain.payouts.chain import Block, ChainTransaction, Receipt, SendReply
from openpool_management.domain.payouts.transactions import Transfer


class ChainUnavailable(OSError):
    """A node could not be asked, or its answer makes no sense. The sentence names the node."""


class ExecutionReverted(Exception):
    """A transfer would revert at its recipient; the text is the node's reason."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a node says, at one moment, of a transfer that is not signed yet.

    nonce is what the sender uses next, balance_wei what it holds. gas_told is the estimate, L1's
    part included, or why there is none.
    """

    nonce: int
    balance_wei: int
    base_fee_wei: int
    gas_told: int | ExecutionReverted | ChainUnavailable

    def gas(self) -> int:
        """Gas that the transfer takes. Raises what stood in the way of an estimate."""
        if isinstance(self.gas_told, Exception):
            raise self.gas_told
        return self.gas_told


class Chain(Protocol):
    """One node of the chain. Every method asks it anew; all but send raise ChainUnavailable.

    Reads are tried again by themselves where that is safe; a broadcast never is.
    """

    @property
    def name(self) -> str:
        """The node in words, without a key or password of its URL."""
        ...

    def chain_id(self) -> int:
        """The chain that the node is on."""
        ...

    def latest(self) -> Block:
        """The newest block."""
        ...

    def finalized(self) -> Block:
        """The newest block that can't be taken back."""
        ...

    def block(self, number: int) -> Block | None:
        """A block by its number, None where the chain has none."""
        ...

    def nonce(self, address: str, block: int | None = None) -> int:
        """Transactions an address has in blocks, up to one or to the newest. Pools don't count."""
        ...

    def balance_wei(self, address: str, block: int | None = None) -> int:
        """What an address holds, at a block or at the newest."""
        ...

    def code(self, address: str) -> bytes:
        """The code at an address, empty for none."""
        ...

    def outlook(self, sender: str, to: str, value_wei: int) -> Outlook:
        """All that pricing and placing a transfer takes, in one request where the node lets it."""
        ...

    def priority_fee_wei(self) -> int:
        """The tip that the node suggests."""
        ...

    def receipts(self, hashes: Sequence[str]) -> list[Receipt]:
        """Receipts of those transactions that a block of the node's chain holds."""
        ...

    def transaction(self, tx_hash: str) -> ChainTransaction | None:
        """A transaction by its hash, None where the node knows none."""
        ...

    def sent_in_block(self, sender: str, number: int) -> list[ChainTransaction]:
        """Transactions of a sender in a block, in the order of their nonces."""
        ...

    def send(self, raw: bytes) -> SendReply:
        """Broadcast signed bytes, once. Raises nothing: a lost reply is SendOutcome.UNKNOWN."""
        ...


class SignerError(Exception):
    """A key could not be had or did not sign. The sentence holds no secret."""


class Signer(Protocol):
    """A key that signs transfers."""

    @property
    def address(self) -> str:
        """The address of the key, EIP-55."""
        ...

    def sign(self, transfer: Transfer) -> bytes:
        """Signed bytes, to be checked by the caller. Raises SignerError."""
        ...
