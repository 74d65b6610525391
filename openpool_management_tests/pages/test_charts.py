"""Charts of days: what is drawn, with nothing inline and nothing from a log unescaped."""

import re
import sys
from datetime import date
from typing import Any

from openpool_management.pages.charts import FEWEST_DAYS, OTHERS, SERIES, DaysChart, days_chart

LAST = date(2026, 12, 1)


def drawn(rows: list[dict[str, Any]], last: date = LAST) -> DaysChart:
    """A chart of the rows' jobs."""
    chart = days_chart(rows, "jobs", last, str)
    assert chart is not None
    return chart


def row(day: str, stream: str, jobs: int | str) -> dict[str, Any]:
    """A row of a document's days."""
    return {"date": day, "stream": stream, "jobs": jobs}


def bars(chart: DaysChart) -> list[str]:
    """The titles of the bars."""
    return re.findall(r'<g class="bar"><rect [^>]*/><title>([^<]*)</title></g>', chart.svg)


def test_each_day_and_stream_has_a_bar_of_its_height() -> None:
    chart = drawn([row("2026-11-30", "ai|a", 4), row("2026-12-01", "ai|a", 2)])
    assert bars(chart) == ["2026-11-30, ai|a: 4", "2026-12-01, ai|a: 2"]
    high, low = (
        float(one) for one in re.findall(r'<rect [^>]*height="([\d.]+)"[^>]*rect ', chart.svg)
    )
    assert abs(high - 2 * low) < 0.01
    assert chart.legend == ("ai|a",)


def test_a_guide_is_where_its_number_is() -> None:
    for jobs, labels in ((1, ["0", "1"]), (3, ["0", "1", "3"]), (8, ["0", "4", "8"])):
        svg = drawn([row("2026-12-01", "ai|a", jobs)]).svg
        guides = re.findall(r'<text x="[^"]*" y="([\d.]+)"[^>]*>(\d+)</text>', svg)
        assert [text for _, text in guides] == labels
        lowest, highest = float(guides[0][0]), float(guides[-1][0])
        for height, text in guides:
            share = (lowest - float(height)) / (lowest - highest)
            assert abs(share - int(text) / jobs) < 0.001


def test_without_rows_there_is_none() -> None:
    assert days_chart([], "jobs", LAST, str) is None


def test_nothing_is_inline_and_drawings_are_equal() -> None:
    rows = [row("2026-11-30", 'ai|<script>&"', 4)]
    chart = drawn(rows)
    for word in ("<style", "style=", "<script", "onload", " id="):
        assert word not in chart.svg
    assert "ai|&lt;script&gt;&amp;" in chart.svg
    assert drawn(rows).svg == chart.svg
    assert not [one for one in sys.meta_path if type(one).__module__ == "pygal"]


def test_a_wei_is_not_rounded_in_a_title() -> None:
    wei = 12345678901234567890123
    chart = drawn([row("2026-12-01", "ai|a", str(wei)), row("2026-12-01", "ai|b", str(wei + 1))])
    assert bars(chart) == [f"2026-12-01, ai|a: {wei}", f"2026-12-01, ai|b: {wei + 1}"]


def test_many_streams_share_the_last_colour() -> None:
    rows = [row("2026-12-01", f"ai|{number:02d}", number + 1) for number in range(SERIES + 3)]
    chart = drawn(rows)
    assert len(chart.legend) == SERIES and chart.legend[-1] == OTHERS
    assert list(chart.legend[:-1]) == sorted(f"ai|{number:02d}" for number in range(4, SERIES + 3))
    assert bars(chart)[-1] == "2026-12-01, others: 10"


def test_days_that_others_posted_ahead_of_this_clock() -> None:
    chart = drawn([row("2026-12-03", "ai|a", 1)])
    assert bars(chart) == ["2026-12-03, ai|a: 1"]
    assert "03 Dec" in chart.svg and FEWEST_DAYS > 2


def test_jobs_that_moved_away_go_below_zero() -> None:
    chart = drawn([row("2026-11-30", "ai|a", 4), row("2026-12-01", "ai|a", -2)])
    assert bars(chart)[1] == "2026-12-01, ai|a: -2"
