"""What a node tells of the model of a chain: the read half of the Chain port."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from openpool_management.domain.payouts.chain import Block, ChainTransaction, Receipt
from openpool_management.domain.payouts.transactions import SignedTransfer
from openpool_management.services.ports.chain import ExecutionReverted, Outlook

GAS = 21_000


@dataclass
class MinedBlock:
    """A block: its head, money that came from nowhere in it, and its transfers.

    Each transfer is with whether it succeeded.
    """

    head: Block
    grants: list[tuple[str, int]] = field(default_factory=list)
    transfers: list[tuple[SignedTransfer, bool]] = field(default_factory=list)


class ChainView(ABC):
    """A node's answers, worked out from the blocks that it has."""

    name = "a node of the model"

    @property
    @abstractmethod
    def seen(self) -> list[MinedBlock]:
        """The blocks that the node has."""

    @property
    @abstractmethod
    def final_number(self) -> int:
        """The newest block that the node calls final."""

    @property
    @abstractmethod
    def refusing(self) -> set[str]:
        """Addresses that refuse transfers."""

    @property
    @abstractmethod
    def base_fee_wei(self) -> int:
        """What the next block asks for gas."""

    @abstractmethod
    def chain_id(self) -> int:
        """See the port."""

    def latest(self) -> Block:
        """See the port."""
        head = self.seen[-1].head
        return Block(head.number, head.hash, head.timestamp_s, self.base_fee_wei)

    def finalized(self) -> Block:
        """See the port."""
        return self.seen[self.final_number].head

    def block(self, number: int) -> Block | None:
        """See the port."""
        return self.seen[number].head if number < len(self.seen) else None

    def nonce(self, address: str, block: int | None = None) -> int:
        """See the port."""
        return sum(
            signed.sender == address for one in self._up_to(block) for signed, _ in one.transfers
        )

    def balance_wei(self, address: str, block: int | None = None) -> int:
        """See the port."""
        total_wei = 0
        for one in self._up_to(block):
            total_wei += sum(wei for to, wei in one.grants if to == address)
            for signed, succeeded in one.transfers:
                value_wei = signed.transfer.value_wei if succeeded else 0
                if signed.transfer.to == address:
                    total_wei += value_wei
                if signed.sender == address:
                    total_wei -= value_wei + GAS * one.head.base_fee_wei
        return total_wei

    def code(self, address: str) -> bytes:
        """See the port."""
        return b"\xfd" if address in self.refusing else b""

    def outlook(self, sender: str, to: str, value_wei: int) -> Outlook:
        """See the port."""
        refused = to in self.refusing
        return Outlook(
            self.nonce(sender),
            self.balance_wei(sender),
            self.base_fee_wei,
            ExecutionReverted("execution reverted") if refused else GAS,
        )

    def priority_fee_wei(self) -> int:
        """See the port."""
        return 0

    def receipts(self, hashes: Sequence[str]) -> list[Receipt]:
        """See the port."""
        wanted = set(hashes)
        return [
            Receipt(signed.hash, one.head.number, one.head.hash, good, GAS, one.head.base_fee_wei)
            for one in self.seen
            for signed, good in one.transfers
            if signed.hash in wanted
        ]

    def transaction(self, tx_hash: str) -> ChainTransaction | None:
        """See the port."""
        for one in self.seen:
            for signed, _ in one.transfers:
                if signed.hash == tx_hash:
                    return _told(signed, one.head.number)
        return None

    def sent_in_block(self, sender: str, number: int) -> list[ChainTransaction]:
        """See the port."""
        return [
            _told(signed, number)
            for signed, _ in self.seen[number].transfers
            if signed.sender == sender
        ]

    def _up_to(self, block: int | None) -> list[MinedBlock]:
        return self.seen if block is None else self.seen[: block + 1]


def _told(signed: SignedTransfer, number: int) -> ChainTransaction:
    transfer = signed.transfer
    return ChainTransaction(
        signed.hash, signed.sender, transfer.nonce, transfer.to, transfer.value_wei, number
    )
