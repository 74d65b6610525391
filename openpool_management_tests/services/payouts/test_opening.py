"""Where the ledger's account of a wallet begins: at a state that is final, by every node."""

import pytest

from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.transactions import Transfer, read_signed
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management_tests.payout_model.chain_view import GAS
from openpool_management_tests.payout_model.fake_chain import FIRST_FEE_WEI, FakeChain, LaggingNode
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.services.payouts.conftest import KEY, WALLET_WEI

WORKER, ELSEWHERE = worker_address(1), worker_address(99)
NOT_FINAL = "has transactions that are not final yet"


def use_the_wallet(chain: FakeChain) -> None:
    """A transfer with the wallet's key that is not a payout, in a block that is not final."""
    transfer = Transfer(CHAIN_ID, 0, ELSEWHERE, 5, 30_000, 100, 1)
    assert chain.take(read_signed(LocalSigner(lambda: KEY).sign(transfer))) is SendOutcome.ACCEPTED


def test_a_wallet_is_not_opened_while_a_transaction_of_it_is_not_final(
    pool: PayoutRig, chain: FakeChain
) -> None:
    """Its final balance still has in it what the transaction takes away."""
    use_the_wallet(chain)
    pool.earn((WORKER, ETH_WEI))
    assert any(NOT_FINAL in one for one in pool.pay().problems)
    for nonce in (None, 0):
        with pytest.raises(PayoutsStopped, match=NOT_FINAL):
            orders.open_at(pool.paymaster(), nonce)
    assert pool.book.opening(pool.sender) is None and pool.payouts() == []
    chain.finalize()
    opening = orders.open_at(pool.paymaster(), None)
    left_wei = WALLET_WEI - 5 - GAS * FIRST_FEE_WEI
    assert (opening.nonce, opening.balance_wei) == (1, left_wei)
    assert pool.balance_wei(AccountKind.FUNDING, pool.sender) == left_wei
    assert pool.pay().problems == []
    assert chain.balance_wei(WORKER) == 75 * 10**16


def test_a_transaction_that_a_witness_alone_has_seen_counts(
    pool: PayoutRig, chain: FakeChain
) -> None:
    use_the_wallet(chain)
    pool.chain, pool.witnesses = LaggingNode(chain, 1), (LaggingNode(chain, 0),)
    pool.earn((WORKER, ETH_WEI))
    assert any(NOT_FINAL in one for one in pool.pay().problems)
    assert pool.book.opening(pool.sender) is None and chain.heard == {}
