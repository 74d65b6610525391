"""The pool's commission: a history of rates, by default and for single workers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from openpool_management.domain.money import BPS_PER_WHOLE

DEFAULT_WORKER = ""
"""The worker of a rate that holds for everyone without a rate of their own."""


@dataclass(frozen=True, slots=True)
class CommissionRate:
    """A rate in basis points that holds from effective_from (UTC) until a later one replaces it.

    fee_bps None, for a single worker, ends that worker's own rate: the default holds again.
    """

    worker: str
    fee_bps: int | None
    effective_from: datetime


def rate_at(rates: Sequence[CommissionRate], worker: str, moment: datetime) -> int:
    """The rate in basis points in force for a worker at a job's DT.

    Raises ValueError when the history has no default rate for that moment.
    """
    for holder in (worker, DEFAULT_WORKER):
        held = [rate for rate in rates if rate.worker == holder and rate.effective_from <= moment]
        if held:
            fee_bps = max(held, key=lambda rate: rate.effective_from).fee_bps
            if fee_bps is not None:
                return fee_bps
    raise ValueError(f"No commission rate is in force at {moment.isoformat()}.")


def with_commission(
    jobs: pl.DataFrame, rates: Sequence[CommissionRate], worker: str = "worker"
) -> pl.DataFrame:
    """Add fee_bps, net_wei and commission_wei to jobs that have dt, fees_wei and the worker column.

    Rows without a worker get the default rate, which nobody is charged.
    """
    schema: dict[str, pl.DataType] = {
        "_holder": pl.String(),
        "dt": jobs.schema["dt"],
        "_bps": pl.Int64(),
    }
    table = pl.DataFrame(
        [
            (rate.worker, rate.effective_from, -1 if rate.fee_bps is None else rate.fee_bps)
            for rate in rates
        ],
        schema=schema,
        orient="row",
    ).sort("dt")
    rows = jobs.with_row_index("_row").sort("dt")
    default = table.filter(pl.col("_holder") == DEFAULT_WORKER).select("dt", _default_bps="_bps")
    rows = rows.join_asof(default, on="dt", strategy="backward")
    own = table.filter(pl.col("_holder") != DEFAULT_WORKER)
    if own.height:
        rows = rows.join_asof(
            own,
            on="dt",
            by_left=worker,
            by_right="_holder",
            strategy="backward",
            check_sortedness=False,
        )
    else:
        rows = rows.with_columns(_bps=pl.lit(None, pl.Int64))
    fee_bps = pl.when(pl.col("_bps") >= 0).then("_bps").otherwise("_default_bps")
    rows = rows.sort("_row").with_columns(fee_bps=fee_bps.cast(pl.Int16))
    if rows["fee_bps"].null_count():
        raise ValueError("The commission history does not reach back to the oldest job.")
    return (
        rows.with_columns(net_wei=net_wei_of(pl.col("fees_wei"), pl.col("fee_bps")))
        .with_columns(commission_wei=pl.col("fees_wei") - pl.col("net_wei"))
        .drop("_row", "_default_bps", "_bps", strict=False)
    )


def net_wei_of(fees_wei: pl.Expr, fee_bps: pl.Expr) -> pl.Expr:
    """The worker's part of each fee, as money.split_fee has it; fees_wei are integers."""
    kept_bps = BPS_PER_WHOLE - fee_bps.cast(pl.Int128)
    # Whole and remainder apart, so that no product leaves 128 bits.
    return (fees_wei // BPS_PER_WHOLE) * kept_bps + (
        (fees_wei % BPS_PER_WHOLE) * kept_bps
    ) // BPS_PER_WHOLE
