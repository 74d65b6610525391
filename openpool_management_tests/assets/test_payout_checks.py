"""Each check of payouts fails, with what to do, on what it is there for, and then passes again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts import orders
from openpool_management_tests.assets.payout_bench import NET_WEI, WORKERS, PayoutBench
from openpool_management_tests.ledgers import drop_guards
from openpool_management_tests.payout_rig import DAY, worker_address
from openpool_management_tests.servers.rpc_proxy import RpcProxy
from openpool_management_tests.servers.rpc_rules import FrozenFinality

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
LONGEST = timedelta(minutes=30)
MOMENT = timedelta(seconds=60)


def check(pays: PayoutBench, name: str, after: timedelta = MOMENT) -> dg.AssetCheckEvaluation:
    """What check_job says of it, so long after the payouts of DAY were made."""
    return pays.at_time(DAY + after).dagster.checks()[name]


def failure(
    pays: PayoutBench, name: str, severity: dg.AssetCheckSeverity, after: timedelta = MOMENT
) -> str:
    """Everything that a check says which must fail: what, and what to do."""
    one = check(pays, name, after)
    assert not one.passed and one.severity is severity
    assert one.description and str(one.metadata["what to do"].value) in one.description
    return f"{one.description}\n{one.metadata['what'].value}"


def test_a_sent_payout_that_no_block_holds_is_stuck(pays: PayoutBench) -> None:
    pays.anvil.rpc("evm_setAutomine", False)
    pays.rig.pay()
    # Sending the same again is no progress.
    pays.rig.now = DAY + timedelta(minutes=20)
    pays.rig.drive()
    assert pays.rig.states() == [PayoutState.SENT, *[PayoutState.RESERVED] * 2]
    assert check(pays, "no_payout_stuck", LONGEST).passed
    told = failure(pays, "no_payout_stuck", ERROR, LONGEST + MOMENT)
    sent, reserved, _ = pays.rig.payouts()
    assert f"Payout {sent.id} of 0.3 ETH to {sent.intent.worker} is sent for 31 minutes" in told
    assert f"{reserved.id} of 0.3 ETH to {reserved.intent.worker} is reserved for 31" in told
    patient = pays.with_options(payout_stuck_minutes=32)
    assert check(patient, "no_payout_stuck", LONGEST + MOMENT).passed


def test_a_payout_whose_block_does_not_become_final_is_stuck(
    pays: PayoutBench, rpc_proxy: RpcProxy
) -> None:
    rpc_proxy.use(FrozenFinality(pays.anvil.height()))
    rig = replace(pays.rig, chain=RpcChain(rpc_proxy.url))
    rig.pay()
    pays.anvil.finalize()
    rig.now = DAY + timedelta(minutes=20)
    rig.drive()
    assert rig.states() == [PayoutState.SEEN] * 3
    late = LONGEST + MOMENT
    assert check(pays, "no_payout_stuck", LONGEST).passed
    assert "is seen for 31 minutes: it is in a block that is not final" in failure(
        pays, "no_payout_stuck", ERROR, late
    )
    rpc_proxy.clear()
    rig.drive()
    assert check(pays, "no_payout_stuck", late).passed


def test_a_long_pause_is_told(pays: PayoutBench) -> None:
    orders.pause(pays.rig.book, "looking into it.", DAY)
    assert check(pays, "no_payout_stuck", LONGEST).passed
    told = failure(pays, "no_payout_stuck", WARN, LONGEST + MOMENT)
    assert "paused by the operator for 31 minutes: looking into it. Once" in told
    pays.resume()
    assert check(pays, "no_payout_stuck", LONGEST + MOMENT).passed


def test_a_materialization_that_was_reported_by_hand_hinders_nothing(pays: PayoutBench) -> None:
    reported = dg.AssetMaterialization("worker_payouts", partition=pays.today)
    pays.dagster.instance.report_runless_asset_event(reported)
    assert check(pays, "payouts_unhindered").passed


def take_ten_wei(pays: PayoutBench) -> str:
    """Money vanishes; what is said of it."""
    wallet = pays.rig.sender
    pays.anvil.fund(wallet, pays.anvil.balance_wei(wallet) - 10)
    return f"The wallet {wallet} holds 10 wei less at the final block"


def send_by_hand(pays: PayoutBench) -> str:
    """The key is used elsewhere; what is said of it."""
    stranger = worker_address(50)
    pays.anvil.send(pays.anvil.transfer(pays.rig.key, stranger, 10, max_fee_wei=10**10))
    return f"Nonces 3 of {pays.rig.sender} were used by transactions that are not in this ledger"


@pytest.mark.parametrize("harm", [take_ten_wei, send_by_hand])
def test_a_wallet_that_is_not_as_the_ledger_says(
    pays: PayoutBench, harm: Callable[[PayoutBench], str]
) -> None:
    pays.rig.pay()
    pays.anvil.finalize()
    pays.rig.drive()
    assert "Equal to the wei" in str(check(pays, "wallet_equals_chain").description)
    sentence = harm(pays)
    assert check(pays, "wallet_equals_chain").passed, "that is not final"
    pays.anvil.finalize()
    told = failure(pays, "wallet_equals_chain", ERROR)
    assert sentence in told and "openpool payouts reconcile" in told
    # Pausing is left to runs and people: a check changes nothing.
    assert pays.rig.paymaster().paused() is None


def test_a_top_up_is_no_failure(pays: PayoutBench) -> None:
    pays.rig.pay()
    pays.anvil.finalize()
    pays.rig.drive()
    pays.anvil.fund(pays.rig.sender, pays.anvil.balance_wei(pays.rig.sender) + 10)
    pays.anvil.finalize()
    one = check(pays, "wallet_equals_chain")
    assert one.passed and "10 wei came into the wallet" in str(one.description)


def test_what_is_set_aside_without_a_payout_fails(pays: PayoutBench) -> None:
    pays.rig.pay()
    assert check(pays, "in_payout_equals_open_payouts").passed
    with pays.rig.scratch.engine.begin() as connection:
        drop_guards(connection)
        changed = connection.execute(
            sqlalchemy.text(
                "UPDATE posting SET balance_wei = :wei WHERE account_id ="
                " (SELECT id FROM account WHERE kind = 'in_payout' AND worker = :worker)"
            ),
            {"wei": str(NET_WEI + 1), "worker": WORKERS[1]},
        )
        assert changed.rowcount == 1
    told = failure(pays, "in_payout_equals_open_payouts", ERROR)
    assert f"{NET_WEI + 1} wei are set aside for {WORKERS[1]}" in told
    assert f"are {NET_WEI} wei" in told and WORKERS[0] not in told
    assert "openpool payouts pause" in told
