"""A chain in memory: blocks, a pool, receipts, reorganizations, lost answers, a key used twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from openpool_management.domain.payouts.chain import (
    Block,
    ChainTransaction,
    Receipt,
    SendOutcome,
    SendReply,
)
from openpool_management.domain.payouts.transactions import SignedTransfer, read_signed
from openpool_management.services.ports.chain import ExecutionReverted

GAS = 21_000


@dataclass
class _Mined:
    """A block: its head and the transfers in it, with whether each succeeded."""

    head: Block
    transfers: list[tuple[SignedTransfer, bool]] = field(default_factory=list)


class FakeChain:
    """Implements the Chain port. Tests move it on; balances are worked out from its blocks.

    answers: outcomes that the next broadcasts get although the node takes them, None for an honest
    one; deaf: so many broadcasts never arrive. Blocks up to final can't be taken back.
    """

    name = "the model of a chain"

    def __init__(self, chain_id: int) -> None:
        self._chain_id = chain_id
        self.blocks = [_Mined(self._head(0, "", 10))]
        self.pool: dict[tuple[str, int], SignedTransfer] = {}
        self.grants: list[tuple[int, str, int]] = []
        self.final = 0
        self.base_fee_wei = 10
        self.refusing: set[str] = set()
        self.answers: list[SendOutcome] = []
        self.deaf = 0
        self.automine = True
        self._salt = 0

    def grant(self, address: str, amount_wei: int) -> None:
        """Give an address money that comes from nowhere, in the newest block."""
        self.mine()
        self.grants.append((self.blocks[-1].head.number, address, amount_wei))

    def mine(self) -> None:
        """A block with all of the pool that can be executed."""
        number = len(self.blocks)
        block = _Mined(self._head(number, self.blocks[-1].head.hash, self.base_fee_wei))
        self.blocks.append(block)
        moved = True
        while moved:
            moved = False
            for key, signed in sorted(self.pool.items()):
                sender, nonce = key
                if nonce < self.nonce(sender):
                    del self.pool[key]
                    moved = True
                    break
                affordable = self.balance_wei(sender) >= signed.transfer.most_wei
                priced = signed.transfer.max_fee_wei >= self.base_fee_wei
                if nonce == self.nonce(sender) and affordable and priced:
                    del self.pool[key]
                    block.transfers.append((signed, signed.transfer.to not in self.refusing))
                    moved = True
                    break

    def finalize(self, lag: int = 0) -> None:
        """Let all but the newest blocks become final."""
        self.final = max(self.final, len(self.blocks) - 1 - lag)

    def reorganize(self, depth: int, instead: Sequence[SignedTransfer] = ()) -> None:
        """Take back blocks that are not final; what was in them is forgotten."""
        depth = min(depth, len(self.blocks) - 1 - self.final)
        if depth < 1:
            return
        gone = {block.head.number for block in self.blocks[-depth:]}
        self.blocks = self.blocks[:-depth]
        self.grants = [
            (number if number not in gone else len(self.blocks), to, wei)
            for number, to, wei in self.grants
        ]
        self._salt += 1
        self.pool = {(one.sender, one.transfer.nonce): one for one in instead}
        for _ in range(depth):
            self.mine()

    def executed(self) -> list[tuple[SignedTransfer, bool]]:
        """Every transfer in the chain, with whether it succeeded."""
        return [one for block in self.blocks for one in block.transfers]

    def chain_id(self) -> int:
        """See the port."""
        return self._chain_id

    def latest(self) -> Block:
        """See the port."""
        head = self.blocks[-1].head
        return Block(head.number, head.hash, head.timestamp_s, self.base_fee_wei)

    def finalized(self) -> Block:
        """See the port."""
        return self.blocks[self.final].head

    def block(self, number: int) -> Block | None:
        """See the port."""
        return self.blocks[number].head if number < len(self.blocks) else None

    def nonce(self, address: str, block: int | None = None) -> int:
        """See the port."""
        return sum(
            signed.sender == address for one in self._up_to(block) for signed, _ in one.transfers
        )

    def balance_wei(self, address: str, block: int | None = None) -> int:
        """See the port."""
        last = len(self.blocks) - 1 if block is None else block
        total_wei = sum(wei for number, to, wei in self.grants if to == address and number <= last)
        for one in self._up_to(block):
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

    def estimate_gas(self, sender: str, to: str, value_wei: int) -> int:
        """See the port."""
        if to in self.refusing:
            raise ExecutionReverted("execution reverted")
        return GAS

    def priority_fee_wei(self) -> int:
        """See the port."""
        return 0

    def receipts(self, hashes: Sequence[str]) -> list[Receipt]:
        """See the port."""
        wanted = set(hashes)
        return [
            Receipt(
                signed.hash,
                one.head.number,
                one.head.hash,
                succeeded,
                GAS,
                one.head.base_fee_wei,
            )
            for one in self.blocks
            for signed, succeeded in one.transfers
            if signed.hash in wanted
        ]

    def transaction(self, tx_hash: str) -> ChainTransaction | None:
        """See the port."""
        for one in self.blocks:
            for signed, _ in one.transfers:
                if signed.hash == tx_hash:
                    return _told(signed, one.head.number)
        return None

    def sent_in_block(self, sender: str, number: int) -> list[ChainTransaction]:
        """See the port."""
        return [
            _told(signed, number)
            for signed, _ in self.blocks[number].transfers
            if signed.sender == sender
        ]

    def send(self, raw: bytes) -> SendReply:
        """See the port."""
        if self.deaf:
            self.deaf -= 1
            return SendReply(SendOutcome.UNKNOWN, "no answer")
        outcome = self._take(read_signed(raw))
        if self.answers:
            outcome = self.answers.pop()
        return SendReply(outcome, outcome.value)

    def _take(self, signed: SignedTransfer) -> SendOutcome:
        transfer, key = signed.transfer, (signed.sender, signed.transfer.nonce)
        if transfer.nonce < self.nonce(signed.sender):
            return SendOutcome.NONCE_TOO_LOW
        if transfer.max_fee_wei < self.base_fee_wei:
            return SendOutcome.FEE_TOO_LOW
        if self.balance_wei(signed.sender) < transfer.most_wei:
            return SendOutcome.INSUFFICIENT_FUNDS
        known = self.pool.get(key)
        if known == signed:
            return SendOutcome.KNOWN
        if known is not None and (
            transfer.max_fee_wei * 10 < known.transfer.max_fee_wei * 11
            or transfer.max_priority_fee_wei <= known.transfer.max_priority_fee_wei
        ):
            return SendOutcome.UNDERPRICED
        self.pool[key] = signed
        if self.automine:
            self.mine()
        return SendOutcome.ACCEPTED

    def _up_to(self, block: int | None) -> list[_Mined]:
        return self.blocks if block is None else self.blocks[: block + 1]

    def _head(self, number: int, parent: str, base_fee_wei: int) -> Block:
        salt = getattr(self, "_salt", 0)
        digest = sha256(f"{number} {parent} {base_fee_wei} {salt}".encode()).hexdigest()
        return Block(number, "0x" + digest, number, base_fee_wei)


def _told(signed: SignedTransfer, number: int) -> ChainTransaction:
    transfer = signed.transfer
    return ChainTransaction(
        signed.hash, signed.sender, transfer.nonce, transfer.to, transfer.value_wei, number
    )
