"""Broadcasts whose answers are lost, late, wrong or repeated."""

import pytest
from sqlalchemy import select

from openpool_management.adapters.sql.payouts.tables import tx_attempt
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts import orders
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.moments import broadcasts
from openpool_management_tests.faults.payouts.oracle import assert_oracle, sent_transactions
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import (
    Action,
    Ask,
    Call,
    Delay,
    DropReply,
    Error,
    Http,
    Swallow,
    Truncate,
)
from openpool_management_tests.servers.rpc_proxy import RpcProxy
from openpool_management_tests.servers.rpc_rules import L1Gas, nitro

SEND = "eth_sendRawTransaction"
FEES = [(worker_address(number), 4 * 10**17 + number) for number in range(3)]


@pytest.mark.parametrize(
    "fault",
    [
        DropReply(),
        Swallow(),
        Delay(1.5),
        Http(500, b"broken", forward=True),
        Http(429, b"slow down"),
        Truncate(0.5),
        Error("already known", forward=True),
        Error("nonce too low: next nonce 7, tx nonce 0", forward=True),
        Error("context deadline exceeded"),
        Error("something new"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_wrong_answer_neither_pays_twice_nor_loses_a_payout(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, fault: Action
) -> None:
    rig.earn(*FEES)
    rpc_proxy.on(SEND, fault, times=2)
    rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    hashes = [slot.hashes for payout in rig.payouts() for slot in payout.slots]
    assert [len(one) for one in hashes] == [1, 1, 1], "the same bytes, never another nonce"
    assert len(sent_transactions(anvil, rig.sender)) == 3
    assert_oracle(rig, anvil)


def test_bytes_that_are_mined_already_are_settled(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    """The node executes the payout and shows no receipt until the bytes were sent again."""
    rig.earn(FEES[0])
    rpc_proxy.on(SEND, DropReply(), times=1)
    rpc_proxy.on("eth_getTransactionReceipt", Error("busy"), times=40)
    with pytest.raises(OSError, match="busy"):
        rig.pay()
    rpc_proxy.clear()
    rig.drive()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


@pytest.mark.parametrize("drop_all", [False, True])
def test_a_node_that_forgets_gets_the_same_bytes(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle, drop_all: bool
) -> None:
    rig.earn(FEES[0])
    anvil.rpc("evm_setAutomine", False)
    rig.pay()
    [payout] = rig.payouts()
    assert payout.state is PayoutState.SENT and payout.slot
    [tx_hash] = payout.slot.hashes
    if drop_all:
        anvil.rpc("anvil_dropAllTransactions")
    else:
        anvil.rpc("anvil_dropTransaction", tx_hash)
    rig.drive()
    anvil.rpc("evm_setAutomine", True)
    anvil.mine()
    settle()
    [payout] = rig.payouts()
    assert payout.state is PayoutState.SETTLED
    assert payout.slots[0].hashes == [tx_hash]
    assert_oracle(rig, anvil)


def test_a_node_like_nitro_and_its_price_of_l1(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.use(nitro)
    dear = L1Gas(5_000)
    rpc_proxy.use(dear)
    rig.earn(*FEES)
    rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    gas = [one.slots[0].attempts[0].signed.transfer.gas for one in rig.payouts()]
    assert all(limit >= 26_000 for limit in gas)
    pending = [call for call in rpc_proxy.calls if "pending" in str(call.params)]
    assert pending == []
    assert_oracle(rig, anvil)


def test_gas_that_grew_between_estimate_and_sending(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.on(SEND, Error("intrinsic gas too low"), times=1)
    rig.earn(FEES[0])
    rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert len(rig.payouts()[0].slots) == 1
    assert_oracle(rig, anvil)


def test_bytes_are_durable_before_they_leave(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    """Whenever a broadcast arrives, another connection finds its bytes in the ledger."""
    unknown: list[str] = []

    def look(call: Call, ask: Ask) -> Action | None:
        if call.method == SEND:
            raw = bytes.fromhex(call.params[0].removeprefix("0x"))
            with rig.scratch.engine.connect().execution_options(read_only=True) as connection:
                durable = set(connection.scalars(select(tx_attempt.c.raw)))
            if raw not in durable:
                unknown.append(call.params[0])
        return None

    rpc_proxy.use(look)
    rig.earn(*FEES)
    rig.pay()
    settle()
    assert rpc_proxy.count(SEND) == 3 and unknown == []
    assert_oracle(rig, anvil)


@pytest.mark.parametrize(
    "refusal",
    [
        Error("invalid chain id for signer: have 42161 want 1"),
        Error("this endpoint takes no transactions", code=-32601),
    ],
    ids=["chain-id", "no-such-method"],
)
def test_a_node_that_takes_no_transfers_pauses_and_the_nonce_is_kept(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, refusal: Error
) -> None:
    rpc_proxy.on(SEND, refusal)
    rig.earn(*FEES)
    report = rig.pay()
    assert any("refuses transfers of this wallet" in problem for problem in report.problems)
    pause = rig.book.pause()
    assert pause and pause.paused and refusal.message in pause.reason
    assert rig.states() == [PayoutState.SENT, PayoutState.RESERVED, PayoutState.RESERVED]
    [refused] = broadcasts(rpc_proxy)
    rpc_proxy.clear()
    rig.drive()
    assert rpc_proxy.count(SEND) == 0, "paused"
    orders.resume(rig.book, "another node", rig.now)
    rig.drive()
    assert broadcasts(rpc_proxy)[0] == refused
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert [payout.slots[0].nonce for payout in rig.payouts()] == [0, 1, 2]
    assert len(sent_transactions(anvil, rig.sender)) == 3
    assert_oracle(rig, anvil)
