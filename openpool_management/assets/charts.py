"""Small pictures for asset pages, as Markdown with the PNG inside."""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from openpool_management.domain.money import format_eth
from openpool_management.domain.streams import Stream
from openpool_management.services.performance.performance_row import PerformanceRow
from openpool_management.services.stream_report import Pace, WorkerFees

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TOP_WORKERS = 10
LONGEST_BYTES = 30_000
_COLOUR = "#0a7d5a"
_COLOURS = 16
_PARTS = {"paid": "#0a7d5a", "in_payout": "#d9a514", "payable": "#7a8fb8"}
_STREAM_COLOURS = ("#0a7d5a", "#7a8fb8", "#d9a514", "#a85576", "#4f9fc4", "#8a8a8a")
_OTHERS = "others"
_PER_WHOLE = 1_000


def short_address(address: str) -> str:
    """An address as people compare it: ``0x1f57…7952``."""
    return f"{address[:6]}…{address[-4:]}" if len(address) > 12 else address


def fees_chart(rows: Sequence[WorkerFees]) -> str:
    """Bars of the workers who earned most; empty text when nobody earned anything."""
    top = [row for row in rows[:TOP_WORKERS] if row.gross_wei]
    if not top:
        return ""
    # Bars are whole thousandths of the longest, so that wei stay integers.
    longest_wei = top[0].gross_wei
    bars = [row.gross_wei * _PER_WHOLE // longest_wei for row in top]
    figure = _figure(0.6 + 0.3 * len(top))
    axes = figure.add_subplot()
    axes.barh(range(len(top)), bars, color=_COLOUR)
    axes.set_yticks(range(len(top)), [short_address(row.worker) for row in top])
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.set_xlim(0, _PER_WHOLE * 1.6)
    for place, (row, bar) in enumerate(zip(top, bars, strict=True)):
        axes.text(bar + 8, place, f"{format_eth(row.gross_wei)} ETH", va="center", fontsize=7)
    axes.set_title("Fees before commission", fontsize=9, loc="left")
    return _markdown("Fees before commission, by worker", figure)


def balances_chart(workers: "pd.DataFrame") -> str:
    """What was earned by those who earned most, paid and owed apart; empty text without any.

    The frame has a row a worker, who earned most first, with wei as text.
    """
    top = [row for row in workers.head(TOP_WORKERS).to_dict("records") if int(row["earned_wei"])]
    if not top:
        return ""
    longest_wei = max(abs(int(row["earned_wei"])) for row in top)
    figure = _figure(0.9 + 0.3 * len(top))
    axes = figure.add_subplot()
    left = [0] * len(top)
    for name, colour in _PARTS.items():
        bars = [max(int(row[f"{name}_wei"]), 0) * _PER_WHOLE // longest_wei for row in top]
        label = name.replace("_", " ")
        axes.barh(range(len(top)), bars, left=left, color=colour, label=label)
        left = [start + bar for start, bar in zip(left, bars, strict=True)]
    axes.set_yticks(range(len(top)), [short_address(row["worker"]) for row in top])
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.set_xlim(0, _PER_WHOLE * 1.6)
    for place, (row, end) in enumerate(zip(top, left, strict=True)):
        earned = format_eth(int(row["earned_wei"]))
        axes.text(end + 8, place, f"{earned} ETH", va="center", fontsize=7)
    axes.set_title("Earned: paid, in payout, payable", fontsize=9, loc="left")
    figure.legend(loc="outside lower left", ncols=len(_PARTS), fontsize=7, frameon=False)
    return _markdown("Earned, paid and owed, by worker", figure)


def days_chart(days: "pd.DataFrame") -> str:
    """Fees by day, streams apart; empty text without any.

    The frame has a row a day and stream, with wei as text. Smaller streams are one part.
    """
    # A day on which more moved away than was earned has no bar.
    fees = [
        (day, stream, max(int(wei), 0))
        for day, stream, wei in zip(days["date"], days["stream"], days["fees_wei"], strict=True)
    ]
    by_stream, by_day = Counter[str](), Counter[str]()
    for day, stream, wei in fees:
        by_stream[stream] += wei
        by_day[day] += wei
    if not by_day.total():
        return ""
    largest = sorted(by_stream, key=lambda stream: (-by_stream[stream], stream))
    shown = largest[: len(_STREAM_COLOURS) - 1]
    parts = Counter[tuple[str, str]]()
    for day, stream, wei in fees:
        parts[stream if stream in shown else _OTHERS, day] += wei
    names = shown + [_OTHERS] * (len(largest) > len(shown))
    first, last = date.fromisoformat(min(by_day)), date.fromisoformat(max(by_day))
    dates = [(first + timedelta(number)).isoformat() for number in range((last - first).days + 1)]
    highest_wei = max(by_day.values())
    figure = _figure(2.4)
    axes = figure.add_subplot()
    bottom = [0] * len(dates)
    for name, colour in zip(names, _STREAM_COLOURS, strict=False):
        bars = [parts[name, day] * _PER_WHOLE // highest_wei for day in dates]
        axes.bar(range(len(dates)), bars, bottom=bottom, color=colour, label=_plain(name))
        bottom = [start + bar for start, bar in zip(bottom, bars, strict=True)]
    ticks = sorted({0, (len(dates) - 1) // 2, len(dates) - 1})
    axes.set_xticks(ticks, [dates[tick] for tick in ticks])
    axes.set_xlim(-0.6, max(len(dates), 7) - 0.4)
    axes.set_yticks([])
    title = f"Fees by day (UTC), at most {format_eth(highest_wei)} ETH"
    axes.set_title(title, fontsize=9, loc="left")
    figure.legend(loc="outside lower left", ncols=2, fontsize=7, frameon=False)
    return _markdown("Fees by day", figure)


def ranking_chart(rows: Sequence[PerformanceRow]) -> str:
    """Bars of the best workers, on the pipeline and model with most jobs; empty text without."""
    jobs: Counter[tuple[Stream, str, str]] = Counter()
    for row in rows:
        if row.score is not None:
            jobs[row.stream, row.pipeline, row.model] += row.jobs
    if not jobs:
        return ""
    busiest = max(sorted(jobs), key=lambda group: jobs[group])
    ranked = [
        (row, row.score)
        for row in rows
        if (row.stream, row.pipeline, row.model) == busiest and row.score is not None
    ]
    top = sorted(ranked, key=lambda one: (-one[1], one[0].worker))[:TOP_WORKERS]
    figure = _figure(0.6 + 0.3 * len(top))
    axes = figure.add_subplot()
    axes.barh(range(len(top)), [score for _, score in top], color=_COLOUR)
    axes.set_yticks(range(len(top)), [short_address(row.worker) for row, _ in top])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    ratio = busiest[0].node_type == "transcode"
    what = "Median real-time ratio" if ratio else "Median compute units per second"
    where = " ".join(part for part in (str(busiest[0]), *busiest[1:]) if part)
    axes.set_title(_plain(f"{what}, {where}"), fontsize=9, loc="left")
    return _markdown(what, figure)


def pace_chart(pace: Pace) -> str:
    """Jobs per minute; empty text when there were none."""
    if not pace.minutes:
        return ""
    figure = _figure(2.0)
    axes = figure.add_subplot()
    axes.bar(range(len(pace.jobs)), pace.jobs, color=_COLOUR)
    last = len(pace.minutes) - 1
    ticks = sorted({0, last // 2, last})
    axes.set_xticks(ticks, [_clock(pace.minutes[tick]) for tick in ticks])
    axes.set_ylim(bottom=0)
    axes.set_title("Jobs per minute (UTC)", fontsize=9, loc="left")
    return _markdown("Jobs per minute", figure)


def _plain(text: str) -> str:
    """Names come from the log; a dollar sign would start a formula."""
    return text.replace("$", r"\$")


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M")


def _figure(height_inches: float) -> "Figure":
    # Matplotlib takes a second to import and is needed by runs alone, not by every process that
    # loads the definitions. Figure without pyplot keeps no global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, height_inches), dpi=90, layout="constrained")
    figure.patch.set_facecolor("white")
    return figure


def _markdown(title: str, figure: "Figure") -> str:
    for axes in figure.axes:
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    text = base64.b64encode(_png(figure)).decode()
    # It is stored with every materialization, for as long as its run is kept.
    if len(text) > LONGEST_BYTES:
        return ""
    return f"![{title}](data:image/png;base64,{text})"


def _png(figure: "Figure") -> bytes:
    """A PNG of few colours, a quarter of the size of one with all."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png")
    with Image.open(full) as image:
        image.convert("RGB").quantize(_COLOURS).save(small, format="png", optimize=True)
    return small.getvalue()
