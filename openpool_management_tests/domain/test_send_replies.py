"""Nodes' words about a broadcast, as geth, Nitro and anvil put them."""

import pytest

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.send_replies import classify_send, node_words

HASH = "0x" + "ab" * 32
ADDRESS = "0x" + "1" * 40

TEXTS = {
    SendOutcome.KNOWN: ["already known", "transaction already imported", "AlreadyKnown"],
    SendOutcome.NONCE_TOO_LOW: [
        "nonce too low",
        "nonce too low: next nonce 7, tx nonce 6",
        f"nonce too low: address {ADDRESS}, tx: 1 state: 2",
    ],
    SendOutcome.NONCE_TOO_HIGH: [
        "nonce too high",
        f"nonce too high: address {ADDRESS}, tx: 9 state: 2",
        "gapped-nonce tx from delegated accounts",
    ],
    SendOutcome.EXPIRED: ["context deadline exceeded"],
    SendOutcome.FEE_TOO_LOW: [
        "max fee per gas less than block base fee",
        f"max fee per gas less than block base fee: address {ADDRESS}, maxFeePerGas: 1, baseFee: 2",
        "transaction underpriced",
        "transaction underpriced: gas tip cap 0, minimum needed 1",
    ],
    SendOutcome.UNDERPRICED: ["replacement transaction underpriced"],
    SendOutcome.GAS_TOO_LOW: [
        "intrinsic gas too low",
        "intrinsic gas too low: gas 20000, minimum needed 21000",
        "intrinsic gas too low: have 21000, want 26000",
        "gas required exceeds allowance (21000)",
        "insufficient gas for floor data gas cost: gas 21000, minimum needed 21400",
    ],
    SendOutcome.INSUFFICIENT_FUNDS: [
        "Insufficient funds for gas * price + value",
        "insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1",
        "insufficient funds for transfer",
    ],
    SendOutcome.REVERTED: ["execution reverted", "execution reverted: not payable"],
    SendOutcome.REFUSED: [
        "invalid chain id for signer",
        "invalid chain id for signer: have 1 want 42161",
        "invalid sender",
        "invalid transaction v, r, s values",
        "max priority fee per gas higher than max fee per gas",
        "transaction type not supported",
        "Failed to decode transaction",
        "rlp: element is larger than containing list",
        "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)",
        "exceeds block gas limit",
        "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit",
        "the method eth_sendRawTransaction does not exist/is not available",
        "Method not found",
    ],
    SendOutcome.UNKNOWN: [
        "",
        "internal error",
        "txpool is full",
        "unknown transaction",
        "sequencer temporarily not available",
        # A gateway gave up on the node, which may go on with it.
        'Post "https://node.example/v2/key": context deadline exceeded',
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    ],
}


@pytest.mark.parametrize(
    ("outcome", "text"), [(outcome, text) for outcome, texts in TEXTS.items() for text in texts]
)
def test_words_hint_at_an_outcome_in_any_case(outcome: SendOutcome, text: str) -> None:
    assert classify_send(text, -32000).outcome is outcome
    assert classify_send(text.upper(), None).outcome is outcome


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (-32601, SendOutcome.REFUSED),
        (-32602, SendOutcome.REFUSED),
        (-32000, SendOutcome.UNKNOWN),
        (-32603, SendOutcome.UNKNOWN),
        (None, SendOutcome.UNKNOWN),
    ],
)
def test_a_code_decides_where_words_do_not(code: int | None, outcome: SendOutcome) -> None:
    assert classify_send("no", code).outcome is outcome
    assert classify_send("nonce too low", code).outcome is SendOutcome.NONCE_TOO_LOW


def test_the_detail_is_the_nodes_words() -> None:
    assert (
        classify_send("Nonce too low: next nonce 7", None).detail == "Nonce too low: next nonce 7"
    )


def test_raw_transactions_and_urls_are_left_out_and_hashes_stay() -> None:
    raw = "02f86f82a4b1" + "c0ffee" * 40
    for text in (f"bad transaction 0x{raw} from {HASH}", f"bad transaction {raw} from {HASH}"):
        words = node_words(text)
        assert HASH in words
        assert "c0ffee" not in words
    assert "key" not in node_words("Post https://user:key@node.example/v2/key?q=key: refused")


def test_words_are_one_short_line() -> None:
    assert node_words("a\nb\tc\x1b[31m d") == "a b c [31m d"
    assert len(node_words("long " * 200)) == 200
    assert node_words("x" * 200) == "x" * 200
