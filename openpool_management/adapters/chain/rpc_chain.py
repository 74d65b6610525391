"""One node of an EIP-1559 chain, as payouts see it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from eth_utils.crypto import keccak

from openpool_management.adapters.chain import answers
from openpool_management.adapters.chain.json_rpc import (
    BACKOFF_SECONDS,
    READ_TIMEOUT_SECONDS,
    SEND_TIMEOUT_SECONDS,
    JsonRpc,
    NoAnswer,
    RpcError,
)
from openpool_management.domain.payouts.chain import (
    Block,
    ChainTransaction,
    Receipt,
    SendOutcome,
    SendReply,
)
from openpool_management.domain.payouts.send_replies import classify_send
from openpool_management.services.ports.chain import (
    ChainUnavailable,
    ExecutionReverted,
    Outlook,
)

BATCH_SIZE = 50
REVERTED_CODE = 3
NONCE = "eth_getTransactionCount"
BALANCE = "eth_getBalance"
BLOCK = "eth_getBlockByNumber"
ESTIMATE = "eth_estimateGas"
RECEIPT = "eth_getTransactionReceipt"
# What recipients do to a transfer, in the words of geth, Nitro and anvil.
_REVERTS = (
    "execution reverted",
    "invalid opcode",
    "invalid jump",
    "stack underflow",
    "stack limit reached",
    "write protection",
    "out of gas",
    "gas required exceeds allowance",
    "evm error",
)
# The sender's doing. Nodes word it as an error of execution, too.
_SENDERS_FAULT = ("insufficient funds", "insufficient balance", "enough funds")

T = TypeVar("T")
RpcCall = tuple[str, tuple[object, ...]]


class RpcChain:
    """A node, asked over JSON-RPC: the port Chain. May be used by several threads."""

    def __init__(
        self,
        url: str,
        *,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
        send_timeout_seconds: float = SEND_TIMEOUT_SECONDS,
        backoff_seconds: float = BACKOFF_SECONDS,
    ) -> None:
        """Asks nothing yet. Raises ValueError, without the URL's secrets, for a URL of no node."""
        self._rpc = JsonRpc(
            url,
            read_timeout_seconds=read_timeout_seconds,
            send_timeout_seconds=send_timeout_seconds,
            backoff_seconds=backoff_seconds,
        )

    @property
    def name(self) -> str:
        """Scheme, host and port of the URL."""
        return self._rpc.name

    def __repr__(self) -> str:
        return f"RpcChain({self.name})"

    def chain_id(self) -> int:
        """The chain that the node is on."""
        return self._ask(answers.quantity, "eth_chainId")

    def latest(self) -> Block:
        """The newest block."""
        return self._ask(answers.block, BLOCK, "latest", False)

    def finalized(self) -> Block:
        """The newest block that can't be taken back. A node that can't tell is unavailable."""
        problem = "it knows no finalized block"
        try:
            answer = self._rpc.read(BLOCK, "finalized", False)
        except RpcError as error:
            answer, problem = None, f"{problem}: {error}"
        if answer is None:
            raise ChainUnavailable(
                f"The node {self.name} can't tell what is final: {problem}. "
                "Name a node in ETH_RPC_ENDPOINT that supports the tag finalized."
            )
        return self._read(answers.block, answer, BLOCK)

    def block(self, number: int) -> Block | None:
        """A block by its number, None where the chain has none."""
        found = self._ask(_or_none(answers.block), BLOCK, hex(number), False)
        if found is not None and found.number != number:
            raise self._nonsense(BLOCK, f"the block's number is not {number}")
        return found

    def nonce(self, address: str, block: int | None = None) -> int:
        """Number of transactions an address has sent, at a block or at the newest."""
        return self._ask(answers.quantity, NONCE, address, _tag(block))

    def balance_wei(self, address: str, block: int | None = None) -> int:
        """What an address holds, at a block or at the newest."""
        return self._ask(answers.quantity, BALANCE, address, _tag(block))

    def code(self, address: str) -> bytes:
        """The code at an address, empty for none."""
        return self._ask(answers.data, "eth_getCode", address, "latest")

    def outlook(self, sender: str, to: str, value_wei: int) -> Outlook:
        """All that pricing and placing a transfer takes, in one request where the node lets it."""
        transfer = {"from": sender, "to": to, "value": hex(value_wei)}
        calls: list[RpcCall] = [
            (NONCE, (sender, "latest")),
            (BALANCE, (sender, "latest")),
            (BLOCK, ("latest", False)),
            (ESTIMATE, (transfer,)),
        ]
        nonce, balance, block, gas = self._answers(calls)
        return Outlook(
            nonce=self._told(answers.quantity, nonce, NONCE),
            balance_wei=self._told(answers.quantity, balance, BALANCE),
            base_fee_wei=self._told(answers.block, block, BLOCK).base_fee_wei,
            gas_told=self._gas(gas),
        )

    def priority_fee_wei(self) -> int:
        """The tip that the node suggests."""
        return self._ask(answers.quantity, "eth_maxPriorityFeePerGas")

    def receipts(self, hashes: Sequence[str]) -> list[Receipt]:
        """Receipts of those transactions that a block of the node's chain holds."""
        found: list[Receipt | None] = []
        for start in range(0, len(hashes), BATCH_SIZE):
            some = hashes[start : start + BATCH_SIZE]
            told = self._answers([(RECEIPT, (tx_hash,)) for tx_hash in some])
            found += [
                self._told(_receipt_of(tx_hash), answer, RECEIPT)
                for tx_hash, answer in zip(some, told, strict=True)
            ]
        return [receipt for receipt in found if receipt is not None]

    def transaction(self, tx_hash: str) -> ChainTransaction | None:
        """A transaction by its hash, None where the node knows none."""
        found = self._ask(_or_none(answers.transaction), "eth_getTransactionByHash", tx_hash)
        if found is not None and found.hash != tx_hash:
            raise self._nonsense("eth_getTransactionByHash", "it is another transaction")
        return found

    def sent_in_block(self, sender: str, number: int) -> list[ChainTransaction]:
        """Transactions of a sender in a block, in the order of their nonces."""
        return self._ask(
            lambda answer: answers.sent_by(answer, sender),
            BLOCK,
            hex(number),
            True,
        )

    def send(self, raw: bytes) -> SendReply:
        """Broadcast signed bytes, once. Raises nothing: a lost reply is SendOutcome.UNKNOWN."""
        try:
            answer = self._rpc.write("eth_sendRawTransaction", "0x" + raw.hex())
            if answers.hash_text(answer) == "0x" + keccak(raw).hex():
                return SendReply(SendOutcome.ACCEPTED)
        except RpcError as error:
            return classify_send(str(error), error.code)
        except Exception as error:  # noqa: BLE001
            # Whatever went wrong, the bytes may have reached the node.
            known = isinstance(error, (NoAnswer, answers.Nonsense))
            return SendReply(SendOutcome.UNKNOWN, str(error) if known else type(error).__name__)
        return SendReply(SendOutcome.UNKNOWN, "the node answered with the hash of other bytes")

    def _ask(self, read: Callable[[object], T], method: str, *params: object) -> T:
        return self._told(read, self._answer(method, params), method)

    def _answers(self, calls: Sequence[RpcCall]) -> list[Any]:
        """What the node says to several calls, an RpcError for what it refuses."""
        refused = [RpcError("asked one by one", None)] * len(calls)
        found: list[Any] = refused
        if len(calls) > 1:
            # Not every node takes several requests in one, and some refuse them with nonsense.
            with suppress(RpcError, ChainUnavailable):
                found = self._rpc.read_all(calls)
        return [
            # A gateway may refuse some requests of a batch for being too many.
            self._answer(method, params) if isinstance(answer, RpcError) else answer
            for (method, params), answer in zip(calls, found, strict=True)
        ]

    def _answer(self, method: str, params: tuple[object, ...]) -> Any:
        try:
            return self._rpc.read(method, *params)
        except RpcError as error:
            return error

    def _told(self, read: Callable[[object], T], answer: object, method: str) -> T:
        if isinstance(answer, RpcError):
            raise self._refused(method, answer)
        return self._read(read, answer, method)

    def _gas(self, answer: object) -> int | ExecutionReverted | ChainUnavailable:
        """An estimate, or why there is none."""
        if not isinstance(answer, RpcError):
            return self._read(answers.quantity, answer, ESTIMATE)
        if _is_revert(answer):
            return ExecutionReverted(str(answer))
        return self._refused(ESTIMATE, answer)

    def _read(self, read: Callable[[object], T], answer: object, method: str) -> T:
        try:
            return read(answer)
        except answers.Nonsense as error:
            raise self._nonsense(method, str(error)) from None

    def _refused(self, method: str, error: RpcError) -> ChainUnavailable:
        code = "" if error.code is None else f" (code {error.code})"
        return ChainUnavailable(
            f"The node {self.name} refused {method}{code}: {error}. "
            "Name another node in ETH_RPC_ENDPOINT if this one can't answer it."
        )

    def _nonsense(self, method: str, problem: str) -> ChainUnavailable:
        return ChainUnavailable(
            f"The node {self.name} answered {method} with nonsense: {problem}. "
            "Check ETH_RPC_ENDPOINT."
        )


def _tag(block: int | None) -> str:
    return "latest" if block is None else hex(block)


def _or_none(read: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda answer: None if answer is None else read(answer)


def _receipt_of(tx_hash: str) -> Callable[[object], Receipt | None]:
    return lambda answer: answers.receipt(answer, tx_hash)


def _is_revert(error: RpcError) -> bool:
    words = str(error).lower()
    if any(text in words for text in _SENDERS_FAULT):
        return False
    return error.code == REVERTED_CODE or any(text in words for text in _REVERTS)
