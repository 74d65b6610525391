"""What the chain and the ledger are found to differ in, and whom a wallet's balance is asked of."""

import pytest

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management.services.payouts.reconcile import rebuild, reconcile
from openpool_management_tests.payout_model.fake_chain import FakeChain, LaggingNode, Lie
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.services.payouts.conftest import WALLET_WEI
from openpool_management_tests.services.payouts.test_hand_payments import (
    by_hand,
    finalize,
    settle,
)

ALICE, ELSEWHERE = worker_address(1), worker_address(99)


def test_a_nonce_of_an_open_payout_that_was_used_elsewhere(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.earn((ALICE, 4 * ETH_WEI))
    chain.lies = [Lie(arrives=False, outcome=SendOutcome.UNKNOWN)] * 6
    pool.pay()
    chain.lies = []
    by_hand(chain, ELSEWHERE, 5)
    [payout] = pool.payouts()
    told = reconcile(pool.paymaster()).differences
    assert any(f"Nonce 0 of payout {payout.id} was used by 0x" in one for one in told)
    assert any("The balance was not compared" in one for one in told)
    settle(pool, chain)
    assert pool.states() == [PayoutState.RESERVED]
    assert reconcile(pool.paymaster()).differences == []


def test_a_ledger_that_has_not_paid_compares_nothing(pool: PayoutRig, chain: FakeChain) -> None:
    with pytest.raises(PayoutsStopped, match="has not paid from"):
        reconcile(pool.paymaster())
    by_hand(chain, ELSEWHERE, 5)
    for look in (
        lambda: reconcile(pool.paymaster()),
        lambda: rebuild(pool.paymaster(), [ALICE], "restored"),
    ):
        with pytest.raises(PayoutsStopped, match="openpool payouts open"):
            look()


class BraggingNode(LaggingNode):
    """A node that tells of more money than there is."""

    more_wei = 7 * ETH_WEI

    def balance_wei(self, address: str, block: int | None = None) -> int:
        """See the port."""
        return super().balance_wei(address, block) + self.more_wei


@pytest.mark.parametrize("first", [True, False])
def test_money_that_not_every_node_tells_of_is_not_posted(
    pool: PayoutRig, chain: FakeChain, first: bool
) -> None:
    pool.earn((ALICE, 4 * ETH_WEI))
    pool.pay()
    settle(pool, chain)
    honest, bragging = LaggingNode(chain, 0), BraggingNode(chain, 0)
    paymaster = pool.paymaster(signing=False)
    nodes = (bragging, honest) if first else (honest, bragging)
    finalize(chain)
    pool.chain, pool.witnesses = nodes[0], (nodes[1],)
    assert pool.drive(send=False).problems == []
    assert pool.balance_wei(AccountKind.FUNDING, pool.sender) == WALLET_WEI
    assert paymaster.paused() is None
