"""Runs after each other: caps, approval, what is paid once, and what is paid again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import Mark, PayoutState
from openpool_management.domain.payouts.plan import Verdict
from openpool_management.services.decisions import DecisionRefused
from openpool_management.services.payouts import orders
from openpool_management_tests.payout_model.fake_chain import FakeChain, Lie
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address

WORKERS = sorted(worker_address(number) for number in range(3))
ALICE, BOB, CAROL = WORKERS
PART_WEI = 75 * 10**16
"""What a worker gets of a fee of 1 ETH."""


def paid_wei(chain: FakeChain) -> list[int]:
    """What each worker has."""
    return [chain.balance_wei(worker) for worker in WORKERS]


def everybody_earns(pool: PayoutRig) -> None:
    """Each worker earns 1 ETH. Who waited as long is paid in the order of addresses."""
    pool.earn(*((worker, ETH_WEI) for worker in WORKERS))


def test_a_period_pays_a_worker_once(pool: PayoutRig, chain: FakeChain) -> None:
    for _ in range(3):
        everybody_earns(pool)
        pool.pay()
        chain.finalize()
    assert paid_wei(chain) == [PART_WEI] * 3
    assert [pool.payable_wei(one) for one in WORKERS] == [2 * PART_WEI] * 3
    pool.next_day()
    pool.pay()
    assert paid_wei(chain) == [3 * PART_WEI] * 3


def test_the_cap_of_a_run_holds_for_all_tries_of_it(pool: PayoutRig, chain: FakeChain) -> None:
    pool.policy = replace(pool.policy, run_max_wei=2 * PART_WEI + 1)
    everybody_earns(pool)
    for _ in range(3):
        report = pool.pay("2026-12-01")
        chain.finalize()
    assert paid_wei(chain) == [PART_WEI, PART_WEI, 0]
    assert report.plan is not None
    verdicts = [one.verdict for one in report.plan.decisions if one.worker == CAROL]
    assert verdicts == [Verdict.RUN_CAP]
    pool.pay("2026-12-02")
    assert paid_wei(chain) == [PART_WEI] * 3


@pytest.mark.parametrize("in_a_pool", [True, False])
def test_a_higher_tip_is_offered_for_what_no_block_holds(
    pool: PayoutRig, chain: FakeChain, in_a_pool: bool
) -> None:
    everybody_earns(pool)
    chain.automine = False
    chain.least_tip_wei = 0 if in_a_pool else 3
    pool.pay()
    [first] = [one for one in pool.payouts() if one.slot is not None]
    assert len(first.slots[0].attempts) == 1
    chain.automine, chain.least_tip_wei = True, 3
    pool.gas = replace(pool.gas, priority_fee_wei=3)
    pool.drive()
    [attempts] = [one.slots[0].attempts for one in pool.payouts() if one.id == first.id]
    assert [one.signed.transfer.nonce for one in attempts] == [0, 0]
    assert paid_wei(chain) == [PART_WEI] * 3


def test_the_cap_of_a_day_holds_for_all_runs_of_it(pool: PayoutRig, chain: FakeChain) -> None:
    pool.policy = replace(pool.policy, day_max_wei=2 * PART_WEI)
    everybody_earns(pool)
    for period in ("2026-11-28", "2026-11-29", "2026-11-30"):
        pool.pay(period)
        chain.finalize()
    assert paid_wei(chain) == [PART_WEI, PART_WEI, 0]
    pool.next_day()
    pool.pay()
    assert paid_wei(chain) == [PART_WEI] * 3


def test_a_clock_that_was_ahead_takes_from_the_cap_of_its_own_day_alone(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.policy = replace(pool.policy, day_max_wei=PART_WEI)
    today = pool.now
    pool.earn((ALICE, ETH_WEI))
    pool.now = today + timedelta(days=365)
    pool.pay()
    pool.now = today
    pool.earn((BOB, ETH_WEI), (CAROL, ETH_WEI))
    pool.pay()
    pool.pay()
    assert paid_wei(chain) == [PART_WEI, PART_WEI, 0]
    pool.next_day()
    pool.pay()
    assert paid_wei(chain) == [PART_WEI] * 3


def test_a_plan_that_waits_sets_nothing_aside_and_is_paid_as_it_was_approved(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.policy = replace(pool.policy, approval_wei=3 * PART_WEI - 1)
    everybody_earns(pool)
    report = pool.pay()
    assert any("needs approval" in one for one in report.problems)
    assert pool.payouts() == []
    assert [pool.payable_wei(one) for one in WORKERS] == [PART_WEI] * 3
    [told] = [one.subject for one in pool.book.undelivered()]
    assert told == "A payout run waits for approval"
    [saved] = pool.planner.planning.saved_plans()
    pool.planner.planning.approve(saved.hash, "looked at it", pool.now)
    pool.earn((ALICE, ETH_WEI))
    pool.next_day()
    report = pool.pay()
    chain.finalize()
    assert [one.hash for one in report.approved] == [saved.hash]
    assert paid_wei(chain) == [PART_WEI] * 3
    assert pool.payable_wei(ALICE) == PART_WEI
    pool.drive()
    pool.pay()
    assert paid_wei(chain) == [2 * PART_WEI, PART_WEI, PART_WEI]
    pool.next_day()
    assert pool.pay().approved == [], "an approval is good for one time"


def test_a_run_is_not_kept_below_the_limit_by_slices(pool: PayoutRig, chain: FakeChain) -> None:
    pool.policy = replace(pool.policy, approval_wei=2 * PART_WEI)
    for worker in WORKERS:
        pool.earn((worker, ETH_WEI))
        report = pool.pay("2026-12-01")
        chain.finalize()
    assert paid_wei(chain) == [PART_WEI, PART_WEI, 0]
    assert any("needs approval" in one for one in report.problems)


def test_a_plan_that_was_approved_pays_nobody_who_is_blocked_since(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.policy = replace(pool.policy, approval_wei=0)
    pool.earn((ALICE, ETH_WEI))
    pool.pay()
    [saved] = pool.planner.planning.saved_plans()
    pool.planner.planning.approve(saved.hash, "looked at it", pool.now)
    pool.policy = replace(pool.policy, deny=frozenset({ALICE}))
    report = pool.pay()
    assert any("not to be paid any more" in one for one in report.problems)
    assert paid_wei(chain) == [0, 0, 0]


def test_a_recipient_that_refuses_is_owed_and_paid_once_it_is_unblocked(
    pool: PayoutRig, chain: FakeChain
) -> None:
    chain.refuse.add(ALICE)
    everybody_earns(pool)
    pool.pay()
    chain.finalize()
    pool.drive()
    assert paid_wei(chain) == [0, PART_WEI, PART_WEI]
    assert pool.states() == [PayoutState.VOIDED, PayoutState.SETTLED, PayoutState.SETTLED]
    [void, *_] = pool.payouts()
    assert void.slots == (), "no nonce and no gas was spent on it"
    assert pool.payable_wei(ALICE) == PART_WEI
    chain.refuse.clear()
    pool.next_day()
    report = pool.pay()
    assert report.plan is not None
    assert [one.verdict for one in report.plan.decisions] == [Verdict.BLOCKED]
    orders.retry(pool.book, void.id, "repaired", pool.now)
    pool.pay()
    assert paid_wei(chain) == [PART_WEI] * 3
    assert len({one.id for one in pool.payouts()}) == 4


def test_a_transfer_that_reverts_costs_gas_and_is_owed_again_when_it_is_final(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.earn((ALICE, ETH_WEI))
    chain.watch = lambda signed: chain.refuse.add(ALICE)
    pool.pay()
    assert pool.states() == [PayoutState.SEEN]
    assert pool.payable_wei(ALICE) == 0, "not before it is final"
    chain.finalize()
    pool.drive()
    assert pool.states() == [PayoutState.VOIDED]
    assert pool.payable_wei(ALICE) == PART_WEI
    assert pool.book.wallet_wei(pool.sender) == chain.balance_wei(pool.sender)
    assert [one.mark for one in pool.payouts()[0].events][-2:] == [Mark.REVERTED, Mark.VOIDED]


def test_what_is_cancelled_without_a_nonce_is_paid_by_the_same_period_anew(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.earn((ALICE, ETH_WEI))
    chain.fee_wei = pool.gas.max_price_wei + 1
    pool.pay()
    assert pool.states() == [PayoutState.RESERVED]
    [first] = pool.payouts()
    orders.cancel(pool.book, first.id, "not today", pool.now)
    assert pool.states() == [PayoutState.VOIDED]
    assert pool.payable_wei(ALICE) == PART_WEI
    chain.fee_wei = 10
    pool.pay()
    chain.finalize()
    pool.drive()
    assert pool.states() == [PayoutState.VOIDED, PayoutState.SETTLED]
    assert paid_wei(chain) == [PART_WEI, 0, 0]


@pytest.mark.parametrize("payout_wins", [False, True])
def test_what_is_cancelled_with_a_nonce_is_owed_again_only_when_that_is_final(
    pool: PayoutRig, chain: FakeChain, payout_wins: bool
) -> None:
    pool.earn((ALICE, ETH_WEI))
    chain.automine = False
    pool.pay()
    paying = dict(chain.pool)
    [payout] = pool.payouts()
    orders.cancel(pool.book, payout.id, "the wrong worker", pool.now)
    pool.drive()
    assert pool.payable_wei(ALICE) == 0
    if payout_wins:
        chain.pool = paying
    chain.mine()
    pool.drive()
    assert pool.payable_wei(ALICE) == 0
    with pytest.raises(DecisionRefused, match="is in a block already"):
        orders.cancel(pool.book, payout.id, "again", pool.now)
    chain.finalize()
    pool.drive()
    assert pool.states() == [PayoutState.SETTLED if payout_wins else PayoutState.VOIDED]
    assert pool.payable_wei(ALICE) == (0 if payout_wins else PART_WEI)
    assert paid_wei(chain) == [PART_WEI if payout_wins else 0, 0, 0]
    assert len(payout.slots) == 1


def test_a_payout_that_does_not_arrive_keeps_its_nonce_and_its_bytes(
    pool: PayoutRig, chain: FakeChain
) -> None:
    everybody_earns(pool)
    chain.lies = [Lie(False, SendOutcome.UNKNOWN)] * 10
    pool.pay()
    chain.lies = []
    states = [PayoutState.SENT, PayoutState.RESERVED, PayoutState.RESERVED]
    assert pool.states() == states, "one at a time"
    [sent] = chain.heard
    pool.drive()
    assert paid_wei(chain) == [PART_WEI] * 3
    assert sent in chain.heard and len(chain.heard) == 3
