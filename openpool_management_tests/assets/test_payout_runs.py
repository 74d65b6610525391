"""Payout runs in Dagster on a real chain: whoever starts them, each worker is paid once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import dagster as dg
import pytest

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.partitions import payout_day
from openpool_management_tests.assets.payout_bench import (
    NET_WEI,
    WORKERS,
    PayoutBench,
    evaluations,
    readable,
    shown,
)
from openpool_management_tests.assets.workbench import Workbench

CHECKS = {
    "wallet_covers_plan",
    "payouts_unhindered",
    "wallet_equals_chain",
    "no_payout_stuck",
    "in_payout_equals_open_payouts",
}

# Dagster follows log files by processes for which nobody waits.
NO_LOG_FILES = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


def test_a_run_pays_and_a_settlement_settles(pays: PayoutBench) -> None:
    result = pays.pay()
    assert result.success and pays.received_wei(WORKERS) == [NET_WEI] * 3
    plan, paid = shown(result, "payout_plan"), shown(result, "worker_payouts")
    assert (plan["workers paid"], plan["total_wei"]) == (3, str(3 * NET_WEI))
    assert {row["verdict"] for row in plan["decisions"]} == {"pay"}
    assert plan["hash"] == paid["plan"]
    assert (paid["payouts"], paid["seen"], paid["problems"]) == (3, 3, 0)
    assert paid["under_way_wei"] == str(3 * NET_WEI)
    gas_wei = 0
    for row in paid["transactions"]:
        assert row["explorer"] == f"https://arbiscan.io/tx/{row['transaction']}"
        receipt = pays.anvil.wait_mined(row["transaction"])
        assert receipt["to"] == row["worker"].lower() and receipt["status"] == "0x1"
        gas_wei += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    meanwhile = shown(result, "wallet")
    free_wei = int(meanwhile["chain_wei"]) - pays.dagster.settings.wallet_reserve_wei
    assert meanwhile["days of payouts covered"] == free_wei * 30 // (3 * NET_WEI)
    checks = evaluations(result)
    assert set(checks) == CHECKS and all(one.passed for one in checks.values())
    pays.anvil.finalize()
    settled = pays.settle()
    assert shown(settled, "payout_settlement")["settled"] == 3
    wallet = shown(settled, "wallet")
    assert wallet["ledger_wei"] == wallet["chain_wei"]
    assert wallet["ledger_wei"] == str(pays.anvil.balance_wei(pays.rig.sender))
    assert wallet["nonce"] == 3
    assert gas_wei and wallet["gas_wei"] == str(gas_wei)
    amounts = {row["amount"]: row["wei"] for row in wallet["amounts"]}
    assert amounts["gas spent"] == str(gas_wei)
    assert amounts["balance by the chain"] == wallet["chain_wei"]
    left = int(wallet["chain_wei"]) - pays.dagster.settings.wallet_reserve_wei
    assert wallet["days of payouts covered"] == left * 30 // (3 * NET_WEI)
    checks = evaluations(settled)
    assert "Equal to the wei" in str(checks["wallet_equals_chain"].description)
    assert all(one.passed for one in checks.values())


def test_re_executed_backfilled_and_launched_again_pays_once(pays: PayoutBench) -> None:
    now = datetime.now(UTC)
    for days in (2, 1, 0):
        assert pays.pay(payout_day(now - timedelta(days=days))).success
    assert pays.pay().success
    assert pays.pay(tags={"dagster/parent_run_id": "any"}).success
    pays.anvil.finalize()
    assert pays.settle().success
    assert pays.received_wei(WORKERS) == [NET_WEI] * 3
    assert pays.rig.states() == [PayoutState.SETTLED] * 3
    assert pays.anvil.nonce(pays.rig.sender) == 3


def test_two_runs_at_once_pay_once(
    pays: PayoutBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with dg.DagsterInstance.local_temp(str(other), overrides=NO_LOG_FILES) as instance:
        second = PayoutBench(Workbench(instance, pays.dagster.settings), pays.anvil, pays.rig)
        start = Barrier(2)
        results: list[dg.ExecuteInProcessResult] = []

        def run(one: PayoutBench) -> None:
            start.wait()
            results.append(one.pay())

        threads = [Thread(target=run, args=(one,)) for one in (pays, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [one.success for one in results] == [True, True]
    assert pays.received_wei(WORKERS) == [NET_WEI] * 3
    assert pays.anvil.nonce(pays.rig.sender) == 3


def test_a_run_that_finds_the_wallet_in_use_does_nothing_and_says_so(pays: PayoutBench) -> None:
    other = pays.rig.paymaster()
    lease = pays.rig.book.acquire(pays.rig.sender, other.owner, datetime.now(UTC), 90)
    for result, asset in ((pays.pay(), "worker_payouts"), (pays.settle(), "payout_settlement")):
        assert result.success and not result.asset_materializations_for_node(asset)
    assert pays.received_wei(WORKERS) == [0] * 3
    pays.rig.book.release(lease, datetime.now(UTC))
    assert pays.pay().success and pays.received_wei(WORKERS) == [NET_WEI] * 3


def test_off_pays_nobody_and_materializes_no_payouts(pays: PayoutBench) -> None:
    result = pays.with_options(payouts="off").pay()
    assert result.success
    assert not result.asset_materializations_for_node("worker_payouts")
    assert shown(result, "payout_plan")["workers paid"] == 3
    assert pays.received_wei(WORKERS) == [0] * 3 and pays.rig.payouts() == []


def test_a_dry_run_is_observed_and_changes_nothing(pays: PayoutBench) -> None:
    before = pays.rig.scratch.document()
    result = pays.with_options(payouts="dry-run").pay()
    assert result.success
    assert not result.asset_materializations_for_node("worker_payouts")
    (event,) = result.get_asset_observation_events()
    metadata = readable(event.asset_observation_data.asset_observation.metadata)
    assert (metadata["mode"], metadata["planned"], metadata["tried"]) == ("dry-run", 3, 3)
    assert (metadata["payouts"], metadata["problems"]) == (0, 0)
    assert pays.rig.scratch.document() == before and pays.received_wei(WORKERS) == [0] * 3


def test_a_plan_over_the_limit_waits_fails_the_check_and_is_paid_once_approved(
    pays: PayoutBench,
) -> None:
    limited = pays.with_options(payout_approval_wei=NET_WEI)
    result = limited.pay()
    assert result.success and shown(result, "payout_plan")["needs approval"]
    metadata = shown(result, "worker_payouts")
    assert metadata["problems"] == 1
    assert "openpool payouts approve" in metadata["what stands in the way"][0]
    check = evaluations(result)["payouts_unhindered"]
    assert not check.passed and "needs approval" in str(check.description)
    assert "payouts_unhindered" in limited.dagster.failing()
    assert pays.received_wei(WORKERS) == [0] * 3
    plan = metadata["plan"]
    pays.rig.planner.planning.approve(plan, "looked at", datetime.now(UTC))
    assert evaluations(limited.pay())["payouts_unhindered"].passed
    assert pays.received_wei(WORKERS) == [NET_WEI] * 3


def test_a_wallet_that_is_low_is_told_to_the_wei(pays: PayoutBench) -> None:
    pays.anvil.fund(pays.rig.sender, NET_WEI * 2)
    result = pays.pay()
    assert sorted(pays.received_wei(WORKERS)) == [0, 0, NET_WEI]
    assert not evaluations(result)["wallet_covers_plan"].passed
    assert {row["verdict"] for row in shown(result, "payout_plan")["decisions"]} == {
        "pay",
        "wallet",
    }


def test_a_node_that_is_gone_fails_the_run_with_its_sentence(pays: PayoutBench) -> None:
    gone = pays.with_options(eth_rpc_endpoint="http://user:SECRET-KEY@127.0.0.1:9/SECRET-KEY")
    result = gone.pay(raise_on_error=False)
    assert not result.success
    events = "\n".join(
        str(record.event_log_entry)
        for record in gone.dagster.instance.get_records_for_run(result.run_id).records
    )
    assert "127.0.0.1:9" in events and "SECRET-KEY" not in events


def test_a_node_of_another_chain_is_believed_in_nothing(pays: PayoutBench) -> None:
    other = pays.with_options(chain_id=1)
    told = "is on chain 42161"
    page = shown(other.settle(), "wallet")
    assert told in page["chain"] and "chain_wei" not in page
    covers = other.dagster.checks()["wallet_covers_plan"]
    assert not covers.passed and told in str(covers.description)
    result = other.pay(raise_on_error=False)
    assert not result.success and pays.received_wei(WORKERS) == [0] * 3
    assert told in str(result.failure_data_for_node("payout_plan"))


def test_no_other_job_can_pay(bench: Workbench) -> None:
    repository = bench.defs.get_repository_def()
    paying = {
        job.name
        for job in repository.get_all_jobs()
        if not job.name.startswith("__")
        and {"worker_payouts", "payout_settlement"} & {node.name for node in job.nodes}
    }
    assert paying == {"payout_job", "settlement_job"}
    for name in paying:
        tags = bench.defs.resolve_job_def(name).run_tags
        assert tags["dagster/max_retries"] == "0" and tags["openpool/wallet"] == "payouts"
