"""What is told of the ledger beside the wallet and the payouts that are under way."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from eth_account import Account

from openpool_management.domain.payouts.chain import Receipt, SendOutcome
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts.reconcile import reconcile
from openpool_management_tests.payout_model.fake_chain import FakeChain, Lie
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.services.payouts.conftest import KEY, WALLET_WEI

ALICE, BOB = worker_address(1), worker_address(2)
SECOND_KEY = Account.from_key(b"\x08" * 32)
PART_WEI = 75 * 10**16


class OtherPast(FakeChain):
    """A chain that tells something else of what it held: nothing, or a failure."""

    told: tuple[Receipt, ...] | None = None

    def receipts(self, hashes: Sequence[str]) -> list[Receipt]:
        """See the port."""
        return super().receipts(hashes) if self.told is None else list(self.told)


def test_payouts_of_another_wallet_are_told_and_left_alone(
    pool: PayoutRig, chain: FakeChain
) -> None:
    chain.grant(str(SECOND_KEY.address), WALLET_WEI)
    chain.finalize()
    first = pool.sender
    pool.earn((ALICE, ETH_WEI))
    chain.lies = [Lie(False, SendOutcome.UNKNOWN)] * 6
    pool.pay()
    pool.key = SECOND_KEY
    pool.earn((BOB, ETH_WEI))
    report = pool.pay("2026-12-02")
    told = f"Payouts from {first} are open, and this run pays from {pool.sender}"
    assert [told in one for one in report.problems] == [True]
    assert pool.states() == [PayoutState.SENT, PayoutState.SEEN]
    assert (chain.balance_wei(ALICE), chain.balance_wei(BOB)) == (0, PART_WEI)
    pool.key = KEY
    report = pool.pay("2026-12-03")
    assert [f"Payouts from {SECOND_KEY.address} are open" in one for one in report.problems] == [
        True
    ]
    assert (chain.balance_wei(ALICE), chain.balance_wei(BOB)) == (PART_WEI, PART_WEI)
    for key in (KEY, SECOND_KEY):
        chain.finalize()
        pool.key = key
        pool.drive()
        assert reconcile(pool.paymaster()).differences == []
    assert pool.states() == [PayoutState.SETTLED] * 2 and pool.drive().problems == []


@pytest.mark.parametrize("failed", [False, True], ids=["gone", "failed"])
def test_a_settled_payout_that_the_chain_does_not_hold_is_told(
    pool: PayoutRig, failed: bool
) -> None:
    chain = OtherPast(CHAIN_ID)
    chain.grant(pool.sender, 10 * ETH_WEI)
    chain.finalize()
    pool.chain = chain
    pool.earn((ALICE, ETH_WEI))
    pool.pay()
    chain.finalize()
    pool.drive()
    [payout] = pool.payouts()
    assert payout.state is PayoutState.SETTLED
    assert reconcile(pool.paymaster()).differences == []
    [tx_hash] = payout.slots[0].hashes
    [receipt] = chain.receipts([tx_hash])
    chain.told = (replace(receipt, succeeded=False),) if failed else ()
    assert reconcile(pool.paymaster()).differences == [
        f"Payout {payout.id} is settled by {tx_hash}, which the chain does not hold as a success."
    ]
