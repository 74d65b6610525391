"""Asset checks of payouts. None of them sends, settles or changes anything."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg

from openpool_management.assets.payout_plan import payout_plan
from openpool_management.assets.payout_settlement import payout_settlement
from openpool_management.assets.wallet import wallet
from openpool_management.assets.worker_payouts import worker_payouts
from openpool_management.checks import check_result
from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.partitions import payout_day
from openpool_management.payout_desk import PayoutDesk
from openpool_management.resources import PoolResource
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management.services.payouts.watch import (
    WalletCheck,
    check_wallet,
    long_pause,
    stuck_payouts,
    uncovered_plan,
    unequal_in_payout,
)

NO_CHAIN = "Not looked at: set ETH_RPC_ENDPOINT and OPENPOOL_PAYOUT_SENDER to ask the chain."


@dg.asset_check(asset=payout_plan)
def wallet_covers_plan(openpool: PoolResource) -> dg.AssetCheckResult:
    """The wallet holds enough to pay all who are due, with gas and the reserve."""
    desk = openpool.desk
    if desk.mode is PayoutMode.OFF:
        return _noted("Not looked at: OPENPOOL_PAYOUTS is off.")
    day = payout_day(desk.clock())
    return _asking_the_chain(
        desk,
        lambda: WalletCheck(tuple(uncovered_plan(desk.planner, desk.looking(), day))),
        "Send ETH to the wallet. Until then those who wait longest are paid first, as far as it "
        "goes.",
        dg.AssetCheckSeverity.WARN,
    )


@dg.asset_check(asset=worker_payouts)
def payouts_unhindered(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Nothing stood in the way of the last payouts and of the last settlement."""
    return check_result(
        [
            *_problems(context.instance, worker_payouts.key),
            *_problems(context.instance, payout_settlement.key),
        ],
        "The next run tries what can be tried again. For the rest see openpool payouts plan and "
        "openpool payouts list; what is not paid stays owed.",
        dg.AssetCheckSeverity.WARN,
    )


@dg.asset_check(asset=wallet)
def wallet_equals_chain(openpool: PoolResource) -> dg.AssetCheckResult:
    """The ledger's account of the wallet, and its nonces, are the chain's at the final block.

    Passes with a note at moments that can't be compared, such as while payouts are being settled.
    """
    desk = openpool.desk
    return _asking_the_chain(
        desk,
        lambda: check_wallet(desk.looking()),
        "Pay nobody: run openpool payouts pause, then openpool payouts reconcile to see every "
        "difference.",
    )


@dg.asset_check(asset=wallet)
def no_payout_stuck(openpool: PoolResource) -> dg.AssetCheckResult:
    """No payout is without progress, nor are payouts paused, for OPENPOOL_PAYOUT_STUCK_MINUTES."""
    desk = openpool.desk
    longest, now = timedelta(minutes=desk.pool.settings.payout_stuck_minutes), desk.clock()
    stuck = stuck_payouts(desk.book, longest, now)
    return check_result(
        [*stuck, *long_pause(desk.book, longest, now)],
        "The settlement_sensor brings payouts on by itself where it is started. "
        "OPENPOOL_PAYOUT_STUCK_MINUTES sets how long is too long.",
        dg.AssetCheckSeverity.ERROR if stuck else dg.AssetCheckSeverity.WARN,
        stuck=len(stuck),
    )


@dg.asset_check(asset=wallet)
def in_payout_equals_open_payouts(openpool: PoolResource) -> dg.AssetCheckResult:
    """What is set aside for each worker in the ledger is the sum of the open payouts to them."""
    desk = openpool.desk
    return check_result(
        unequal_in_payout(desk.pool.books, desk.book),
        "Pay nobody: run openpool payouts pause. Rows of the ledger were changed by hand, or "
        "this program has an error: restore the ledger from a backup, then run openpool "
        "payouts rebuild.",
    )


PAYOUT_CHECKS = (
    wallet_covers_plan,
    payouts_unhindered,
    wallet_equals_chain,
    no_payout_stuck,
    in_payout_equals_open_payouts,
)


def _asking_the_chain(
    desk: PayoutDesk,
    look: Callable[[], WalletCheck],
    remedy: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """The result of a look that needs a node; one that can't be asked is a warning."""
    if not desk.chains or desk.sender() is None:
        return _noted(NO_CHAIN)
    try:
        found = look()
    except (OSError, PayoutsStopped) as error:
        return check_result(
            [str(error)],
            "See whether the node of ETH_RPC_ENDPOINT is up and the right one.",
            dg.AssetCheckSeverity.WARN,
        )
    if found.sentences or not found.note:
        return check_result(found.sentences, remedy, severity)
    return _noted(found.note)


def _noted(note: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, description=note, metadata={"note": note})


def _problems(instance: dg.DagsterInstance, asset: dg.AssetKey) -> list[str]:
    """What the newest materialization of an asset says stood in its way."""
    records = instance.fetch_materializations(asset, limit=1).records
    last = records[0].asset_materialization if records else None
    # A materialization that somebody reported by hand tells nothing of it.
    told = last.metadata.get("what stands in the way") if last else None
    value = told.value if told else []
    return [str(problem) for problem in value] if isinstance(value, list) else []
