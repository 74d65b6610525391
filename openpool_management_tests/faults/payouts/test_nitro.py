"""The core of the faults on a node without a pool, with a second node that has to agree."""

import pytest

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.faults.payouts.conftest import Settle, hasty
from openpool_management_tests.faults.payouts.moments import SEND, Twice, broadcasts
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

FEES = [(worker_address(number), 4 * 10**17) for number in range(3)]


@pytest.fixture
def arbitrum(rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy) -> PayoutRig:
    """A rig whose first node is like Arbitrum's, and whose second one is the chain itself."""
    rpc_proxy.use(nitro)
    rpc_proxy.use(L1Gas(5_000))
    rig.witnesses = (hasty(anvil.url),)
    rig.earn(*FEES)
    return rig


@pytest.mark.parametrize(
    "fault",
    [
        DropReply(),
        Swallow(),
        Delay(1.5),
        Http(503),
        Truncate(),
        Twice(),
        Error("context deadline exceeded"),
        Error("nonce too low: address, tx: 0 state: 1", forward=True),
        Error("Post: context deadline exceeded (Client.Timeout exceeded)", forward=True),
    ],
    ids=repr,
)
def test_every_payout_is_made_once(
    arbitrum: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, fault: Action
) -> None:
    rpc_proxy.on(SEND, fault, times=2)
    arbitrum.pay()
    settle()
    assert arbitrum.states() == [PayoutState.SETTLED] * 3
    signed = [slot.hashes for payout in arbitrum.payouts() for slot in payout.slots]
    assert [len(hashes) for hashes in signed] == [1, 1, 1]
    assert len(sent_transactions(anvil, arbitrum.sender)) == 3
    assert arbitrum.paymaster().paused() is None
    assert_oracle(arbitrum, anvil)


def test_after_a_reorganization_the_lowest_nonce_goes_first(
    arbitrum: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    arbitrum.pay()
    hashes = [payout.slots[0].hashes[0] for payout in arbitrum.payouts()]
    anvil.rpc("anvil_reorg", 3, [])
    assert anvil.nonce(arbitrum.sender) == 0
    rpc_proxy.calls.clear()
    arbitrum.drive()
    assert [one.hash for one in broadcasts(rpc_proxy)] == hashes
    settle()
    assert arbitrum.states() == [PayoutState.SETTLED] * 3
    replies = {
        send.outcome
        for payout in arbitrum.payouts()
        for attempt in payout.slots[0].attempts
        for send in attempt.sends
    }
    assert SendOutcome.NONCE_TOO_HIGH not in replies
    assert_oracle(arbitrum, anvil)


def test_a_sequencer_that_is_down_gets_the_same_bytes_until_it_is_up(
    arbitrum: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    rpc_proxy.on(SEND, Error("context deadline exceeded"))
    for _ in range(3):
        report = arbitrum.drive() if arbitrum.payouts() else arbitrum.pay().driven
        assert report and any("no block holds it yet" in problem for problem in report.problems)
    assert arbitrum.states() == [PayoutState.SENT, PayoutState.RESERVED, PayoutState.RESERVED]
    assert len({one.hash for one in broadcasts(rpc_proxy)}) == 1
    rpc_proxy.clear()
    arbitrum.drive()
    settle()
    assert arbitrum.states() == [PayoutState.SETTLED] * 3
    assert_oracle(arbitrum, anvil)


def test_a_nonce_used_elsewhere_is_found(
    arbitrum: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    """Between the estimate and the broadcast somebody else uses the key."""
    other = anvil.transfer(arbitrum.key, worker_address(90), 5, max_fee_wei=10**10)
    rpc_proxy.on(SEND, Swallow(), times=6)
    arbitrum.pay()
    anvil.send(other)
    report = arbitrum.drive()
    assert any("key is used elsewhere" in problem for problem in report.problems)
    assert arbitrum.states()[0] is PayoutState.FOREIGN
    assert len(sent_transactions(anvil, arbitrum.sender)) == 1
    settle()
    assert arbitrum.states() == [PayoutState.RESERVED] * 3, "released, and paused all the same"
    assert len(sent_transactions(anvil, arbitrum.sender)) == 1
    assert_oracle(arbitrum, anvil, explained=True)


def test_a_reorganization_right_before_a_broadcast_leaves_a_gap_that_stops(
    arbitrum: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle
) -> None:
    """The node has lost the first payout when the second one comes: its nonce is too high."""
    sends: list[str] = []

    def reorganize(call: Call, ask: Ask) -> Action | None:
        if call.method == SEND:
            sends.append(call.params[0])
            if len(sends) == 2:
                anvil.rpc("anvil_reorg", 1, [])
        return None

    rpc_proxy.use(reorganize)
    report = arbitrum.pay()
    assert any("has not seen the transactions before" in problem for problem in report.problems)
    assert arbitrum.states() == [PayoutState.SEEN, PayoutState.SENT, PayoutState.RESERVED]
    [refused] = arbitrum.payouts()[1].slots[0].attempts[0].sends
    assert refused.outcome is SendOutcome.NONCE_TOO_HIGH
    assert len(sends) == 2 and anvil.nonce(arbitrum.sender) == 0
    assert arbitrum.paymaster().paused() is None
    arbitrum.drive()
    assert [one.transfer.nonce for one in broadcasts(rpc_proxy)] == [0, 1, 0, 1, 2]
    assert sends[2:4] == sends[:2], "the same bytes, the lowest nonce first"
    settle()
    assert arbitrum.states() == [PayoutState.SETTLED] * 3
    assert len(sent_transactions(anvil, arbitrum.sender)) == 3
    assert_oracle(arbitrum, anvil)
