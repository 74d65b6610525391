"""anvil for tests: a real chain, with accounts and time at the tests' command."""

import os
import time
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from openpool_management.demo.anvil import anvil_binary
from openpool_management.demo.anvil_process import (
    BASE_FEE_WEI,
    SLOTS_IN_AN_EPOCH,
    AnvilProcess,
)
from openpool_management.demo.npm_package import packages_cache

ARBITRUM_ONE = 42161
ETH_WEI = 10**18
FINALITY_BLOCKS = 2 * SLOTS_IN_AN_EPOCH
REVERTING_CODE = "0x5f5ffd"
MINING_SECONDS = 60
POOL_SECONDS = 5


class AnvilServer(AnvilProcess):
    """anvil with helpers. rpc() takes any method; what tests did to it, reset() takes back."""

    def __init__(self, log: Path, *, chain_id: int = ARBITRUM_ONE, accounts: int = 1) -> None:
        """Start it. Raises AnvilMissing, which says how to install it."""
        binary = anvil_binary(packages_cache(os.environ))
        super().__init__(binary, log, chain_id=chain_id, accounts=accounts)
        self.chain_id = chain_id
        self._empty: str = self.rpc("evm_snapshot")

    def reset(self) -> None:
        """Take back all blocks, balances, pooled transactions and changed ways of mining."""
        self.rpc("anvil_dropAllTransactions")
        self.rpc("evm_setIntervalMining", 0)
        self.rpc("evm_setAutomine", True)
        self.rpc("evm_revert", self._empty)
        # A snapshot is gone once it was reverted to.
        self._empty = self.rpc("evm_snapshot")
        # A moved clock and the next block's base fee outlive a snapshot.
        self.rpc("evm_setTime", int(time.time()) * 1000)
        self.rpc("anvil_setNextBlockBaseFeePerGas", hex(BASE_FEE_WEI))

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks; the first one holds what waits in the pool."""
        self.rpc("anvil_mine", hex(blocks))

    def finalize(self) -> None:
        """Mine until all that was mined before is finalized."""
        self.mine(FINALITY_BLOCKS)

    def fund(self, address: str, wei: int) -> None:
        """Make an address hold that much, without a transaction."""
        self.rpc("anvil_setBalance", address, hex(wei))

    def account(self, wei: int = 100 * ETH_WEI) -> LocalAccount:
        """A key that nobody has used, whose address holds that much."""
        account: LocalAccount = Account.create()
        self.fund(account.address, wei)
        return account

    def balance_wei(self, address: str, block: str = "latest") -> int:
        """What an address holds."""
        return int(self.rpc("eth_getBalance", address, block), 16)

    def nonce(self, address: str, block: str = "latest") -> int:
        """How many transactions an address has sent."""
        return int(self.rpc("eth_getTransactionCount", address, block), 16)

    def height(self, tag: str = "latest") -> int:
        """The number of a block by its tag: latest, safe or finalized."""
        return int(self.rpc("eth_getBlockByNumber", tag, False)["number"], 16)

    def refuse_payments(self, address: str) -> None:
        """Put a contract at an address that reverts whatever is sent to it."""
        self.rpc("anvil_setCode", address, REVERTING_CODE)

    def transfer(
        self,
        sender: LocalAccount,
        to: str,
        value_wei: int,
        *,
        nonce: int | None = None,
        gas: int = 21_000,
        max_fee_wei: int = 10**9,
        tip_wei: int = 0,
    ) -> bytes:
        """Signed bytes of a transfer; nonce None takes the sender's next one."""
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": self.nonce(sender.address) if nonce is None else nonce,
            "to": to,
            "value": value_wei,
            "gas": gas,
            "maxFeePerGas": max_fee_wei,
            "maxPriorityFeePerGas": tip_wei,
        }
        return bytes(sender.sign_transaction(fields).raw_transaction)

    def send(self, raw: bytes) -> str:
        """Broadcast signed bytes past all that is tested; the hash. Raises AnvilError.

        Where blocks are mined by themselves, one holds the transaction afterwards.
        """
        tx_hash: str = self.rpc("eth_sendRawTransaction", "0x" + raw.hex())
        if self.rpc("anvil_getAutomine"):
            self.wait_mined(tx_hash)
        return tx_hash

    def sleep(self, seconds: float) -> None:
        """Sleep; where blocks are mined by themselves, also until one holds what is being mined."""
        time.sleep(seconds)
        deadline = time.monotonic() + POOL_SECONDS
        while time.monotonic() < deadline and self.rpc("anvil_getAutomine"):
            if not int(self.rpc("txpool_status")["pending"], 16):
                return
            time.sleep(0.002)

    def wait_mined(self, tx_hash: str) -> dict[str, Any]:
        """The receipt, once a block holds the transaction: anvil mines after it has replied."""
        deadline = time.monotonic() + MINING_SECONDS
        while time.monotonic() < deadline:
            receipt: dict[str, Any] | None = self.rpc("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                return receipt
            time.sleep(0.002)
        raise RuntimeError(f"anvil did not mine {tx_hash} within {MINING_SECONDS} s.")
