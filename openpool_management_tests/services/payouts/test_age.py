"""Since when a worker is owed: the first fee after the last payout, on both databases."""

from datetime import datetime, timedelta
from itertools import count

import pytest

from openpool_management.domain.payouts.plan import Plan, Verdict
from openpool_management.domain.streams import Stream
from openpool_management.services.payouts import orders
from openpool_management_tests.ledgers import MemorySource, Version
from openpool_management_tests.log_objects import (
    AI,
    TRANSCODE,
    body,
    key,
    processed,
    received,
    transcoded,
)
from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import DAY, ETH_WEI, PayoutRig, worker_address

ALICE, BOB = worker_address(1), worker_address(2)
LITTLE_WEI = 4 * 10**15
"""A fee whose part is between the floor and the threshold."""

_seconds = count(0, 60)


def earn(pool: PayoutRig, worker: str, fee_wei: int, stream: Stream = TRANSCODE) -> None:
    """A fee that is read at the time that it is."""
    second = next(_seconds)
    jobs = (
        [transcoded(worker, second, units=1, price=fee_wei)]
        if stream is TRANSCODE
        else [
            received(worker, second, request=f"{second:08x}"),
            processed(second + 1, request=f"{second:08x}", units=1, price=fee_wei),
        ]
    )
    source = MemorySource()
    source.add([Version(key(stream, second), body(jobs))])
    pool.scratch.sync(source, full=True, clock=lambda: pool.now)


def since(pool: PayoutRig, worker: str = ALICE) -> datetime | None:
    """Since when a worker is owed."""
    [at] = [one.unpaid_since for one in pool.planner.planning.standings() if one.worker == worker]
    return at


def verdict(plan: Plan | None) -> Verdict:
    """What a plan says of its only worker."""
    assert plan is not None
    [decision] = plan.decisions
    return decision.verdict


def paid_at(pool: PayoutRig, chain: FakeChain, at: datetime) -> None:
    """A run, and all of it is final."""
    pool.now = at
    pool.pay()
    chain.mine()
    chain.finalize()
    assert pool.drive().problems == []


def test_who_earns_again_after_a_long_time_is_not_old_at_once(
    pool: PayoutRig, chain: FakeChain
) -> None:
    earn(pool, ALICE, ETH_WEI)
    paid_at(pool, chain, DAY)
    pool.now = DAY + timedelta(days=60)
    earn(pool, ALICE, LITTLE_WEI)
    assert verdict(pool.pay().plan) is Verdict.BELOW_THRESHOLD
    pool.now += timedelta(days=30)
    assert verdict(pool.pay().plan) is Verdict.PAY


def test_a_payout_that_was_voided_makes_no_balance_younger(
    pool: PayoutRig, chain: FakeChain
) -> None:
    earn(pool, ALICE, LITTLE_WEI)
    pool.now = DAY + timedelta(days=30)
    chain.refuse.add(ALICE)
    assert verdict(pool.pay().plan) is Verdict.PAY
    chain.refuse.clear()
    orders.retry(pool.book, pool.payouts()[0].id, "accepts again", pool.now)
    pool.next_day()
    assert verdict(pool.pay().plan) is Verdict.PAY


def test_a_void_after_another_payout_goes_back_to_that(pool: PayoutRig, chain: FakeChain) -> None:
    earn(pool, ALICE, ETH_WEI)
    paid_at(pool, chain, DAY)
    pool.next_day()
    earn(pool, ALICE, ETH_WEI)
    pool.next_day()
    chain.refuse.add(ALICE)
    pool.pay()
    pool.next_day()
    earn(pool, ALICE, ETH_WEI)
    assert since(pool) == DAY + timedelta(days=1)


def test_a_rest_that_a_cap_left_is_as_old_as_the_payout(pool: PayoutRig, chain: FakeChain) -> None:
    earn(pool, ALICE, 400 * ETH_WEI)
    paid_at(pool, chain, DAY)
    assert pool.payable_wei(ALICE) == 200 * ETH_WEI
    pool.now = DAY + timedelta(days=9)
    earn(pool, ALICE, ETH_WEI)
    assert since(pool) == DAY


@pytest.mark.parametrize(("before", "after"), [(0, 0), (4, 0), (0, 1), (1, 4), (3, 3), (4, 2)])
def test_the_first_fee_after_a_payout_is_found_among_any_number(
    pool: PayoutRig, chain: FakeChain, before: int, after: int
) -> None:
    for _ in range(before):
        earn(pool, ALICE, ETH_WEI, AI)
    earn(pool, ALICE, ETH_WEI)
    paid_at(pool, chain, DAY)
    for number in range(after):
        pool.next_day()
        earn(pool, ALICE, ETH_WEI, AI)
        if number:
            earn(pool, ALICE, ETH_WEI)
    assert since(pool) == (DAY + timedelta(days=1) if after else None)


def test_ages_of_several_workers(each_pool: PayoutRig, chain: FakeChain) -> None:
    pool = each_pool
    assert pool.planner.planning.standings() == []
    earn(pool, ALICE, ETH_WEI)
    pool.next_day()
    earn(pool, BOB, LITTLE_WEI)
    paid_at(pool, chain, DAY + timedelta(days=2))
    assert (since(pool), since(pool, BOB)) == (None, DAY + timedelta(days=1))
    pool.next_day()
    earn(pool, BOB, LITTLE_WEI)
    earn(pool, ALICE, LITTLE_WEI)
    pool.next_day()
    earn(pool, ALICE, LITTLE_WEI)
    assert since(pool) == DAY + timedelta(days=3)
    assert since(pool, BOB) == DAY + timedelta(days=1)
    [alice, bob] = sorted(pool.planner.planning.standings(), key=lambda one: one.worker == BOB)
    assert alice.paid_at == DAY + timedelta(days=2) and bob.paid_at is None
