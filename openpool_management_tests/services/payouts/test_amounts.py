"""What workers are paid over time, as the ledger shows it, on both databases."""

from datetime import timedelta

import pytest

from openpool_management.adapters.sql.commissions import SqlCommissionHistory
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.domain.payouts.plan import Verdict
from openpool_management.services.commissions import set_rate
from openpool_management_tests.ledgers import Log, balances_wei
from openpool_management_tests.log_objects import AI, NOW, processed, received
from openpool_management_tests.payout_model.chain_view import GAS
from openpool_management_tests.payout_model.fake_chain import FIRST_FEE_WEI, FakeChain
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.services.payouts.conftest import WALLET_WEI

ALICE, BOB = worker_address(1), worker_address(2)
GAS_WEI = GAS * FIRST_FEE_WEI


def of_payouts(pool: PayoutRig) -> dict[str, int]:
    """Accounts that belong to no stream and are not at zero."""
    return {name: wei for name, wei in balances_wei(pool.scratch).items() if "|" not in name}


def finish(pool: PayoutRig, chain: FakeChain) -> None:
    """What is in a block becomes final and is settled."""
    chain.finalize()
    assert pool.drive().problems == []


def test_a_payout_in_the_ledger(each_pool: PayoutRig, chain: FakeChain) -> None:
    pool = each_pool
    pool.earn((ALICE, 4 * 10**17))
    assert of_payouts(pool) == {}
    pool.pay()
    wallet = f"wallet::{pool.sender}"
    opened = {wallet: -WALLET_WEI, f"funding::{pool.sender}": WALLET_WEI}
    taken = {f"payable::{ALICE}": -3 * 10**17}
    assert of_payouts(pool) == opened | taken | {f"in_payout::{ALICE}": 3 * 10**17}
    assert pool.payable_wei(ALICE) == 0
    finish(pool, chain)
    assert of_payouts(pool) == opened | taken | {
        wallet: -WALLET_WEI + 3 * 10**17 + GAS_WEI,
        f"gas::{pool.sender}": -GAS_WEI,
    }
    assert chain.balance_wei(ALICE) == 3 * 10**17
    assert chain.balance_wei(pool.sender) == WALLET_WEI - 3 * 10**17 - GAS_WEI


def test_exactly_the_threshold_is_paid_and_one_wei_less_is_not(
    pool: PayoutRig, chain: FakeChain
) -> None:
    threshold_wei = pool.policy.threshold_wei
    pool.earn((ALICE, threshold_wei * 4 // 3 + 1), (BOB, threshold_wei * 4 // 3))
    assert (pool.payable_wei(ALICE), pool.payable_wei(BOB)) == (threshold_wei, threshold_wei - 1)
    pool.pay()
    finish(pool, chain)
    assert (chain.balance_wei(ALICE), chain.balance_wei(BOB)) == (threshold_wei, 0)
    assert pool.payable_wei(BOB) == threshold_wei - 1


def test_amounts_beyond_64_bits(each_pool: PayoutRig, chain: FakeChain) -> None:
    """63 bits are 9.2 ETH and 64 are 18.4: balance, payout and wallet are above."""
    pool = each_pool
    pool.earn((ALICE, 4 * (2**64 + 1)), (BOB, 4 * 2**62))
    pool.pay()
    finish(pool, chain)
    assert chain.balance_wei(ALICE) == 3 * (2**64 + 1) == 55340232221128654851
    assert chain.balance_wei(BOB) == 3 * 2**62
    assert pool.book.wallet_wei(pool.sender) == chain.balance_wei(pool.sender)
    assert pool.states() == [PayoutState.SETTLED] * 2
    assert [one.intent.amount_wei for one in pool.payouts()] == [3 * (2**64 + 1), 3 * 2**62]


def test_many_small_fees_beyond_64_bits_are_paid_together(
    pool: PayoutRig, chain: FakeChain
) -> None:
    for _ in range(3):
        pool.earn((ALICE, 2**63 - 1))
    owed_wei = 3 * ((2**63 - 1) * 3 // 4)
    assert owed_wei > 2**63
    pool.pay()
    finish(pool, chain)
    assert chain.balance_wei(ALICE) == owed_wei


def test_a_commission_that_changes_between_two_payouts(
    each_pool: PayoutRig, chain: FakeChain
) -> None:
    pool = each_pool
    pool.earn((ALICE, ETH_WEI))
    pool.pay()
    finish(pool, chain)
    assert chain.balance_wei(ALICE) == 75 * ETH_WEI // 100
    history = SqlCommissionHistory(pool.scratch.engine)
    set_rate(history, 1_000, "as agreed", NOW - timedelta(days=300))
    assert pool.payable_wei(ALICE) == 0, "what was paid stays as it was"
    pool.next_day()
    pool.earn((ALICE, ETH_WEI), (BOB, ETH_WEI))
    pool.pay()
    finish(pool, chain)
    assert chain.balance_wei(ALICE) == (75 + 90) * ETH_WEI // 100
    assert chain.balance_wei(BOB) == 90 * ETH_WEI // 100


@pytest.mark.parametrize("days", [0, 1])
def test_fees_that_show_late_are_paid_by_the_next_period(
    pool: PayoutRig, chain: FakeChain, days: int
) -> None:
    pool.earn((BOB, 1), (ALICE, ETH_WEI))
    pool.pay()
    finish(pool, chain)
    log = Log(pool.scratch)
    log.read(AI, -600, received(ALICE, -600), processed(-590, units=1, price=ETH_WEI))
    for _ in range(days):
        pool.next_day()
    pool.pay()
    finish(pool, chain)
    assert chain.balance_wei(ALICE) == (1 + days) * 75 * ETH_WEI // 100
    assert pool.payable_wei(ALICE) == (1 - days) * 75 * ETH_WEI // 100


def test_a_job_that_was_paid_and_shows_to_be_another_workers(
    each_pool: PayoutRig, chain: FakeChain
) -> None:
    """Who was overpaid makes up for it by coming fees; who did the job is paid for it."""
    pool, part_wei = each_pool, 75 * ETH_WEI // 100
    log = Log(pool.scratch)
    log.read(AI, 0, received(ALICE, 0))
    log.read(AI, 120, processed(120, units=1, price=ETH_WEI))
    pool.pay()
    log.read(AI, 60, received(BOB, 60))
    assert (pool.payable_wei(ALICE), pool.payable_wei(BOB)) == (-part_wei, part_wei)
    pool.next_day()
    report = pool.pay()
    assert report.plan is not None
    verdicts = {one.worker: one.verdict for one in report.plan.decisions}
    assert verdicts == {ALICE: Verdict.OVERPAID, BOB: Verdict.PAY}
    finish(pool, chain)
    pool.next_day()
    pool.earn((ALICE, 2 * ETH_WEI))
    pool.pay()
    finish(pool, chain)
    assert (chain.balance_wei(ALICE), chain.balance_wei(BOB)) == (2 * part_wei, part_wei)
    assert pool.payable_wei(ALICE) == pool.payable_wei(BOB) == 0


def test_a_fee_that_is_taken_back_between_the_plan_and_the_payout(
    pool: PayoutRig, chain: FakeChain
) -> None:
    """What is set aside is never more than what is owed at that moment."""
    log = Log(pool.scratch)
    log.read(AI, 0, received(ALICE, 0))
    log.read(AI, 120, processed(120, units=1, price=ETH_WEI))
    funds = pool.planner.funds("2026-12-01", 42161, pool.sender, pool.paymaster(), pool.now)
    plan = pool.planner.plan("2026-12-01", funds, pool.now)
    pool.planner.save(plan, pool.now)
    pool.planner.planning.approve(plan.hash, "looked at it", pool.now)
    log.read(AI, 60, received(BOB, 60))
    report = pool.pay()
    assert any(f"{ALICE} is owed 0 wei" in one for one in report.problems)
    finish(pool, chain)
    assert (chain.balance_wei(ALICE), chain.balance_wei(BOB)) == (0, 75 * ETH_WEI // 100)
    assert pool.balance_wei(AccountKind.IN_PAYOUT, ALICE) == 0


def test_a_threshold_of_ones_own(pool: PayoutRig, chain: FakeChain) -> None:
    pool.book.set_threshold(ALICE, 9 * 10**17, "asked for it", pool.now)
    pool.book.set_threshold(BOB, 1, "below the pool's has no effect", pool.now)
    pool.earn((ALICE, ETH_WEI), (BOB, 10**15))
    pool.pay()
    finish(pool, chain)
    assert pool.payouts() == []
    pool.next_day()
    pool.earn((ALICE, 2 * 10**17))
    pool.pay()
    finish(pool, chain)
    assert (chain.balance_wei(ALICE), chain.balance_wei(BOB)) == (9 * 10**17, 0)
    pool.next_day()
    pool.book.set_threshold(ALICE, None, "as everybody", pool.now)
    pool.earn((ALICE, 10**17))
    pool.pay()
    finish(pool, chain)
    assert chain.balance_wei(ALICE) == 9 * 10**17 + 75 * 10**15
