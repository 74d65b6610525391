"""The proxy does to calls what it was told to, and leaves the others alone."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import (
    AskOther,
    Delay,
    DropReply,
    Error,
    Http,
    Result,
    Rewrite,
    Swallow,
    Truncate,
)
from openpool_management_tests.servers.rpc_proxy import BATCH, RpcProxy
from openpool_management_tests.servers.rpc_rules import FrozenFinality, L1Gas, StaleNode, nitro

CHAIN = "0xa4b1"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A client that keeps its connection."""
    with requests.Session() as session:
        yield session


def ask(session: requests.Session, proxy: RpcProxy, method: str, *params: object) -> Any:
    """The whole answer to one call."""
    request = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return session.post(proxy.url, json=request, timeout=30).json()


def test_calls_pass_one_by_one_and_in_batches(
    rpc_proxy: RpcProxy, session: requests.Session
) -> None:
    assert ask(session, rpc_proxy, "eth_chainId") == {"jsonrpc": "2.0", "id": 7, "result": CHAIN}
    assert ask(session, rpc_proxy, "nope")["error"]["code"] == -32601
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []},
        {"jsonrpc": "2.0", "id": 2, "method": "eth_blockNumber"},
    ]
    answers = session.post(rpc_proxy.url, json=batch, timeout=30).json()
    assert [(it["id"], it["result"]) for it in answers] == [(1, CHAIN), (2, "0x0")]
    assert [call.method for call in rpc_proxy.calls] == [
        "eth_chainId",
        "nope",
        "eth_chainId",
        "eth_blockNumber",
    ]


def test_rules_hold_for_as_many_calls_as_they_say(
    rpc_proxy: RpcProxy, session: requests.Session
) -> None:
    rpc_proxy.on("eth_chainId", Result("0x1"), times=2, after=1)
    assert [ask(session, rpc_proxy, "eth_chainId")["result"] for _ in range(4)] == [
        CHAIN,
        "0x1",
        "0x1",
        CHAIN,
    ]
    rpc_proxy.on("eth_getCode", Result("0xfe"), when=lambda params: params[1] == "latest")
    address = "0x" + "1" * 40
    assert ask(session, rpc_proxy, "eth_getCode", address, "0x0")["result"] == "0x"
    assert ask(session, rpc_proxy, "eth_getCode", address, "latest")["result"] == "0xfe"
    assert rpc_proxy.count("eth_getCode") == 2
    rpc_proxy.clear()
    assert ask(session, rpc_proxy, "eth_getCode", address, "latest")["result"] == "0x"
    assert rpc_proxy.count("eth_getCode") == 1


@pytest.mark.parametrize(("action", "mined"), [(DropReply(), 1), (Swallow(), 0)])
def test_a_closed_connection_with_and_without_the_node(
    anvil: AnvilServer,
    rpc_proxy: RpcProxy,
    session: requests.Session,
    action: DropReply,
    mined: int,
) -> None:
    ask(session, rpc_proxy, "eth_chainId")
    rpc_proxy.on("evm_mine", action, times=1)
    with pytest.raises(requests.ConnectionError):
        ask(session, rpc_proxy, "evm_mine")
    assert anvil.height() == mined
    assert ask(session, rpc_proxy, "eth_blockNumber")["result"] == hex(mined)


def test_a_late_reply_to_what_was_done_at_once(anvil: AnvilServer, rpc_proxy: RpcProxy) -> None:
    rpc_proxy.on("evm_mine", Delay(60))
    request = {"jsonrpc": "2.0", "id": 7, "method": "evm_mine", "params": []}
    with pytest.raises(requests.ReadTimeout):
        requests.post(rpc_proxy.url, json=request, timeout=2)
    assert anvil.height() == 1


def test_bad_http(rpc_proxy: RpcProxy, session: requests.Session) -> None:
    request = {"jsonrpc": "2.0", "id": 7, "method": "eth_chainId", "params": []}
    rpc_proxy.on("*", Http(429, b"slow down"), times=1)
    refused = session.post(rpc_proxy.url, json=request, timeout=30)
    assert (refused.status_code, refused.text) == (429, "slow down")
    rpc_proxy.on("*", Truncate(), times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.post(rpc_proxy.url, json=request, timeout=30)


def test_errors_and_changed_results(
    anvil: AnvilServer, rpc_proxy: RpcProxy, session: requests.Session
) -> None:
    rpc_proxy.on("evm_mine", Error("no luck"), times=1)
    assert ask(session, rpc_proxy, "evm_mine")["error"] == {"code": -32000, "message": "no luck"}
    assert anvil.height() == 0
    rpc_proxy.on("evm_mine", Error("no luck", forward=True), times=1)
    assert "error" in ask(session, rpc_proxy, "evm_mine")
    assert anvil.height() == 1
    rpc_proxy.on("eth_blockNumber", Rewrite(lambda number: hex(int(number, 16) + 9)))
    assert ask(session, rpc_proxy, "eth_blockNumber")["result"] == "0xa"


def test_batches_may_be_refused_as_a_whole(rpc_proxy: RpcProxy, session: requests.Session) -> None:
    rpc_proxy.on(BATCH, Error("batches are not supported"))
    request = {"jsonrpc": "2.0", "id": 7, "method": "eth_chainId", "params": []}
    answer = session.post(rpc_proxy.url, json=[request, request | {"id": 8}], timeout=30).json()
    assert answer["error"]["message"] == "batches are not supported"
    assert ask(session, rpc_proxy, "eth_chainId")["result"] == CHAIN


def test_another_node_answers(anvil: AnvilServer, session: requests.Session) -> None:
    with RpcProxy(anvil.url) as other, RpcProxy(anvil.url) as proxy:
        other.on("eth_blockNumber", Result("0x63"))
        proxy.on("eth_blockNumber", AskOther(other.url))
        assert ask(session, proxy, "eth_blockNumber")["result"] == "0x63"


def test_nitro_has_no_pool(anvil: AnvilServer, session: requests.Session) -> None:
    sender = anvil.account()
    with RpcProxy(anvil.url, nitro) as proxy:
        gap = "0x" + anvil.transfer(sender, sender.address, 1, nonce=1).hex()
        next_one = "0x" + anvil.transfer(sender, sender.address, 1, nonce=0).hex()
        refused = ask(session, proxy, "eth_sendRawTransaction", gap)["error"]["message"]
        assert refused.startswith("nonce too high")
        anvil.rpc("evm_setAutomine", False)
        assert "result" in ask(session, proxy, "eth_sendRawTransaction", next_one)
        counted = ("eth_getTransactionCount", sender.address, "pending")
        assert anvil.rpc(*counted) == "0x1"
        assert ask(session, proxy, *counted)["result"] == "0x0"
        assert ask(session, proxy, "eth_maxPriorityFeePerGas")["result"] == "0x0"


def test_the_part_for_l1_grows(anvil: AnvilServer, session: requests.Session) -> None:
    sender = anvil.account()
    transfer = {"from": sender.address, "to": sender.address, "value": "0x1"}
    l1 = L1Gas(5_000)
    with RpcProxy(anvil.url, l1) as proxy:
        assert ask(session, proxy, "eth_estimateGas", transfer)["result"] == hex(26_000)
        l1.extra_gas = 19_000
        assert ask(session, proxy, "eth_estimateGas", transfer)["result"] == hex(40_000)
        little, enough = (
            "0x" + anvil.transfer(sender, sender.address, 1, nonce=0, gas=gas).hex()
            for gas in (26_000, 40_000)
        )
        refused = ask(session, proxy, "eth_sendRawTransaction", little)["error"]["message"]
        assert refused == "intrinsic gas too low"
        assert "result" in ask(session, proxy, "eth_sendRawTransaction", enough)


def test_a_stale_node_knows_nothing_newer(anvil: AnvilServer, session: requests.Session) -> None:
    sender = anvil.account()
    hashes = [anvil.send(anvil.transfer(sender, sender.address, 1)) for _ in range(3)]
    with RpcProxy(anvil.url, StaleNode(2)) as proxy:

        def result(method: str, *params: object) -> Any:
            return ask(session, proxy, method, *params)["result"]

        assert result("eth_blockNumber") == "0x2"
        assert result("eth_getBlockByNumber", "latest", False)["number"] == "0x2"
        assert result("eth_getBlockByNumber", "0x3", False) is None
        assert result("eth_getTransactionCount", sender.address, "latest") == "0x2"
        assert result("eth_getTransactionReceipt", hashes[1])["blockNumber"] == "0x2"
        assert result("eth_getTransactionReceipt", hashes[2]) is None
        assert result("eth_getTransactionByHash", hashes[2]) is None
        anvil.finalize()
        assert result("eth_getBlockByNumber", "finalized", False)["number"] == "0x2"


def test_finality_stands_still(anvil: AnvilServer, session: requests.Session) -> None:
    anvil.mine(20)
    with RpcProxy(anvil.url, FrozenFinality(3)) as proxy:
        answer = ask(session, proxy, "eth_getBlockByNumber", "finalized", False)
        assert answer["result"]["number"] == "0x3"
        answer = ask(session, proxy, "eth_getBlockByNumber", "latest", False)
        assert answer["result"]["number"] == "0x14"
