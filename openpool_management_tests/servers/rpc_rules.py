"""How other nodes differ from anvil, as rules of a proxy before it."""

from typing import Any

from openpool_management.domain.payouts.transactions import SignedTransfer, read_signed
from openpool_management_tests.servers.rpc_actions import (
    Action,
    Ask,
    Call,
    Error,
    Params,
    Result,
    Rewrite,
)

SEND = "eth_sendRawTransaction"


def nitro(call: Call, ask: Ask) -> Action | None:
    """Arbitrum's node: no pool, so no pending state and no gap before a nonce; tips are useless."""
    if call.method == SEND:
        signed = _signed(call)
        count = int(ask("eth_getTransactionCount", signed.sender, "latest")["result"], 16)
        if signed.transfer.nonce > count:
            nonces = f"address {signed.sender}, tx: {signed.transfer.nonce} state: {count}"
            return Error(f"nonce too high: {nonces}")
        return None
    if call.method == "eth_maxPriorityFeePerGas":
        return Result("0x0")
    if "pending" in call.params:
        return Params(["latest" if param == "pending" else param for param in call.params])
    return None


class L1Gas:
    """Adds a part for L1 to estimates, and refuses transactions with too little for it.

    ``extra_gas`` may be changed at any time.
    """

    def __init__(self, extra_gas: int) -> None:
        self.extra_gas = extra_gas

    def __call__(self, call: Call, ask: Ask) -> Action | None:
        """Asked by the proxy."""
        extra_gas = self.extra_gas
        if call.method == "eth_estimateGas":
            return Rewrite(lambda gas: hex(int(gas, 16) + extra_gas))
        if call.method == SEND and _signed(call).transfer.gas < 21_000 + extra_gas:
            return Error("intrinsic gas too low")
        return None


class StaleNode:
    """A node that has got no further than a block. ``number`` may be changed at any time."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, call: Call, ask: Ask) -> Action | None:
        """Asked by the proxy."""
        number = self.number
        if call.method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            return Rewrite(lambda found: None if _block(found) > number else found)
        if call.method == "eth_blockNumber":
            return Result(hex(number))
        if call.method == "eth_getBlockByNumber" and call.params[0].startswith("0x"):
            return Result(None) if int(call.params[0], 16) > number else None
        if call.method == "eth_getBlockByNumber" and call.params[0] in ("safe", "finalized"):
            final = int(ask(call.method, call.params[0], False)["result"]["number"], 16)
            return Params([hex(min(final, number)), *call.params[1:]])
        if any(tag in call.params for tag in ("latest", "pending")):
            return Params(
                [hex(number) if it in ("latest", "pending") else it for it in call.params]
            )
        return None


class FrozenFinality:
    """A chain whose batches are not posted: nothing after a block becomes final."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, call: Call, ask: Ask) -> Action | None:
        """Asked by the proxy."""
        if call.params and call.params[0] == "finalized":
            return Params([hex(self.number), *call.params[1:]])
        return None


def _signed(call: Call) -> SignedTransfer:
    return read_signed(bytes.fromhex(call.params[0][2:]))


def _block(found: dict[str, Any] | None) -> int:
    number = found and found["blockNumber"]
    return int(number, 16) if number else -1
