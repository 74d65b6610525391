"""The pool's commission over time: its history, a change, and where the setting says otherwise."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from openpool_management.domain.addresses import ZERO_ADDRESS, checksum_address
from openpool_management.domain.commission import DEFAULT_WORKER, CommissionRate, rate_at
from openpool_management.domain.money import BPS_PER_WHOLE, format_percent
from openpool_management.services.decisions import DecisionRefused, stated_reason
from openpool_management.services.ports import CommissionHistory, RateRow

_SECOND = timedelta(seconds=1)


def rates(history: CommissionHistory) -> list[RateRow]:
    """All rates with whom they are for, when and why they were set, in the order they were set."""
    return history.rates()


def set_rate(
    history: CommissionHistory,
    fee_bps: int | None,
    reason: str,
    now: datetime,
    *,
    worker: str = DEFAULT_WORKER,
    effective_from: datetime | None = None,
) -> RateRow:
    """Add a rate in basis points to the history: the default, or one worker's own.

    fee_bps None ends a worker's own rate. effective_from (UTC, whole seconds) must lie after the
    newest DT in the ledger, so that no posted job's rate changes; without it, the rate holds from
    now, or from right after that DT if that is later. Raises DecisionRefused for what can't be.
    """
    reason = stated_reason(reason)
    holder = _holder(worker)
    _check_rate(fee_bps, holder)
    _check_time(effective_from)

    def choose(earlier: list[RateRow], newest_dt: datetime | None) -> RateRow:
        earliest = None if newest_dt is None else newest_dt.replace(microsecond=0) + _SECOND
        start = effective_from or max(_next_second(now), earliest or _next_second(now))
        if earliest is not None and start < earliest:
            raise DecisionRefused(
                f"A commission can't start at {start.isoformat()}: the ledger holds events up to "
                f"{newest_dt and newest_dt.isoformat()}, and the rate of what is posted never "
                f"changes. The earliest possible start is {earliest.isoformat()}."
            )
        same = [row.rate for row in earlier if row.rate.worker == holder]
        if any(rate.effective_from == start for rate in same):
            raise DecisionRefused(
                f"A rate for {_name(holder)} that starts at {start.isoformat()} is in the history "
                "already, and rates are never changed: choose another start."
            )
        if fee_bps is None and _own_rate(same, start) is None:
            raise DecisionRefused(
                f"{_name(holder)} has no rate of their own at {start.isoformat()}: "
                "there is nothing to end."
            )
        return RateRow(CommissionRate(holder, fee_bps, start), now, reason)

    return history.append(choose)


def setting_difference(
    earlier: Sequence[RateRow], setting_fee_bps: int, now: datetime
) -> str | None:
    """What to know when POOL_COMMISSION_RATE is not the default rate in force, None when it is."""
    in_force = rate_at([row.rate for row in earlier], DEFAULT_WORKER, now)
    if in_force == setting_fee_bps:
        return None
    return (
        f"POOL_COMMISSION_RATE is {format_percent(setting_fee_bps)}, but the ledger's default "
        f"commission is {format_percent(in_force)}. The setting counts only when a ledger is "
        "opened; from then on the ledger's history rules. To change the commission, run "
        "`openpool commission set`; to keep it, set POOL_COMMISSION_RATE to what the ledger says."
    )


def _holder(worker: str) -> str:
    if worker == DEFAULT_WORKER:
        return DEFAULT_WORKER
    address = checksum_address(worker)
    if address is None or address == ZERO_ADDRESS:
        raise DecisionRefused(
            f"{worker!r} is no address of a worker: give 0x and 40 hex digits, in one case or with "
            "the right checksum (EIP-55), and not all zero."
        )
    return address


def _check_rate(fee_bps: int | None, holder: str) -> None:
    if fee_bps is None:
        if holder == DEFAULT_WORKER:
            raise DecisionRefused(
                "The default commission can't be ended: set it to 0 to take nothing."
            )
    elif not 0 <= fee_bps <= BPS_PER_WHOLE:
        raise DecisionRefused(
            f"A commission of {fee_bps} basis points is not possible: "
            f"give 0 to {BPS_PER_WHOLE}, where 100 are one percent."
        )


def _check_time(effective_from: datetime | None) -> None:
    if effective_from is None:
        return
    if effective_from.tzinfo is None:
        raise DecisionRefused(
            f"The start {effective_from.isoformat()} has no time zone: end it with Z for UTC."
        )
    if effective_from.microsecond:
        raise DecisionRefused(
            f"The start {effective_from.isoformat()} has a fraction of a second: "
            "give whole seconds, as events have them."
        )


def _own_rate(same: Sequence[CommissionRate], moment: datetime) -> int | None:
    begun = [rate for rate in same if rate.effective_from <= moment]
    return max(begun, key=lambda rate: rate.effective_from).fee_bps if begun else None


def _next_second(moment: datetime) -> datetime:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole if whole == moment else whole + _SECOND


def _name(holder: str) -> str:
    return holder or "everyone"
