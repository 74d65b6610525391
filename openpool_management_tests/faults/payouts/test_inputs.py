"""Recipients that are none, caps, clocks that jump, and what a run writes to its log."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.domain.payouts.plan import Verdict
from openpool_management.services.payouts.run import pay
from openpool_management.settings import Settings
from openpool_management_tests.faults.payouts.conftest import Settle
from openpool_management_tests.faults.payouts.moments import SEND, broadcasts
from openpool_management_tests.faults.payouts.oracle import assert_oracle, sent_transactions
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_actions import Error
from openpool_management_tests.servers.rpc_proxy import RpcProxy

FEE_WEI = 4 * 10**17
GOOD, DENIED = worker_address(1), worker_address(2)
ZERO = "0x" + "0" * 40
PRECOMPILE = "0x" + "0" * 38 + "64"


def test_addresses_that_must_not_be_paid_are_not(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.policy = replace(rig.policy, deny=frozenset({DENIED}))
    workers = (GOOD, DENIED, ZERO, PRECOMPILE, rig.sender)
    rig.earn(*[(worker, FEE_WEI) for worker in workers])
    report = rig.pay()
    settle()
    assert report.plan
    verdicts = {one.worker: one.verdict for one in report.plan.decisions}
    unpayable = dict.fromkeys((PRECOMPILE, rig.sender), Verdict.UNPAYABLE)
    assert verdicts == {GOOD: Verdict.PAY, DENIED: Verdict.DENIED, **unpayable}
    assert all(one.reason for one in report.plan.decisions)
    assert [one["to"].lower() for one in sent_transactions(anvil, rig.sender)] == [GOOD.lower()]
    owed = {worker: rig.payable_wei(worker) for worker in workers}
    assert owed == {GOOD: 0, ZERO: 0} | dict.fromkeys(
        (DENIED, PRECOMPILE, rig.sender), FEE_WEI * 3 // 4
    ), "the zero address is nobody, and its fees stay with the pool"
    assert_oracle(rig, anvil)


def test_an_address_in_small_letters_is_the_same_worker(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle
) -> None:
    rig.earn((GOOD.lower(), FEE_WEI), (GOOD, FEE_WEI))
    rig.pay()
    settle()
    [payout] = rig.payouts()
    assert payout.intent.to_address == GOOD
    assert anvil.balance_wei(GOOD) == 2 * FEE_WEI * 3 // 4
    assert_oracle(rig, anvil)


@pytest.mark.parametrize(("cap", "verdict"), [("run", Verdict.RUN_CAP), ("day", Verdict.DAY_CAP)])
def test_a_cap_leaves_the_rest_to_later_days(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle, cap: str, verdict: Verdict
) -> None:
    uncapped = rig.policy
    rig.policy = (
        replace(uncapped, run_max_wei=7 * 10**17)
        if cap == "run"
        else replace(uncapped, day_max_wei=7 * 10**17)
    )
    workers = [worker_address(number) for number in range(5)]
    rig.earn(*[(worker, FEE_WEI) for worker in workers])
    for paid in (2, 4, 5):
        plan = rig.pay().plan
        rig.pay()
        assert len(rig.payouts()) == paid, "a second run of the day pays no more"
        assert plan
        assert [one.verdict for one in plan.decisions].count(verdict) == 5 - paid
        assert sum(rig.payable_wei(worker) for worker in workers) == (5 - paid) * 3 * 10**17
        settle()
        rig.next_day()
    assert rig.states() == [PayoutState.SETTLED] * 5
    assert_oracle(rig, anvil)


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(hours=3), timedelta(days=4000)])
def test_a_clock_that_jumps_pays_nobody_twice(
    rig: PayoutRig, anvil: AnvilServer, rpc_proxy: RpcProxy, settle: Settle, jump: timedelta
) -> None:
    """It jumps when a payout is under way, and back when all is settled."""
    rig.earn((GOOD, FEE_WEI), (DENIED, FEE_WEI))
    rpc_proxy.on(SEND, Error("context deadline exceeded"), times=6)
    before, run_key = rig.now, f"{rig.now:%Y-%m-%d}"
    rig.pay(run_key)
    assert rig.states() == [PayoutState.SENT, PayoutState.RESERVED]
    rig.now += jump
    rig.pay(run_key)
    settle()
    rig.now = before
    rig.pay(run_key)
    settle()
    assert rig.states() == [PayoutState.SETTLED] * 2
    assert len({one.hash for one in broadcasts(rpc_proxy)}) == 2
    assert_oracle(rig, anvil)


@pytest.mark.parametrize("jump", [timedelta(minutes=-5), timedelta(minutes=5)])
def test_a_clock_that_never_stands_still(
    rig: PayoutRig, anvil: AnvilServer, settle: Settle, jump: timedelta
) -> None:
    """Every look at it is further off than a lease lasts."""
    rig.earn((GOOD, FEE_WEI), (DENIED, FEE_WEI))
    looks = 0

    def jumping() -> datetime:
        nonlocal looks
        looks += 1
        return rig.now + looks * jump

    paymaster = replace(rig.paymaster(), clock=jumping)
    pay(rig.planner, paymaster, "2026-12-01")
    rig.now += 10_000 * abs(jump)
    settle()
    assert looks > 10
    assert rig.states() == [PayoutState.SETTLED] * 2
    assert len(sent_transactions(anvil, rig.sender)) == 2
    assert_oracle(rig, anvil)


def test_logs_hold_neither_the_key_nor_signed_bytes(
    rig: PayoutRig, rpc_proxy: RpcProxy, settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rpc_proxy.on(SEND, Error("invalid: 0x02" + "ab" * 200), times=1)
    rig.earn((GOOD, FEE_WEI))
    report = rig.pay()
    settle()
    assert rig.states() == [PayoutState.SETTLED]
    told = [*report.problems, *(one.getMessage() for one in caplog.records)]
    for payout in rig.payouts():
        told += [send.detail for send in payout.slots[0].attempts[0].sends]
    text = "\n".join(told).lower()
    assert bytes(rig.key.key).hex() not in text
    assert broadcasts(rpc_proxy)[0].raw.hex() not in text
    assert "ab" * 40 not in text
    assert bytes(rig.key.key).hex() not in f"{rig.paymaster()!r}".lower()


def test_no_option_lets_anything_but_finality_settle() -> None:
    """What is not final can be taken back: no depth, tag or number of blocks is to choose."""
    words = ("confirm", "final", "depth", "latest", "safe", "block")
    found = {name for name in Settings.model_fields if any(word in name for word in words)}
    assert found == {"payout_unfinal_max_wei"}
