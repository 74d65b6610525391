"""A nonce that seems to be used elsewhere: what is looked at before payouts are paused."""

from collections.abc import Sequence

import pytest

from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.domain.payouts.chain import Receipt, SendOutcome
from openpool_management.domain.payouts.payout import Mark, PayoutState
from openpool_management.domain.payouts.transactions import Transfer, read_signed
from openpool_management.services.payouts.drive import drive
from openpool_management.services.payouts.run import pay
from openpool_management_tests.payout_model.fake_chain import FakeChain, LaggingNode, Lie
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.services.payouts.conftest import KEY

WORKER, ELSEWHERE = worker_address(1), worker_address(99)
PART_WEI = 75 * 10**16


class SlowIndex(FakeChain):
    """A node that counts a transaction before it can show the receipt."""

    slow = False

    def receipts(self, hashes: Sequence[str]) -> list[Receipt]:
        """See the port."""
        return [] if self.slow else super().receipts(hashes)


def sent_in_vain(pool: PayoutRig, chain: FakeChain) -> None:
    """A payout's bytes are on their way and never arrive."""
    pool.earn((WORKER, ETH_WEI))
    chain.lies = [Lie(False, SendOutcome.UNKNOWN)] * 6
    pool.pay()
    assert pool.states() == [PayoutState.SENT] and chain.lies == []


def use_first_nonce(chain: FakeChain) -> None:
    """Somebody pays with the wallet's key, in a block that is not final."""
    transfer = Transfer(CHAIN_ID, 0, ELSEWHERE, 5, 30_000, 100, 1)
    assert chain.take(read_signed(LocalSigner(lambda: KEY).sign(transfer))) is SendOutcome.ACCEPTED


def alarms(pool: PayoutRig) -> list[str]:
    """Who has said, if anybody, that the key is used elsewhere."""
    marked = [one.id for one in pool.payouts() if Mark.FOREIGN in {it.mark for it in one.events}]
    pause = pool.paymaster().paused()
    return marked + ([pause.reason] if pause else [])


@pytest.mark.parametrize("late", ["first", "second"])
def test_a_nonce_is_used_elsewhere_only_when_every_node_says_so(
    pool: PayoutRig, chain: FakeChain, late: str
) -> None:
    sent_in_vain(pool, chain)
    use_first_nonce(chain)
    behind = LaggingNode(chain, 1)
    pool.witnesses = (LaggingNode(chain, 0), behind) if late == "second" else (behind,)
    report = pool.drive()
    assert any("no block holds it yet" in one for one in report.problems)
    assert pool.states() == [PayoutState.SENT] and alarms(pool) == []
    chain.mine()
    pool.drive()
    assert pool.states() == [PayoutState.FOREIGN]
    assert len(alarms(pool)) == 2, "the payout's mark, and the pause"
    assert len(chain.executed()) == 1


def test_a_receipt_that_shows_at_the_second_look_raises_no_alarm(pool: PayoutRig) -> None:
    chain = SlowIndex(CHAIN_ID)
    chain.grant(pool.sender, 10 * ETH_WEI)
    chain.finalize()
    pool.chain, chain.slow = chain, True
    looks: list[float] = []

    def catch_up(seconds: float) -> None:
        looks.append(seconds)
        chain.slow = False

    pool.earn((WORKER, ETH_WEI))
    pay(pool.planner, pool.paymaster(sleep=catch_up), "2026-12-01")
    assert looks == [0] and alarms(pool) == []
    assert pool.states() == [PayoutState.SENT]
    assert pool.drive().problems == []
    assert pool.states() == [PayoutState.SEEN] and len(chain.heard) == 1
    assert chain.balance_wei(WORKER) == PART_WEI


def test_another_transaction_that_is_gone_at_the_second_look_raises_no_alarm(
    pool: PayoutRig, chain: FakeChain
) -> None:
    sent_in_vain(pool, chain)
    use_first_nonce(chain)
    looking = pool.paymaster(sleep=lambda seconds: chain.reorganize(1, forget=True))
    drive(looking, send=False)
    assert alarms(pool) == []
    pool.drive()
    assert pool.states() == [PayoutState.SEEN]
    assert chain.balance_wei(WORKER) == PART_WEI and chain.balance_wei(ELSEWHERE) == 0
