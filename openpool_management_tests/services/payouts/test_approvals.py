"""What an approval is good for: seven days, one wallet, one chain."""

from dataclasses import replace
from datetime import timedelta

import pytest
from eth_account import Account

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.services.payouts.conftest import KEY

WORKER = worker_address(1)
OTHER_WALLET = str(Account.from_key(b"\x08" * 32).address)
PART_WEI = 75 * 10**16


def approve(pool: PayoutRig, *, chain_id: int = CHAIN_ID, sender: str = str(KEY.address)) -> str:
    """Save a plan of the day and approve it: its hash."""
    pool.policy = replace(pool.policy, approval_wei=0)
    pool.earn((WORKER, ETH_WEI))
    funds = pool.planner.funds("2026-12-01", chain_id, sender, None, pool.now)
    plan = pool.planner.plan("2026-12-01", funds, pool.now)
    pool.planner.save(plan, pool.now)
    pool.planner.planning.approve(plan.hash, "looked at it", pool.now)
    return plan.hash


@pytest.mark.parametrize("over", [timedelta(0), timedelta(seconds=1)], ids=["held", "lapsed"])
def test_an_approval_holds_for_seven_days(
    pool: PayoutRig, chain: FakeChain, over: timedelta
) -> None:
    approved = approve(pool)
    pool.now += timedelta(days=7) + over
    report = pool.pay()
    assert [one.hash for one in report.approved] == ([] if over else [approved])
    assert any("needs approval" in one for one in report.problems) is bool(over)
    assert chain.balance_wei(WORKER) == (0 if over else PART_WEI)
    assert pool.payable_wei(WORKER) == (PART_WEI if over else 0)


@pytest.mark.parametrize(
    "other", [{"chain_id": 1}, {"sender": OTHER_WALLET}], ids=["chain", "wallet"]
)
def test_an_approval_is_for_one_wallet_on_one_chain(
    pool: PayoutRig, chain: FakeChain, other: dict[str, object]
) -> None:
    approved = approve(pool, **other)  # type: ignore[arg-type]
    report = pool.pay()
    on_chain = other.get("chain_id", CHAIN_ID)
    pays_from = other.get("sender", pool.sender)
    told = f"Plan {approved[:12]} pays from {pays_from} on chain {on_chain}, not from"
    assert any(told in one for one in report.problems)
    assert pool.payouts() == [] and chain.heard == {}
    assert pool.payable_wei(WORKER) == PART_WEI


def test_a_plan_of_this_wallet_is_carried_out(pool: PayoutRig, chain: FakeChain) -> None:
    approve(pool)
    assert pool.pay().problems == []
    assert pool.states() == [PayoutState.SEEN] and chain.balance_wei(WORKER) == PART_WEI
