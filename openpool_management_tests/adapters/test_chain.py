"""What a real node says, as payouts are told it."""

from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.domain.payouts.chain import ChainTransaction, SendOutcome
from openpool_management.services.ports.chain import Chain, ChainUnavailable, ExecutionReverted
from openpool_management_tests.servers.anvil import ARBITRUM_ONE, ETH_WEI, AnvilServer

UNKNOWN_HASH = "0x" + "11" * 32


@pytest.fixture
def chain(anvil: AnvilServer) -> Chain:
    """The chain, asked past no proxy."""
    return RpcChain(anvil.url)


@pytest.fixture
def sender(anvil: AnvilServer) -> LocalAccount:
    """A key with 100 ETH."""
    return anvil.account()


def fresh_address() -> str:
    """An address that nobody has used."""
    return str(Account.create().address)


def hash_of(raw: bytes) -> str:
    """A transaction's hash."""
    return "0x" + keccak(raw).hex()


def test_the_head_of_the_chain(anvil: AnvilServer, chain: Chain) -> None:
    assert chain.chain_id() == ARBITRUM_ONE
    anvil.mine(22)
    latest, finalized = chain.latest(), chain.finalized()
    assert (latest.number, finalized.number) == (22, 14)
    assert chain.block(22) == latest
    assert chain.block(14) == finalized
    assert chain.block(23) is None
    told = anvil.rpc("eth_getBlockByNumber", "latest", False)
    assert latest.hash == told["hash"]
    assert latest.timestamp_s == int(told["timestamp"], 16)
    assert latest.base_fee_wei == int(told["baseFeePerGas"], 16)
    assert chain.priority_fee_wei() == int(anvil.rpc("eth_maxPriorityFeePerGas"), 16)


def test_balances_and_nonces_now_and_then(
    anvil: AnvilServer, chain: Chain, sender: LocalAccount
) -> None:
    to = fresh_address()
    # More wei than 63 bits hold.
    anvil.send(anvil.transfer(sender, to, 10 * ETH_WEI))
    anvil.send(anvil.transfer(sender, to, 7))
    assert chain.balance_wei(to) == 10 * ETH_WEI + 7
    assert [chain.balance_wei(to, block) for block in (0, 1, 2)] == [
        0,
        10 * ETH_WEI,
        10 * ETH_WEI + 7,
    ]
    assert chain.nonce(sender.address) == 2
    assert [chain.nonce(sender.address, block) for block in (0, 1, 2)] == [0, 1, 2]


def test_a_state_the_node_lacks_is_no_answer(chain: Chain) -> None:
    with pytest.raises(ChainUnavailable, match="refused eth_getBalance"):
        chain.balance_wei(fresh_address(), 99)


def test_what_waits_in_the_pool_does_not_count(
    anvil: AnvilServer, chain: Chain, sender: LocalAccount
) -> None:
    anvil.rpc("evm_setAutomine", False)
    to = fresh_address()
    raw = anvil.transfer(sender, to, 5)
    assert chain.send(raw).outcome is SendOutcome.ACCEPTED
    tx_hash = hash_of(raw)
    assert chain.nonce(sender.address) == 0
    assert chain.receipts([tx_hash]) == []
    waiting = ChainTransaction(tx_hash, sender.address, 0, to, 5, None)
    assert chain.transaction(tx_hash) == waiting
    assert chain.send(raw).outcome is SendOutcome.KNOWN

    anvil.rpc("anvil_dropTransaction", tx_hash)
    assert chain.transaction(tx_hash) is None
    assert chain.send(raw).outcome is SendOutcome.ACCEPTED
    anvil.mine()
    assert chain.transaction(tx_hash) == ChainTransaction(tx_hash, sender.address, 0, to, 5, 1)


def test_receipts_say_what_it_cost(anvil: AnvilServer, chain: Chain, sender: LocalAccount) -> None:
    to = fresh_address()
    hashes = [anvil.send(anvil.transfer(sender, to, value)) for value in (1, 2, 3)]
    receipts = chain.receipts([hashes[2], UNKNOWN_HASH, *hashes[:2]])
    assert [receipt.tx_hash for receipt in receipts] == [hashes[2], *hashes[:2]]
    for receipt in receipts:
        block = chain.block(receipt.block_number)
        assert block is not None and receipt.block_hash == block.hash
        assert receipt.succeeded and receipt.gas_used == 21_000
        assert receipt.gas_price_wei == block.base_fee_wei
    spent_wei = 1 + 2 + 3 + sum(receipt.fee_wei for receipt in receipts)
    assert chain.balance_wei(sender.address) == 100 * ETH_WEI - spent_wei
    assert chain.receipts([]) == []
    assert chain.receipts([UNKNOWN_HASH]) == []


def test_more_receipts_than_one_request_holds(
    anvil: AnvilServer, chain: Chain, sender: LocalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openpool_management.adapters.chain.rpc_chain.BATCH_SIZE", 2)
    hashes = [anvil.send(anvil.transfer(sender, sender.address, 1)) for _ in range(5)]
    assert [receipt.tx_hash for receipt in chain.receipts(hashes)] == hashes


def test_code_and_gas(anvil: AnvilServer, chain: Chain, sender: LocalAccount) -> None:
    to = fresh_address()
    assert chain.code(to) == b""
    assert chain.outlook(sender.address, to, ETH_WEI).gas() == 21_000
    anvil.refuse_payments(to)
    assert chain.code(to) == bytes.fromhex("5f5ffd")
    # A wallet that writes to its storage when it is paid.
    anvil.rpc("anvil_setCode", to, "0x345f5500")
    assert chain.outlook(sender.address, to, ETH_WEI).gas() > 40_000


@pytest.mark.parametrize(
    "code",
    ["0x5f5ffd", "0xfe", "0x5b5f56", "0x50", "0x600556"],
    ids=["reverts", "invalid opcode", "endless", "stack underflow", "invalid jump"],
)
def test_a_recipient_that_can_not_be_paid(
    anvil: AnvilServer, chain: Chain, sender: LocalAccount, code: str
) -> None:
    to = fresh_address()
    anvil.rpc("anvil_setCode", to, code)
    with pytest.raises(ExecutionReverted):
        chain.outlook(sender.address, to, 1).gas()


def test_a_transfer_that_reverts_after_all(
    anvil: AnvilServer, chain: Chain, sender: LocalAccount
) -> None:
    to = fresh_address()
    anvil.refuse_payments(to)
    raw = anvil.transfer(sender, to, 5, gas=30_000)
    assert chain.send(raw).outcome is SendOutcome.ACCEPTED
    anvil.wait_mined(hash_of(raw))
    (receipt,) = chain.receipts([hash_of(raw)])
    assert not receipt.succeeded
    assert receipt.gas_used == 21_004
    assert chain.balance_wei(to) == 0


def test_a_reorganized_block_takes_its_receipts_along(
    anvil: AnvilServer, chain: Chain, sender: LocalAccount
) -> None:
    anvil.mine(3)
    raw = anvil.transfer(sender, fresh_address(), 5)
    assert chain.send(raw).outcome is SendOutcome.ACCEPTED
    anvil.wait_mined(hash_of(raw))
    (before,) = chain.receipts([hash_of(raw)])
    anvil.rpc("anvil_reorg", 2, [])
    assert chain.receipts([hash_of(raw)]) == []
    assert chain.nonce(sender.address) == 0
    replaced = chain.block(before.block_number)
    assert replaced is not None and replaced.hash != before.block_hash
    chain.send(raw)
    anvil.wait_mined(hash_of(raw))
    (after,) = chain.receipts([hash_of(raw)])
    assert after.succeeded and after.block_hash != before.block_hash


def test_the_senders_transactions_of_a_block(
    anvil: AnvilServer, chain: Chain, sender: LocalAccount
) -> None:
    other, to = anvil.account(), fresh_address()
    anvil.rpc("evm_setAutomine", False)
    mine = [anvil.send(anvil.transfer(sender, to, value, nonce=value)) for value in range(3)]
    anvil.send(anvil.transfer(other, to, 9))
    deploy: dict[str, Any] = {"to": "", "data": "0x00", "nonce": 3, "value": 0, "gas": 60_000}
    head = {"type": 2, "chainId": ARBITRUM_ONE, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 0}
    anvil.send(bytes(sender.sign_transaction(deploy | head).raw_transaction))
    anvil.mine()
    found = chain.sent_in_block(sender.address, 1)
    assert [tx.nonce for tx in found] == [0, 1, 2, 3]
    assert [tx.hash for tx in found[:3]] == mine
    assert [tx.to for tx in found] == [to, to, to, None]
    assert {tx.block_number for tx in found} == {1}
    assert chain.sent_in_block(sender.address, 0) == []
    with pytest.raises(ChainUnavailable, match="not a block"):
        chain.sent_in_block(sender.address, 9)


def test_hints_of_refused_transfers(anvil: AnvilServer, chain: Chain, sender: LocalAccount) -> None:
    to = fresh_address()

    def outcome(value_wei: int = 1, **what: int) -> SendOutcome:
        return chain.send(anvil.transfer(sender, to, value_wei, **what)).outcome

    anvil.send(anvil.transfer(sender, to, 1))
    assert outcome(nonce=0) in (SendOutcome.NONCE_TOO_LOW, SendOutcome.KNOWN)
    assert outcome(2, nonce=0) is SendOutcome.NONCE_TOO_LOW
    assert outcome(gas=20_999) is SendOutcome.GAS_TOO_LOW
    assert outcome(max_fee_wei=1) is SendOutcome.FEE_TOO_LOW
    assert outcome(10**21) is SendOutcome.INSUFFICIENT_FUNDS
    assert outcome(gas=10**9) is SendOutcome.REFUSED
    assert outcome(tip_wei=10**10) is SendOutcome.REFUSED
    assert chain.send(b"\x02\xc0").outcome is SendOutcome.REFUSED
    anvil.rpc("evm_setAutomine", False)
    assert outcome() is SendOutcome.ACCEPTED
    assert outcome(3) is SendOutcome.UNDERPRICED
    assert chain.balance_wei(to) == 1


def test_a_transfer_of_another_chain_is_refused(
    anvil: AnvilServer, chain: Chain, sender: LocalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anvil, "chain_id", 1)
    reply = chain.send(anvil.transfer(sender, fresh_address(), 1))
    assert reply.outcome is SendOutcome.REFUSED
    assert "chain id" in reply.detail
