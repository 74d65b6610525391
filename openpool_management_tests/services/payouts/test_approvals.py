"""Plans that are approved, overlap with others, and are void when they are carried out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.approvals import (
    approve_plan,
    unapproved,
    waiting_plans,
)
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address

WORKERS = sorted(worker_address(number) for number in range(3))
ALICE, BOB, CAROL = WORKERS
PART_WEI = 75 * 10**16
"""What a worker gets of a fee of 1 ETH."""


@pytest.fixture
def strict(pool: PayoutRig) -> PayoutRig:
    """A pool where every run waits for approval."""
    pool.policy = replace(pool.policy, approval_wei=0)
    return pool


def paid_wei(chain: FakeChain) -> list[int]:
    """What each worker has."""
    return [chain.balance_wei(worker) for worker in WORKERS]


def waiting(pool: PayoutRig) -> list[str]:
    """Hashes of the plans that wait."""
    return [one.hash for one in waiting_plans(pool.planner, pool.now)]


def approve(pool: PayoutRig, plan_hash: str) -> None:
    """Approve a plan by the beginning of its hash."""
    assert approve_plan(pool.planner, plan_hash[:12], "looked at it", pool.now).hash == plan_hash


def planned(pool: PayoutRig) -> str:
    """The hash of the plan of a run that stops, since nobody approved it."""
    pool.now += timedelta(minutes=1)
    report = pool.pay()
    assert report.plan is not None
    return report.plan.hash


def named(pool: PayoutRig, plan_hash: str) -> list[str]:
    """What a run says of a plan."""
    pool.now += timedelta(minutes=1)
    return [one for one in pool.pay().problems if plan_hash[:12] in one]


def held_up(pool: PayoutRig) -> frozenset[str]:
    """Whom a run of the moment would not pay before somebody approves it."""
    run_key = f"{pool.now:%Y-%m-%d}"
    paymaster = pool.paymaster()
    funds = pool.planner.funds(run_key, paymaster.chain_id, pool.sender, paymaster, pool.now)
    return unapproved(pool.planner, pool.planner.plan(run_key, funds, pool.now), pool.now)


def test_who_waits_for_an_approval(strict: PayoutRig, chain: FakeChain) -> None:
    strict.earn((ALICE, ETH_WEI))
    assert held_up(strict) == {ALICE}
    plan = planned(strict)
    assert held_up(strict) == {ALICE}
    approve(strict, plan)
    assert held_up(strict) == frozenset()
    # What the approved plan does not pay needs another approval.
    strict.earn((BOB, ETH_WEI))
    assert held_up(strict) == {BOB}
    strict.pay()
    chain.finalize()
    strict.drive()
    assert chain.balance_wei(ALICE) == PART_WEI
    assert held_up(strict) == {BOB}
    # A plan that is void pays nobody.
    approve(strict, planned(strict))
    strict.policy = replace(strict.policy, approval_wei=ETH_WEI)
    assert held_up(strict) == frozenset()
    strict.pay()
    strict.policy = replace(strict.policy, approval_wei=0)
    strict.next_day()
    strict.earn((BOB, ETH_WEI))
    chain.finalize()
    strict.drive()
    assert held_up(strict) == {BOB}


def test_a_plan_that_overlaps_one_that_was_carried_out_is_void_and_said_so_once(
    strict: PayoutRig, chain: FakeChain
) -> None:
    strict.earn((ALICE, ETH_WEI))
    first = planned(strict)
    strict.next_day()
    strict.earn((ALICE, ETH_WEI), (BOB, ETH_WEI))
    second = planned(strict)
    approve(strict, first)
    approve(strict, second)
    [told] = named(strict, second)
    assert "was approved and is void" in told and f"a payout to {ALICE} was set aside" in told
    assert [chain.balance_wei(one) for one in (ALICE, BOB)] == [PART_WEI, 0]
    assert "An approved plan is void" in [one.subject for one in strict.book.undelivered()]
    assert named(strict, second) == []
    strict.next_day()
    chain.finalize()
    strict.drive()
    approve(strict, planned(strict))
    strict.pay()
    assert [chain.balance_wei(one) for one in (ALICE, BOB)] == [2 * PART_WEI, PART_WEI]


def test_the_others_of_a_void_plan_are_paid_by_the_plan_of_the_day(
    strict: PayoutRig, chain: FakeChain
) -> None:
    strict.earn((ALICE, ETH_WEI), (BOB, ETH_WEI))
    both = planned(strict)
    approve(strict, both)
    strict.policy = replace(strict.policy, approval_wei=2 * ETH_WEI, deny=frozenset({BOB}))
    strict.now += timedelta(days=1)
    assert any("not to be paid any more" in one for one in named(strict, both))
    assert chain.balance_wei(ALICE) == PART_WEI, "by the plan of the day"
    strict.policy = replace(strict.policy, deny=frozenset())
    [told] = named(strict, both)
    assert "is void" in told
    assert [chain.balance_wei(one) for one in (ALICE, BOB)] == [PART_WEI, PART_WEI]


def test_a_void_plan_can_not_be_approved_and_does_not_wait(
    strict: PayoutRig, chain: FakeChain
) -> None:
    strict.earn((ALICE, ETH_WEI))
    first = planned(strict)
    strict.next_day()
    strict.earn((BOB, ETH_WEI))
    second = planned(strict)
    assert waiting(strict) == [second, first]
    approve(strict, second)
    assert waiting(strict) == [first]
    strict.pay()
    assert chain.balance_wei(ALICE) == chain.balance_wei(BOB) == PART_WEI
    assert waiting(strict) == []
    with pytest.raises(PayoutsStopped, match="is void: a payout to"):
        approve(strict, first)


def test_an_approved_plan_is_paid_if_what_made_it_void_was_given_back(
    strict: PayoutRig, chain: FakeChain
) -> None:
    strict.earn((ALICE, ETH_WEI))
    first = planned(strict)
    strict.next_day()
    second = planned(strict)
    approve(strict, first)
    approve(strict, second)
    chain.refuse.add(ALICE)
    [told] = named(strict, second)
    assert "is void" in told
    chain.refuse.clear()
    orders.retry(strict.book, strict.payouts()[0].id, "accepts again", strict.now)
    strict.pay()
    assert chain.balance_wei(ALICE) == PART_WEI


def test_only_the_newest_plan_of_a_period_waits(strict: PayoutRig) -> None:
    hashes = []
    for _ in range(3):
        strict.earn((ALICE, ETH_WEI))
        hashes.append(planned(strict))
    assert len(set(hashes)) == 3 and waiting(strict) == [hashes[-1]]
    strict.next_day()
    tomorrow = planned(strict)
    assert waiting(strict) == [tomorrow, hashes[-1]]


def test_a_clock_that_was_ahead_makes_no_plan_void(strict: PayoutRig, chain: FakeChain) -> None:
    today = strict.now
    strict.earn((ALICE, ETH_WEI))
    strict.now = today + timedelta(days=365)
    approve(strict, planned(strict))
    strict.pay()
    chain.finalize()
    strict.drive()
    strict.now = today
    strict.earn((ALICE, ETH_WEI))
    approve(strict, planned(strict))
    strict.pay()
    assert chain.balance_wei(ALICE) == 2 * PART_WEI


def test_the_same_plan_can_be_approved_again_after_a_void(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.policy = replace(pool.policy, approval_wei=0)
    pool.earn((ALICE, ETH_WEI))
    chain.refuse.add(ALICE)
    for _ in range(2):
        pool.pay()
        saved = pool.planner.planning.saved_plans()[0]
        pool.planner.planning.approve(saved.hash, "looked at it", pool.now)
        pool.pay()
        chain.refuse.clear()
        orders.retry(pool.book, pool.payouts()[0].id, "accepts again", pool.now)
        pool.now += timedelta(minutes=1)
    assert pool.states() == [PayoutState.VOIDED, PayoutState.SEEN]
    assert paid_wei(chain) == [PART_WEI, 0, 0]


@pytest.mark.parametrize(
    "caps",
    [
        {"payout_max_wei": PART_WEI - 1},
        {"run_max_wei": PART_WEI},
        {"day_max_wei": 3 * PART_WEI - 1},
    ],
)
def test_an_approved_plan_keeps_within_the_caps_of_the_moment(
    pool: PayoutRig, chain: FakeChain, caps: dict[str, Any]
) -> None:
    """Another payout was set aside on the day on which it is carried out."""
    pool.policy = before = replace(pool.policy, approval_wei=0)
    pool.earn((ALICE, ETH_WEI), (BOB, ETH_WEI))
    pool.pay()
    [saved] = pool.planner.planning.saved_plans()
    pool.planner.planning.approve(saved.hash, "looked at it", pool.now)
    pool.next_day()
    pool.earn((CAROL, ETH_WEI))
    pool.policy = replace(before, approval_wei=ETH_WEI, deny=frozenset({ALICE, BOB}))
    pool.pay()
    pool.policy = replace(before, **caps)
    report = pool.pay()
    assert paid_wei(chain) == [0, 0, PART_WEI]
    [told] = [one for one in report.problems if "approved and waits" in one]
    assert saved.hash[:12] in told and "the cap of one" in told
    pool.policy = before
    pool.pay()
    assert paid_wei(chain) == [PART_WEI] * 3


def test_an_approved_plan_that_the_wallet_does_not_cover_waits_as_a_whole(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.policy = replace(pool.policy, approval_wei=0)
    pool.earn(*((worker, ETH_WEI) for worker in WORKERS))
    pool.pay()
    [saved] = pool.planner.planning.saved_plans()
    pool.planner.planning.approve(saved.hash, "looked at it", pool.now)
    held_wei = chain.balance_wei(pool.sender)
    chain.grant(pool.sender, 2 * ETH_WEI - held_wei)
    report = pool.pay()
    told = [one for one in report.problems if saved.hash[:12] in one]
    assert any("approved and waits" in one and "does not cover" in one for one in told)
    assert pool.payouts() == []
    chain.grant(pool.sender, ETH_WEI)
    pool.pay()
    assert paid_wei(chain) == [PART_WEI] * 3
