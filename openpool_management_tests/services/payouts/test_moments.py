"""What may happen between two steps of a payout: a pause, or another process."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Engine

from openpool_management.adapters.sql.payouts.book import SqlPayoutBook
from openpool_management.domain.payouts.payout import Payout, PayoutState, Purpose
from openpool_management.domain.payouts.transactions import SignedTransfer
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.payouts.run import RunReport, pay
from openpool_management.services.ports.chain import Outlook, Signer
from openpool_management.services.ports.payouts import Lease
from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address

WORKER = worker_address(1)
PART_WEI = 75 * 10**16

Step = Callable[[Lease], object]


class InterruptedBook(SqlPayoutBook):
    """A book beside which something happens, right after it has taken a nonce or bytes down."""

    def __init__(
        self, engine: Engine, *, after_slot: Step | None = None, after_attempt: Step | None = None
    ) -> None:
        super().__init__(engine)
        self.after_slot, self.after_attempt = after_slot, after_attempt

    def open_slot(self, payout: Payout, nonce: int, lease: Lease, at: datetime) -> Payout:
        """See the port."""
        opened = super().open_slot(payout, nonce, lease, at)
        if self.after_slot:
            self.after_slot(lease)
        return opened

    def add_attempt(
        self, payout: Payout, signed: SignedTransfer, purpose: Purpose, lease: Lease, at: datetime
    ) -> Payout:
        """See the port."""
        added = super().add_attempt(payout, signed, purpose, lease, at)
        if self.after_attempt:
            self.after_attempt(lease)
        return added


class InterruptedChain(FakeChain):
    """A chain beside which something happens while it tells what a transfer to a worker takes."""

    meanwhile: Callable[[], object] | None = None

    def outlook(self, sender: str, to: str, value_wei: int) -> Outlook:
        """See the port."""
        if self.meanwhile and to == WORKER:
            self.meanwhile()
        return super().outlook(sender, to, value_wei)


def no_key() -> Signer:
    """The key must not even be loaded."""
    raise AssertionError("the key was loaded although payouts are paused")


def run(pool: PayoutRig, paymaster: Paymaster) -> RunReport:
    """A run of the day by a process of its own."""
    return pay(pool.planner, paymaster, "2026-12-01")


def pause(pool: PayoutRig) -> None:
    """An operator does not like what they see."""
    orders.pause(pool.book, "something looks wrong", pool.now)


def is_paid_once_resumed(pool: PayoutRig, chain: FakeChain) -> bool:
    """Whether the next drive makes the one payout, once."""
    orders.resume(pool.book, "all is well", pool.now)
    pool.drive()
    assert pool.states() == [PayoutState.SEEN]
    [payout] = pool.payouts()
    assert len(payout.slots) == 1
    return chain.balance_wei(WORKER) == PART_WEI and len(chain.heard) == 1


def test_a_pause_before_the_nonce_gives_none(pool: PayoutRig) -> None:
    chain = InterruptedChain(CHAIN_ID)
    chain.grant(pool.sender, 10 * ETH_WEI)
    chain.finalize()
    chain.meanwhile = lambda: pause(pool)
    pool.chain = chain
    pool.earn((WORKER, ETH_WEI))
    report = run(pool, replace(pool.paymaster(), load_signer=no_key))
    assert any("paused by the operator" in one for one in report.problems)
    [payout] = pool.payouts()
    assert payout.slots == () and chain.heard == {}
    chain.meanwhile = None
    assert is_paid_once_resumed(pool, chain)


def test_a_pause_after_the_nonce_signs_nothing(pool: PayoutRig, chain: FakeChain) -> None:
    book = InterruptedBook(pool.scratch.engine, after_slot=lambda lease: pause(pool))
    pool.earn((WORKER, ETH_WEI))
    report = run(pool, replace(pool.paymaster(), book=book, load_signer=no_key))
    assert any("paused by the operator" in one for one in report.problems)
    [payout] = pool.payouts()
    assert payout.state is PayoutState.SLOTTED and chain.heard == {}
    assert is_paid_once_resumed(pool, chain)


@pytest.mark.parametrize("released", [False, True], ids=["at-work", "done"])
def test_who_loses_the_wallet_between_the_commit_and_the_broadcast_sends_nothing(
    each_pool: PayoutRig, chain: FakeChain, released: bool
) -> None:
    pool = each_pool

    def take_over(lease: Lease) -> None:
        other = pool.book.acquire(pool.sender, "another process", lease.expires_at, 60)
        if released:
            pool.book.release(other, lease.expires_at)

    book = InterruptedBook(pool.scratch.engine, after_attempt=take_over)
    pool.earn((WORKER, ETH_WEI))
    report = run(pool, replace(pool.paymaster(), book=book))
    assert any("took over" in one for one in report.problems)
    assert chain.heard == {}
    [payout] = pool.payouts()
    assert payout.state is PayoutState.SIGNED
    pool.next_day()
    pool.drive()
    assert list(chain.heard) == payout.slots[0].hashes, "the very bytes that were taken down"
    assert chain.balance_wei(WORKER) == PART_WEI
