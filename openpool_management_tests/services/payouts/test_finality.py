"""What is final: by every node, in the very block that the receipt names."""

from dataclasses import replace

import pytest

from openpool_management.domain.payouts.chain import Receipt
from openpool_management.services.payouts.finality import Finality
from openpool_management_tests.payout_model.fake_chain import FakeChain, LaggingNode
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address


@pytest.fixture
def receipt(pool: PayoutRig, chain: FakeChain) -> Receipt:
    """The receipt of a payout in the newest block, which is not final."""
    pool.earn((worker_address(1), ETH_WEI))
    pool.pay()
    [sent] = chain.heard
    [found] = chain.receipts([sent])
    return found


def reached(pool: PayoutRig, receipt: Receipt) -> bool:
    """Whether it is final by what the nodes say at the moment."""
    return Finality(pool.paymaster()).reached(receipt)


def test_the_newest_block_is_not_final(pool: PayoutRig, chain: FakeChain, receipt: Receipt) -> None:
    assert not reached(pool, receipt)
    chain.finalize(lag=1)
    assert not reached(pool, receipt)
    chain.finalize()
    assert reached(pool, receipt)


def test_a_receipt_of_a_block_that_was_taken_back_is_never_final(
    pool: PayoutRig, chain: FakeChain, receipt: Receipt
) -> None:
    """A node may answer with a receipt that it should have forgotten."""
    chain.finalize()
    assert not reached(pool, replace(receipt, block_hash="0x" + "0" * 64))
    assert not reached(pool, replace(receipt, block_number=receipt.block_number + 1))


def test_every_node_has_to_have_it(pool: PayoutRig, chain: FakeChain, receipt: Receipt) -> None:
    chain.finalize()
    pool.witnesses = (LaggingNode(chain, 0), LaggingNode(chain, 1))
    assert not reached(pool, receipt)
    chain.mine()
    assert reached(pool, receipt)


def test_the_most_careful_node_counts_nonces(
    pool: PayoutRig, chain: FakeChain, receipt: Receipt
) -> None:
    chain.finalize()
    assert Finality(pool.paymaster()).nonce(pool.sender) == 1
    pool.witnesses = (LaggingNode(chain, 1),)
    assert Finality(pool.paymaster()).nonce(pool.sender) == 0
    assert receipt.succeeded
