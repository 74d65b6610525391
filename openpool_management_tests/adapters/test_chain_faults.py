"""Nodes that answer late, wrongly or not at all: reads are tried again, a broadcast never is."""

import logging

import pytest
from eth_utils.crypto import keccak

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.services.ports.chain import ChainUnavailable, ExecutionReverted
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import (
    Action,
    Delay,
    DropReply,
    Error,
    Http,
    Result,
    Swallow,
    Truncate,
)
from openpool_management_tests.servers.rpc_proxy import BATCH, RpcProxy

SEND = "eth_sendRawTransaction"
RECEIPT = "eth_getTransactionReceipt"
SECRET = "s3cr3t"
ADDRESS = "0x" + "1" * 40
HASH = "0x" + "22" * 32

PASSING = [
    Http(429),
    Http(500),
    Http(503),
    Http(200),
    Truncate(),
    Swallow(),
    DropReply(),
    Delay(60),
    Error("too many requests", 429),
    Error("limit exceeded", -32005),
    Http(200, b'"text"'),
    Http(200, b'{"jsonrpc": "2.0", "id": 1}'),
    Http(200, b"\xff\xfe"),
]


def node(url: str) -> RpcChain:
    """A chain that does not wait long, but for a busy machine."""
    return RpcChain(url, read_timeout_seconds=2, send_timeout_seconds=2, backoff_seconds=0.001)


@pytest.fixture
def chain(rpc_proxy: RpcProxy) -> RpcChain:
    """The chain behind the proxy, by a URL with three secrets."""
    host = rpc_proxy.url.removeprefix("http://")
    return node(f"http://{SECRET}:{SECRET}@{host}/v2/{SECRET}?apikey={SECRET}")


def chained(error: BaseException | None) -> list[BaseException]:
    """An error and all that a traceback may show with it."""
    if error is None:
        return []
    return [error, *chained(error.__cause__), *chained(error.__context__)]


@pytest.mark.parametrize("fault", PASSING, ids=repr)
def test_reads_are_tried_again(rpc_proxy: RpcProxy, chain: RpcChain, fault: Action) -> None:
    rpc_proxy.on("eth_chainId", fault, times=2)
    assert chain.chain_id() == 42161
    assert rpc_proxy.count("eth_chainId") == 3


@pytest.mark.parametrize("fault", PASSING, ids=repr)
def test_a_node_that_stays_bad_is_unavailable_and_named_without_secrets(
    rpc_proxy: RpcProxy, chain: RpcChain, fault: Action
) -> None:
    rpc_proxy.on("eth_chainId", fault)
    with pytest.raises(ChainUnavailable, match=rpc_proxy.url) as caught:
        chain.chain_id()
    assert rpc_proxy.count("eth_chainId") == 3
    for error in chained(caught.value):
        assert SECRET not in f"{error!r} {error}"


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404])
def test_what_another_try_would_not_change_is_asked_once(
    rpc_proxy: RpcProxy, chain: RpcChain, status: int
) -> None:
    rpc_proxy.on("eth_chainId", Http(status))
    with pytest.raises(ChainUnavailable, match=f"HTTP status {status}") as caught:
        chain.chain_id()
    assert rpc_proxy.count("eth_chainId") == 1
    for error in chained(caught.value):
        assert SECRET not in f"{error!r} {error}"


def test_a_refusal_is_not_tried_again(rpc_proxy: RpcProxy, chain: RpcChain) -> None:
    rpc_proxy.on("eth_getBalance", Error("missing trie node at http://x/?key=abc", -32000))
    with pytest.raises(ChainUnavailable, match=r"missing trie node at …\. Name another") as caught:
        chain.balance_wei(ADDRESS)
    assert "key" not in str(caught.value)
    assert rpc_proxy.count("eth_getBalance") == 1


def test_a_refusal_in_the_body_of_an_http_error_is_one(
    rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    body = b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 3, "message": "execution reverted"}}'
    rpc_proxy.on("eth_estimateGas", Http(400, body))
    with pytest.raises(ExecutionReverted, match="execution reverted") as caught:
        chain.outlook(ADDRESS, ADDRESS, 1).gas()
    for error in chained(caught.value):
        assert SECRET not in f"{error!r} {error}"


@pytest.mark.parametrize(
    "message",
    [
        "insufficient funds for gas * price + value: out of gas",
        "insufficient funds for transfer",
        "internal error",
        "unsupported block",
    ],
)
def test_only_the_recipients_doing_is_a_revert(
    rpc_proxy: RpcProxy, chain: RpcChain, message: str
) -> None:
    rpc_proxy.on("eth_estimateGas", Error(message))
    with pytest.raises(ChainUnavailable, match="refused eth_estimateGas"):
        chain.outlook(ADDRESS, ADDRESS, 1).gas()


@pytest.mark.parametrize(
    "message", ["execution reverted: no", "invalid opcode: INVALID", "out of gas"]
)
def test_words_for_a_revert(rpc_proxy: RpcProxy, chain: RpcChain, message: str) -> None:
    rpc_proxy.on("eth_estimateGas", Error(message))
    with pytest.raises(ExecutionReverted, match=message):
        chain.outlook(ADDRESS, ADDRESS, 1).gas()


def test_nobody_at_the_port() -> None:
    url = "http://127.0.0.1:9"
    chain = node(f"{url}/{SECRET}")
    with pytest.raises(ChainUnavailable, match=url) as caught:
        chain.latest()
    for error in chained(caught.value):
        assert SECRET not in f"{error!r} {error}"
    reply = chain.send(b"\x02")
    assert reply.outcome is SendOutcome.UNKNOWN
    assert SECRET not in reply.detail


@pytest.mark.parametrize("fault", [Result(None), Error("invalid block tag", -32602)], ids=repr)
def test_a_node_that_can_not_tell_what_is_final_says_so(
    rpc_proxy: RpcProxy, chain: RpcChain, fault: Action
) -> None:
    rpc_proxy.on("eth_getBlockByNumber", fault, when=lambda params: params[0] == "finalized")
    with pytest.raises(ChainUnavailable, match="can't tell what is final"):
        chain.finalized()
    assert chain.latest().number == 0


@pytest.mark.parametrize(
    "refusal", [Error("batches are not supported"), Http(400, b"[no]"), Http(413)], ids=repr
)
def test_receipts_of_a_node_without_batches(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain, refusal: Action
) -> None:
    sender = anvil.account()
    hashes = [anvil.send(anvil.transfer(sender, ADDRESS, 1)) for _ in range(3)]
    rpc_proxy.on(BATCH, refusal)
    assert [receipt.tx_hash for receipt in chain.receipts(hashes)] == hashes


def test_an_outlook_is_one_request_where_the_node_lets_it(
    rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    told = chain.outlook(ADDRESS, ADDRESS, 0)
    assert (told.nonce, told.balance_wei, told.gas()) == (0, 0, 21_000)
    assert told.base_fee_wei == chain.latest().base_fee_wei
    assert rpc_proxy.requests == 2


@pytest.mark.parametrize(
    "fault",
    [Error("batches are not supported"), Http(413), Http(500), Http(200), Result(None)],
    ids=repr,
)
def test_an_outlook_of_a_node_without_batches(
    rpc_proxy: RpcProxy, chain: RpcChain, fault: Action
) -> None:
    at_once = chain.outlook(ADDRESS, ADDRESS, 0)
    rpc_proxy.on(BATCH, fault)
    assert chain.outlook(ADDRESS, ADDRESS, 0) == at_once


def test_a_refused_estimate_leaves_the_rest_of_an_outlook(
    rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    rpc_proxy.on("eth_estimateGas", Error("insufficient funds for transfer"))
    told = chain.outlook(ADDRESS, ADDRESS, 1)
    assert (told.nonce, told.balance_wei) == (0, 0)
    with pytest.raises(ChainUnavailable, match="refused eth_estimateGas"):
        told.gas()


def test_parts_of_a_batch_are_asked_again(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    sender = anvil.account()
    hashes = [anvil.send(anvil.transfer(sender, ADDRESS, 1)) for _ in range(3)]
    rpc_proxy.on(RECEIPT, Error("limit exceeded", -32005), after=1, times=1)
    assert [receipt.tx_hash for receipt in chain.receipts(hashes)] == hashes
    assert rpc_proxy.count(RECEIPT) == 4


@pytest.mark.parametrize(
    "body", [b"[]", b"[null, null]", b'[{"id": 1, "result": null}, {"id": 1, "result": null}]']
)
def test_a_batch_with_other_answers_is_asked_one_by_one(
    rpc_proxy: RpcProxy, chain: RpcChain, body: bytes
) -> None:
    rpc_proxy.on(BATCH, Http(200, body))
    assert chain.receipts([HASH, "0x" + "33" * 32]) == []
    assert rpc_proxy.count(RECEIPT) > 2


@pytest.mark.parametrize(
    ("fault", "reached"),
    [
        (Http(429), False),
        (Http(500, forward=True), True),
        (Http(200), False),
        (Truncate(), True),
        (Swallow(), False),
        (DropReply(), True),
        (Delay(60), True),
        (Result(None), False),
        (Result(HASH), False),
        (Result("accepted"), False),
        (Error("internal error", -32603, forward=True), True),
    ],
    ids=repr,
)
def test_a_broadcast_is_made_once_and_a_lost_reply_is_unknown(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain, fault: Action, reached: bool
) -> None:
    raw = anvil.transfer(anvil.account(), ADDRESS, 1)
    rpc_proxy.on(SEND, fault, times=1)
    reply = chain.send(raw)
    assert reply.outcome is SendOutcome.UNKNOWN
    assert reply.detail
    assert SECRET not in reply.detail
    assert rpc_proxy.count(SEND) == 1
    if reached:
        anvil.wait_mined("0x" + keccak(raw).hex())
        assert chain.send(raw).outcome in (SendOutcome.KNOWN, SendOutcome.NONCE_TOO_LOW)
    else:
        assert chain.send(raw).outcome is SendOutcome.ACCEPTED


def test_a_broadcast_may_take_longer_than_a_read(anvil: AnvilServer, rpc_proxy: RpcProxy) -> None:
    chain = RpcChain(rpc_proxy.url, read_timeout_seconds=0.05, send_timeout_seconds=60)
    rpc_proxy.on(SEND, Delay(0.3))
    assert chain.send(anvil.transfer(anvil.account(), ADDRESS, 1)).outcome is SendOutcome.ACCEPTED


def test_a_node_that_repeats_the_raw_bytes_is_not_quoted(
    anvil: AnvilServer, rpc_proxy: RpcProxy, chain: RpcChain
) -> None:
    raw = anvil.transfer(anvil.account(), ADDRESS, 1)
    rpc_proxy.on(SEND, Error(f"nonce too high in 0x{raw.hex()}"))
    reply = chain.send(raw)
    assert reply.outcome is SendOutcome.NONCE_TOO_HIGH
    assert raw.hex()[-60:] not in reply.detail


def test_no_log_line_holds_a_secret_or_a_raw_transaction(
    anvil: AnvilServer,
    rpc_proxy: RpcProxy,
    chain: RpcChain,
    caplog: pytest.LogCaptureFixture,
) -> None:
    raw = anvil.transfer(anvil.account(), ADDRESS, 1)
    with caplog.at_level(logging.DEBUG):
        assert chain.send(raw).outcome is SendOutcome.ACCEPTED
        chain.receipts([HASH, "0x" + "33" * 32])
    assert "POST" in caplog.text
    assert SECRET not in caplog.text
    assert raw.hex() not in caplog.text


def test_no_name_holds_a_secret(rpc_proxy: RpcProxy, chain: RpcChain) -> None:
    assert chain.name == rpc_proxy.url
    assert repr(chain) == f"RpcChain({rpc_proxy.url})"
    assert RpcChain("https://[::1]:8545/key").name == "https://[::1]:8545"
    assert RpcChain("https://Node.example/key").name == "https://node.example"


@pytest.mark.parametrize(
    "url", ["", SECRET, f"ws://node/{SECRET}", f"http:///{SECRET}", f"http://node:{SECRET}/"]
)
def test_a_url_of_no_node_is_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="must start with http") as caught:
        RpcChain(url)
    for error in chained(caught.value):
        assert SECRET not in f"{error!r} {error}"
