"""What starts payouts and settlements by itself: when it asks, and what it says when not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.partitions import WALLET_TAG, payout_day
from openpool_management_tests.assets.payout_bench import NET_WEI, WORKERS, PayoutBench
from openpool_management_tests.payout_rig import ETH_WEI, worker_address

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
TODAY = "2026-12-01"
SENSORS = ("payout_sensor", "settlement_sensor")


class Daemon:
    """Evaluates one sensor at times of the tests' choice, and keeps its cursor as Dagster does."""

    def __init__(self, pays: PayoutBench, name: str) -> None:
        self.pays = pays
        self.name = name
        self.cursor: str | None = None
        self.said = ""

    def asks(self, at: datetime = NOON) -> list[str | None]:
        """The partitions of the runs that a tick asks for."""
        result = self.pays.at_time(at).dagster.evaluate(self.name, self.cursor)
        reason = result if isinstance(result, dg.SkipReason) else result.skip_reason
        self.said = str(reason.skip_message) if reason else ""
        if isinstance(result, dg.SkipReason):
            return []
        if result.cursor is not None:
            self.cursor = result.cursor
        requests = list(result.run_requests or [])
        assert bool(requests) != bool(self.said)
        # A key would keep the same day, or the same settlement, from ever being asked for again.
        assert [one.run_key for one in requests] == [None] * len(requests)
        return [one.partition_key for one in requests]

    def minutes_asked(self, last: int) -> list[int]:
        """The minutes after noon, of those up to the last, at which it asks."""
        return [minute for minute in range(last + 1) if self.asks(NOON + timedelta(minutes=minute))]


@pytest.fixture
def payer(pays: PayoutBench) -> Daemon:
    """The payout_sensor of a pool that owes three workers."""
    return Daemon(pays, "payout_sensor")


@pytest.fixture
def settler(pays: PayoutBench) -> Daemon:
    """The settlement_sensor of a pool with three payouts under way."""
    pays.rig.pay()
    return Daemon(pays, "settlement_sensor")


def test_due_workers_are_one_run_of_today(payer: Daemon) -> None:
    assert payer.asks() == [TODAY]
    payer.cursor = None
    assert payer.asks(NOON.replace(hour=23, minute=59)) == [TODAY]
    payer.cursor = None
    assert payer.asks(NOON + timedelta(days=30)) == ["2026-12-31"]


def test_nobody_due(payer: Daemon) -> None:
    rich = payer.pays.with_options(payment_threshold_wei=NET_WEI + 1)
    assert Daemon(rich, payer.name).asks() == []
    payer.asks()
    payer.pays.rig.pay(TODAY)
    assert payer.asks(NOON + timedelta(minutes=5)) == []
    assert payer.said == f"Nobody is due on {TODAY}."
    assert payer.cursor == ""


@pytest.mark.parametrize("name", SENSORS)
def test_off(pays: PayoutBench, name: str) -> None:
    pays.rig.pay()
    pays.rig.earn((worker_address(9), ETH_WEI))
    assert Daemon(pays, name).asks()
    off = Daemon(pays.with_options(payouts="off"), name)
    assert off.asks() == [] and "OPENPOOL_PAYOUTS" in off.said
    assert Daemon(pays.with_options(payouts="dry-run"), name).asks()


@pytest.mark.parametrize("name", SENSORS)
def test_busy(pays: PayoutBench, name: str) -> None:
    pays.rig.pay()
    pays.rig.earn((worker_address(9), ETH_WEI))
    instance = pays.dagster.instance
    daemon = Daemon(pays, name)
    for job_name in ("payout_job", "settlement_job"):
        job = pays.dagster.defs.resolve_job_def(job_name)
        assert job.run_tags[WALLET_TAG]
        run = instance.create_run_for_job(
            job, status=dg.DagsterRunStatus.STARTED, tags=dict(job.run_tags)
        )
        assert daemon.asks() == []
        assert daemon.said == f"Run {run.run_id} of {job_name} is not finished."
        instance.delete_run(run.run_id)
    instance.create_run_for_job(
        pays.dagster.defs.resolve_job_def("check_job"), status=dg.DagsterRunStatus.STARTED
    )
    assert daemon.asks()


def test_a_pause_stops_payouts_and_a_resume_is_noticed_at_once(payer: Daemon) -> None:
    payer.asks()
    bench = payer.pays
    bench.rig.paymaster().halt("a nonce is unknown")
    assert payer.asks(NOON + timedelta(minutes=1)) == []
    assert payer.said == "Payouts are paused by the program: a nonce is unknown"
    bench.resume()
    assert payer.asks(NOON + timedelta(minutes=2)) == [TODAY]


def test_a_pause_does_not_stop_settlements(settler: Daemon) -> None:
    settler.pays.rig.paymaster().halt("a nonce is unknown")
    assert settler.asks() == [None]


def saved_plan(pays: PayoutBench) -> str:
    """The hash of the plan of a run that waits for approval."""
    pays.rig.policy = replace(pays.rig.policy, approval_wei=0)
    assert pays.rig.pay(TODAY).problems
    [plan] = pays.rig.planner.planning.saved_plans()
    return plan.hash


def test_an_approved_plan_is_asked_for(payer: Daemon) -> None:
    bench = payer.pays
    nobody = Daemon(bench.with_options(payment_threshold_wei=ETH_WEI), payer.name)
    plan_hash = saved_plan(bench)
    assert nobody.asks() == []
    bench.rig.planner.planning.approve(plan_hash, "looked at", NOON)
    assert nobody.asks(NOON + timedelta(minutes=1)) == [TODAY]
    assert nobody.asks(NOON + timedelta(days=8)) == [], "an approval holds for seven days"


def test_an_approval_does_not_wait(payer: Daemon) -> None:
    bench = payer.pays
    assert payer.asks() == [TODAY]
    plan_hash = saved_plan(bench)
    assert payer.asks(NOON + timedelta(minutes=1)) == []
    bench.rig.planner.planning.approve(plan_hash, "looked at", NOON)
    assert payer.asks(NOON + timedelta(minutes=2)) == [TODAY]


def test_attempts_that_change_nothing_are_spaced_out(payer: Daemon) -> None:
    # Every 5 minutes, less the half that a tick may come early; twice that, then every 15.
    assert payer.minutes_asked(60) == [0, 3, 11, 24, 37, 50]
    assert "3 workers are due as they were" in payer.said


def test_other_workers_or_another_day_don_t_wait_and_more_fees_do(payer: Daemon) -> None:
    assert payer.asks() == [TODAY]
    soon = NOON + timedelta(minutes=1)
    payer.pays.rig.earn((WORKERS[0], 10**16))
    assert payer.asks(soon) == []
    payer.pays.rig.earn((worker_address(9), ETH_WEI))
    assert payer.asks(soon) == [TODAY]
    late = NOON.replace(hour=23, minute=59)
    assert payer.asks(late) == [TODAY]
    tomorrow = late + timedelta(minutes=1)
    assert payer.asks(tomorrow) == [payout_day(tomorrow)]


@pytest.mark.parametrize(
    "cursor", ["nonsense", "[]", "7", "{}", '{"digest": 1, "times": "x", "at": "y"}']
)
@pytest.mark.parametrize("name", SENSORS)
def test_a_cursor_that_is_none_loses_nothing(pays: PayoutBench, name: str, cursor: str) -> None:
    pays.rig.pay()
    pays.rig.earn((worker_address(9), ETH_WEI))
    daemon = Daemon(pays, name)
    daemon.cursor = cursor
    assert len(daemon.asks()) == 1
    assert daemon.asks() == [], "the cursor is put right"


def test_a_cursor_of_the_future_holds_nothing_up(payer: Daemon) -> None:
    assert payer.asks(NOON + timedelta(hours=6)) == [TODAY]
    assert payer.asks() == [TODAY]


def test_a_settlement_is_asked_for_while_payouts_are_under_way(settler: Daemon) -> None:
    assert settler.asks() == [None]
    settler.pays.anvil.finalize()
    settler.pays.rig.drive()
    assert settler.asks(NOON + timedelta(hours=1)) == []
    assert settler.said == "No payout is under way." and settler.cursor == ""


def test_settlements_are_spaced_out_until_something_changes(pays: PayoutBench) -> None:
    pays.anvil.rpc("evm_setAutomine", False)
    pays.rig.pay()
    settler = Daemon(pays, "settlement_sensor")
    # A minute, then two, four, eight, at last fifteen, less the half of one.
    assert settler.minutes_asked(50) == [0, 1, 3, 7, 15, 30, 45]
    assert "3 payouts are under way and stand as at the last look" in settler.said
    pays.anvil.rpc("evm_setAutomine", True)
    pays.anvil.mine()
    pays.rig.drive()
    assert pays.rig.states() == [PayoutState.SEEN] * 3
    assert settler.asks(NOON + timedelta(minutes=51)) == [None]
