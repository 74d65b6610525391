"""Blocks that are taken back before they are final."""

from openpool_management.domain.payouts.payout import Mark, PayoutState
from openpool_management.services.payouts import orders
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer

FEES = [(worker_address(number), 4 * 10**17) for number in range(3)]


def test_payouts_that_a_reorganization_took_away_are_sent_again(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.earn(*FEES)
    rig.pay()
    assert rig.states() == [PayoutState.SEEN] * 3
    before = [slot.hashes for payout in rig.payouts() for slot in payout.slots]
    anvil.rpc("anvil_reorg", 2, [])
    assert anvil.nonce(rig.sender) == 1
    rig.drive()
    marks = [event.mark for payout in rig.payouts() for event in payout.events]
    assert marks.count(Mark.LOST) == 2
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 3
    assert [slot.hashes for payout in rig.payouts() for slot in payout.slots] == before
    assert_oracle(rig, anvil)


def test_another_transaction_takes_the_place_in_a_reorganization(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.earn(FEES[0])
    rig.pay()
    [payout] = rig.payouts()
    raw = anvil.transfer(rig.key, worker_address(50), 3, nonce=0, max_fee_wei=10**10)
    anvil.rpc("anvil_reorg", 1, [["0x" + raw.hex(), 0]])
    assert anvil.balance_wei(payout.intent.to_address) == 0
    rig.drive()
    assert rig.states() == [PayoutState.FOREIGN]
    anvil.finalize()
    rig.drive()
    assert rig.states() == [PayoutState.RESERVED]
    orders.resume(rig.book, "seen to", rig.now)
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    assert_oracle(rig, anvil)


def test_nothing_settles_before_it_is_final(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.earn(*FEES)
    rig.pay()
    anvil.mine(3)
    rig.drive()
    assert rig.states() == [PayoutState.SEEN] * 3
    settle()
    assert_oracle(rig, anvil)
