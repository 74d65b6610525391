"""What is final: in a block that can't be taken back, by the word of every node."""

from dataclasses import dataclass, field

from openpool_management.domain.payouts.chain import Receipt
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.ports.chain import Chain


@dataclass(slots=True)
class Finality:
    """The finalized blocks of a moment; block hashes are asked once for each number.

    doubts are sentences on what is final by its block and is not taken for it yet.
    """

    paymaster: Paymaster
    doubts: list[str] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)
    _hashes: dict[tuple[int, int], str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The newest block that every node calls final."""
        return min(self._final(node) for node in self.paymaster.nodes)

    def reached(self, receipt: Receipt) -> bool:
        """Whether the receipt's block is final and part of the chain, on every node."""
        return all(self._on(node, receipt) for node in self.paymaster.nodes)

    def nonce(self, sender: str) -> int:
        """Number of transactions of an address that are final, by the most careful node."""
        return min(node.nonce(sender, self.number) for node in self.paymaster.nodes)

    def doubt(self, sentence: str) -> None:
        """Keep a doubt, once."""
        if sentence not in self.doubts:
            self.doubts.append(sentence)

    def _on(self, node: Chain, receipt: Receipt) -> bool:
        if receipt.block_number > self._final(node):
            return False
        if self._hash(node, receipt.block_number) != receipt.block_hash:
            return False
        if node is self.paymaster.chain:
            return True
        return receipt in node.receipts([receipt.tx_hash])

    def _final(self, node: Chain) -> int:
        if id(node) not in self._numbers:
            self._numbers[id(node)] = node.finalized().number
        return self._numbers[id(node)]

    def _hash(self, node: Chain, number: int) -> str:
        key = (id(node), number)
        if key not in self._hashes:
            block = node.block(number)
            self._hashes[key] = block.hash if block else ""
        return self._hashes[key]
