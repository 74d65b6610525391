"""``openpool commission``: the part of each fee that the pool keeps, and its history."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from openpool_management.cli.exit_codes import EXIT_CODES_HELP
from openpool_management.cli.output import JsonFlag, print_json, print_table, say, tell

app = typer.Typer(
    help="The part of each fee that the pool keeps.",
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
)

BPS_PER_WHOLE = 10_000


@app.command("list", epilog=EXIT_CODES_HELP)
def list_rates(as_json: JsonFlag = False) -> None:
    """List all rates in the order they were set: the default ones, and workers' own."""
    from openpool_management.cli.documents import as_document, time_text
    from openpool_management.domain.money import format_percent
    from openpool_management.pool import Pool, utc_now
    from openpool_management.services.commissions import rates, setting_difference
    from openpool_management.settings import load_settings

    pool = Pool(load_settings())
    rows = rates(pool.commissions)
    difference = setting_difference(rows, pool.settings.fee_bps, utc_now())
    if difference is not None:
        tell(difference)
    if as_json:
        print_json(
            [
                as_document(row.rate) | {"set_at": time_text(row.set_at), "reason": row.reason}
                for row in rows
            ]
        )
        return
    print_table(
        "Commission",
        ["worker", "rate", "from", "set at", "reason"],
        [
            [
                row.rate.worker or "everyone",
                "default" if row.rate.fee_bps is None else format_percent(row.rate.fee_bps),
                time_text(row.rate.effective_from),
                time_text(row.set_at),
                row.reason,
            ]
            for row in rows
        ],
    )


@app.command("set", epilog=EXIT_CODES_HELP)
def set_rate(
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the ledger.")],
    rate: Annotated[
        str | None,
        typer.Argument(metavar="[RATE]", help="A share like POOL_COMMISSION_RATE: 0.25 is 25 %."),
    ] = None,
    bps: Annotated[
        int | None, typer.Option("--bps", help="The rate in basis points: 2500 is 25 %.")
    ] = None,
    end: Annotated[
        bool, typer.Option("--end", help="End the worker's own rate: the default holds again.")
    ] = False,
    worker: Annotated[
        str, typer.Option("--worker", help="A worker's address; without it, the default is set.")
    ] = "",
    effective_from: Annotated[
        str | None,
        typer.Option("--from", help="When it starts, such as 2026-01-01T00:00:00Z; else at once."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add a rate to the history. What is posted keeps the rate it was posted at."""
    from openpool_management.cli.documents import as_document, time_text
    from openpool_management.domain.money import format_percent
    from openpool_management.pool import Pool, utc_now
    from openpool_management.services import commissions
    from openpool_management.settings import load_settings

    if [rate is not None, bps is not None, end].count(True) != 1:
        raise typer.BadParameter("Say one of RATE (0.25), --bps (2500) and --end.")
    fee_bps = bps if rate is None else _basis_points(rate)
    row = commissions.set_rate(
        Pool(load_settings()).commissions,
        fee_bps,
        reason,
        utc_now(),
        worker=worker,
        effective_from=None if effective_from is None else _moment(effective_from),
    )
    if as_json:
        print_json(as_document(row.rate) | {"set_at": time_text(row.set_at), "reason": row.reason})
        return
    holder = row.rate.worker or "everyone without a rate of their own"
    shown = "the default" if row.rate.fee_bps is None else format_percent(row.rate.fee_bps)
    say(f"From {time_text(row.rate.effective_from)} on, the rate for {holder} is {shown}.")


def _basis_points(rate: str) -> int:
    try:
        share = Decimal(rate)
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or not 0 <= share <= 1 or share != share.quantize(Decimal("0.0001")):
        raise typer.BadParameter(
            f"{rate} is no share: give 0 to 1 with at most 4 decimal places, such as 0.25.",
            param_hint="RATE",
        )
    return int(share * BPS_PER_WHOLE)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text} is no time: write it like 2026-01-01T00:00:00Z.", param_hint="--from"
        ) from error
    if moment.tzinfo is None:
        raise typer.BadParameter(
            f"{text} has no time zone: write it like {moment.isoformat()}Z.", param_hint="--from"
        )
    return moment.astimezone(UTC)
