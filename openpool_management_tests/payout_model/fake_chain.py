"""A chain in memory: blocks, a pool, reorganizations, lost answers, a key used twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from openpool_management.domain.payouts.chain import Block, SendOutcome, SendReply
from openpool_management.domain.payouts.transactions import SignedTransfer, read_signed
from openpool_management_tests.payout_model.chain_view import ChainView, MinedBlock

FIRST_FEE_WEI = 10


@dataclass(frozen=True)
class Lie:
    """What happens to a broadcast: whether it arrives, and an answer that is not the true one."""

    arrives: bool
    outcome: SendOutcome


class FakeChain(ChainView):
    """Implements the Chain port. Tests move it on.

    turning: addresses that refuse from the moment a transfer to them arrives. least_tip_wei is what
    its nodes take transfers for, beside the base fee. lies: what happens to the next broadcasts,
    the first one first; honest after them. heard: all bytes that ever left for the node, arrived or
    not. watch: called with each before it is taken.
    """

    name = "the model of a chain"

    def __init__(self, chain_id: int) -> None:
        self._chain_id = chain_id
        self.blocks = [MinedBlock(self._head(0, ""))]
        self.pool: dict[tuple[str, int], SignedTransfer] = {}
        self.final = 0
        self.fee_wei = FIRST_FEE_WEI
        self.least_tip_wei = 0
        self.refuse: set[str] = set()
        self.turning: set[str] = set()
        self.automine = True
        self.lies: list[Lie] = []
        self.heard: dict[str, SignedTransfer] = {}
        self.watch: Callable[[SignedTransfer], None] = lambda signed: None
        self._forks = 0

    @property
    def seen(self) -> list[MinedBlock]:
        """See ChainView."""
        return self.blocks

    @property
    def final_number(self) -> int:
        """See ChainView."""
        return self.final

    @property
    def refusing(self) -> set[str]:
        """See ChainView."""
        return self.refuse

    @property
    def base_fee_wei(self) -> int:
        """See ChainView."""
        return self.fee_wei

    def chain_id(self) -> int:
        """See the port."""
        return self._chain_id

    def grant(self, address: str, amount_wei: int) -> None:
        """Give an address money that comes from nowhere, in a block of its own."""
        self.mine()
        self.blocks[-1].grants.append((address, amount_wei))

    def mine(self) -> None:
        """A block with all of the pool that can be executed."""
        block = MinedBlock(self._head(len(self.blocks), self.blocks[-1].head.hash))
        self.blocks.append(block)
        for (sender, nonce), signed in sorted(self.pool.items()):
            if nonce <= self.nonce(sender) and self._can_pay(signed):
                del self.pool[sender, nonce]
                if nonce == self.nonce(sender):
                    block.transfers.append((signed, signed.transfer.to not in self.refuse))

    def finalize(self, lag: int = 0) -> None:
        """Let all but the newest blocks become final."""
        self.final = max(self.final, len(self.blocks) - 1 - lag)

    def reorganize(
        self, depth: int, *, forget: bool, instead: Sequence[SignedTransfer] = ()
    ) -> None:
        """Take back blocks that are not final.

        instead takes their place; what was in them is mined again, or forgotten. Grants stay.
        """
        depth = min(depth, len(self.blocks) - 1 - self.final)
        if depth < 1:
            return
        gone = self.blocks[-depth:]
        self.blocks = self.blocks[:-depth]
        self._forks += 1
        waiting = [] if forget else [signed for one in gone for signed, _ in one.transfers]
        waiting += self.pool.values()
        self.pool = {(one.sender, one.transfer.nonce): one for one in [*waiting, *instead]}
        for one in gone:
            self.mine()
            self.blocks[-1].grants.extend(one.grants)

    def executed(self) -> list[SignedTransfer]:
        """Every transfer in the chain that succeeded."""
        return [signed for one in self.blocks for signed, good in one.transfers if good]

    def send(self, raw: bytes) -> SendReply:
        """See the port."""
        signed = read_signed(raw)
        self.watch(signed)
        self.heard[signed.hash] = signed
        lie = self.lies.pop(0) if self.lies else None
        if lie is None:
            outcome = self.take(signed)
        else:
            if lie.arrives:
                self.take(signed)
            outcome = lie.outcome
        return SendReply(outcome, outcome.value)

    def take(self, signed: SignedTransfer) -> SendOutcome:
        """What a node does with a transfer, whoever sent it."""
        transfer, key = signed.transfer, (signed.sender, signed.transfer.nonce)
        if transfer.nonce < self.nonce(signed.sender):
            return SendOutcome.NONCE_TOO_LOW
        if transfer.max_fee_wei < self.fee_wei:
            return SendOutcome.FEE_TOO_LOW
        if transfer.max_priority_fee_wei < self.least_tip_wei:
            return SendOutcome.FEE_TOO_LOW
        if not self._can_pay(signed):
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
        self.refuse |= self.turning & {transfer.to}
        if self.automine:
            self.mine()
        return SendOutcome.ACCEPTED

    def _can_pay(self, signed: SignedTransfer) -> bool:
        return (
            self.balance_wei(signed.sender) >= signed.transfer.most_wei
            and signed.transfer.max_fee_wei >= self.fee_wei
        )

    def _head(self, number: int, parent: str) -> Block:
        fee_wei, forks = (self.fee_wei, self._forks) if number else (FIRST_FEE_WEI, 0)
        digest = sha256(f"{number} {parent} {fee_wei} {forks}".encode()).hexdigest()
        return Block(number, "0x" + digest, number, fee_wei)


class LaggingNode(ChainView):
    """Another node of the same chain, some blocks behind. Nothing is sent to it."""

    name = "a witness of the model"

    def __init__(self, chain: FakeChain, lag: int) -> None:
        self._chain, self._lag = chain, lag

    @property
    def seen(self) -> list[MinedBlock]:
        """See ChainView."""
        return self._chain.blocks[: max(1, len(self._chain.blocks) - self._lag)]

    @property
    def final_number(self) -> int:
        """See ChainView."""
        return min(self._chain.final, len(self.seen) - 1)

    @property
    def refusing(self) -> set[str]:
        """See ChainView."""
        return self._chain.refuse

    @property
    def base_fee_wei(self) -> int:
        """See ChainView."""
        return self._chain.fee_wei

    def chain_id(self) -> int:
        """See the port."""
        return self._chain.chain_id()

    def send(self, raw: bytes) -> SendReply:
        """See the port."""
        raise AssertionError("transfers are sent to the first node alone")
