"""Answers that are not what was asked for are refused, whatever the node meant by them."""

from typing import Any

import pytest
from eth_account import Account

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.services.ports.chain import ChainUnavailable
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Result, Rewrite
from openpool_management_tests.servers.rpc_proxy import RpcProxy

RECEIPT = "eth_getTransactionReceipt"
ADDRESS = "0x" + "1" * 40
HASH = "0x" + "22" * 32


@pytest.fixture
def chain(rpc_proxy: RpcProxy) -> RpcChain:
    """The chain behind the proxy."""
    return RpcChain(rpc_proxy.url)


@pytest.mark.parametrize("result", [None, 1, True, "", "0x", "1", "0xzz", "-0x1", {}, [], "0x1 "])
def test_what_is_no_number_is_nonsense(
    rpc_proxy: RpcProxy, chain: RpcChain, result: object
) -> None:
    for method in ("eth_chainId", "eth_getBalance", "eth_getTransactionCount", "eth_estimateGas"):
        rpc_proxy.on(method, Result(result))
    with pytest.raises(ChainUnavailable, match="eth_chainId with nonsense"):
        chain.chain_id()
    with pytest.raises(ChainUnavailable, match="nonsense"):
        chain.balance_wei(ADDRESS)
    with pytest.raises(ChainUnavailable, match="nonsense"):
        chain.nonce(ADDRESS)
    with pytest.raises(ChainUnavailable, match="nonsense"):
        chain.outlook(ADDRESS, ADDRESS, 1).gas()


@pytest.mark.parametrize("result", [None, 1, "0x0", "00", "0xgg"])
def test_what_are_no_bytes_is_nonsense(
    rpc_proxy: RpcProxy, chain: RpcChain, result: object
) -> None:
    rpc_proxy.on("eth_getCode", Result(result))
    with pytest.raises(ChainUnavailable, match="nonsense"):
        chain.code(ADDRESS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"number": None}, "block's number"),
        ({"hash": "0x12"}, "block's hash"),
        ({"timestamp": 5}, "block's time"),
        ({"number": "0x5"}, "number is not 0"),
    ],
)
def test_a_block_that_is_none(
    rpc_proxy: RpcProxy, chain: RpcChain, change: dict[str, Any], sentence: str
) -> None:
    rpc_proxy.on("eth_getBlockByNumber", Rewrite(lambda block: block | change))
    with pytest.raises(ChainUnavailable, match=sentence):
        chain.block(0)


def test_a_chain_without_base_fees_is_refused(rpc_proxy: RpcProxy, chain: RpcChain) -> None:
    def without(block: dict[str, Any]) -> dict[str, Any]:
        return {name: field for name, field in block.items() if name != "baseFeePerGas"}

    rpc_proxy.on("eth_getBlockByNumber", Rewrite(without))
    with pytest.raises(ChainUnavailable, match="EIP-1559"):
        chain.latest()


@pytest.mark.parametrize(
    "change",
    [
        {"transactionHash": HASH},
        {"status": None},
        {"status": "0x2"},
        {"gasUsed": None},
        {"effectiveGasPrice": 7},
        {"blockHash": "0x"},
    ],
    ids=repr,
)
def test_a_receipt_that_is_none(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain, change: dict[str, Any]
) -> None:
    sender = anvil.account()
    hashes = [anvil.send(anvil.transfer(sender, ADDRESS, 1)) for _ in range(2)]
    rpc_proxy.on(RECEIPT, Rewrite(lambda receipt: receipt | change))
    with pytest.raises(ChainUnavailable, match=f"{RECEIPT} with nonsense"):
        chain.receipts(hashes[:1])
    with pytest.raises(ChainUnavailable, match=f"{RECEIPT} with nonsense"):
        chain.receipts(hashes)


def test_a_receipt_without_a_block_is_none(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    sender = anvil.account()
    tx_hash = anvil.send(anvil.transfer(sender, ADDRESS, 1))
    pending = {"blockNumber": None, "blockHash": None}
    rpc_proxy.on(RECEIPT, Rewrite(lambda receipt: receipt | pending))
    assert chain.receipts([tx_hash]) == []


def test_another_transaction_is_nonsense(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    tx_hash = anvil.send(anvil.transfer(anvil.account(), ADDRESS, 1))
    rpc_proxy.on("eth_getTransactionByHash", Rewrite(lambda found: found | {"hash": HASH}))
    with pytest.raises(ChainUnavailable, match="another transaction"):
        chain.transaction(tx_hash)


def test_arbitrums_own_transactions_are_not_the_senders(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    sender = anvil.account()
    anvil.send(anvil.transfer(sender, ADDRESS, 1))

    def deposited(block: dict[str, Any]) -> dict[str, Any]:
        (sent,) = block["transactions"]
        return block | {"transactions": [sent | {"type": "0x64"}, sent]}

    rpc_proxy.on("eth_getBlockByNumber", Rewrite(deposited))
    assert len(chain.sent_in_block(sender.address, 1)) == 1


def test_addresses_are_told_in_their_checksummed_form(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    sender, to = anvil.account(), str(Account.create().address)
    tx_hash = anvil.send(anvil.transfer(sender, to, 1))
    shout = {"from": sender.address.upper().replace("X", "x"), "to": to.lower()}
    rpc_proxy.on("eth_getTransactionByHash", Rewrite(lambda found: found | shout))
    found = chain.transaction(tx_hash)
    assert found is not None
    assert (found.sender, found.to) == (sender.address, to)
