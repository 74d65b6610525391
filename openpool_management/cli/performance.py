"""``openpool performance``: how well workers did their jobs, ranked."""

from dataclasses import fields
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openpool_management.cli.output import (
    JsonFlag,
    WeiFlag,
    amount,
    number,
    print_json,
    print_table,
    say,
)

if TYPE_CHECKING:
    from openpool_management.services.performance.report import PerformanceRow

COLUMNS = (
    *("rank", "worker", "jobs", "fees", "p50 ms", "p95 ms", "p99 ms"),
    *("ratio", "units/s", "success", "online"),
)


def performance(
    window: Annotated[
        str, typer.Option("--window", help="24h, 7d, 30d or all, up to this moment.")
    ] = "24h",
    stream: Annotated[
        str | None, typer.Option("--stream", help="Only this stream, as nodeType|region.")
    ] = None,
    as_json: JsonFlag = False,
    wei: WeiFlag = False,
) -> None:
    """Rank the workers of each pipeline and model by what they did in a window of time.

    Days that did not change since the last time are not read again.
    """
    from openpool_management.domain.streams import Stream
    from openpool_management.performance_desk import performance_sources
    from openpool_management.pool import Pool, utc_now
    from openpool_management.services.performance.report import Window
    from openpool_management.services.performance.report import performance as rows_of
    from openpool_management.settings import load_settings

    try:
        chosen = Window.parse(window)
        streams = None if stream is None else [Stream.parse(stream)]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    rows = rows_of(performance_sources(Pool(load_settings())), chosen, utc_now(), streams)
    if as_json:
        print_json({"window": chosen.label, "workers": [_document(row) for row in rows]})
    else:
        _print(rows, chosen.label, wei)


def _document(row: "PerformanceRow") -> dict[str, Any]:
    from openpool_management.cli.documents import as_document

    values = {one.name: getattr(row, one.name) for one in fields(row)}
    rates = {name: value for name, value in values.items() if isinstance(value, float)}
    whole = {name: value for name, value in values.items() if name not in rates}
    exact = as_document(whole) | {"compute_units": str(row.compute_units)}
    return {name: rates.get(name, exact.get(name)) for name in values}


def _print(rows: "list[PerformanceRow]", label: str, in_wei: bool) -> None:
    if not rows:
        say("No worker did anything in this window.")
    for group, own in groupby(rows, key=lambda row: (str(row.stream), row.pipeline, row.model)):
        print_table(
            f"{' '.join(part for part in group if part)}, {label}",
            COLUMNS,
            [_cells(row, in_wei) for row in own],
            right=len(COLUMNS) - 2,
            whole=["worker"],
        )


def _cells(row: "PerformanceRow", in_wei: bool) -> list[object]:
    return [
        "" if row.rank is None else row.rank,
        row.worker,
        number(row.jobs),
        amount(row.fees_wei, in_wei),
        *(
            _rounded(value, 1)
            for value in (row.response_p50_ms, row.response_p95_ms, row.response_p99_ms)
        ),
        _rounded(row.real_time_ratio_median, 2),
        _rounded(row.units_per_second_median, 1),
        _percent(row.success_share),
        _percent(row.online_share),
    ]


def _rounded(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:,.{decimals}f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
