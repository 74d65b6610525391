"""Charts as SVG inside a page: styled by the page's own style sheet, without script.

Drawn by pygal. Its script, style and tooltips are taken out, since the pages' content security
policy refuses what is inline; each bar has a title instead, which browsers show and readers read.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from openpool_management.services.exports.values import Document

WIDTH, HEIGHT = 720, 220
FONT_SIZE = 12
"""As in the style sheet; pygal makes room for labels of that size."""

SERIES = 8
"""Colours of the style sheet; streams beyond are drawn together as the last one."""

OTHERS = "others"
FEWEST_DAYS = 14
_GUIDES = 2
_MARKS = 4


@dataclass(frozen=True, slots=True)
class DaysChart:
    """Bars for days, a series for each stream. legend has the names of the series in order."""

    svg: Markup
    legend: tuple[str, ...]


def days_chart(
    rows: Sequence[Document], field: str, last: date, shown: Callable[[int], str]
) -> DaysChart | None:
    """What the rows of days and streams state under a field, up to a last day; None without rows.

    Amounts are whole numbers; only the height of a bar is a float. Days without a row are empty.
    """
    if not rows:
        return None
    names = _series(rows, field)
    known = [date.fromisoformat(row["date"]) for row in rows]
    # Another machine's clock may be ahead of this one.
    last = max(last, *known)
    days = max((last - min(known)).days + 1, FEWEST_DAYS)
    dates = [last - timedelta(days=back) for back in reversed(range(days))]
    sums = {name: [0] * days for name in names}
    for row, day in zip(rows, known, strict=True):
        name = row["stream"] if row["stream"] in sums else OTHERS
        sums[name][(day - dates[0]).days] += int(row[field])
    highest = max(sum(max(day, 0) for day in column) for column in zip(*sums.values(), strict=True))
    return DaysChart(_drawn(dates, sums, max(highest, 1), shown), tuple(names))


def _series(rows: Sequence[Document], field: str) -> list[str]:
    """Names of the series: streams by name, so that each keeps its colour, the least together."""
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["stream"]] = totals.get(row["stream"], 0) + int(row[field])
    names = sorted(totals, key=lambda name: (-totals[name], name))
    return sorted(names) if len(names) <= SERIES else [*sorted(names[: SERIES - 1]), OTHERS]


def _drawn(
    dates: Sequence[date],
    sums: dict[str, list[int]],
    highest: int,
    shown: Callable[[int], str],
) -> Markup:
    pygal = _pygal()
    chart: Any = pygal.StackedBar(
        style=pygal.style.Style(label_font_size=FONT_SIZE, major_label_font_size=FONT_SIZE),
        width=WIDTH,
        height=HEIGHT,
        css=[],
        js=[],
        show_legend=False,
        disable_xml_declaration=True,
        show_minor_x_labels=False,
        truncate_label=-1,
        margin=FONT_SIZE // 2,
        spacing=FONT_SIZE // 2,
    )
    labels = [f"{one:%d %b}" for one in dates]
    chart.x_labels = labels
    chart.x_labels_major = labels[:: -(len(labels) // _MARKS)][:_MARKS]
    # A guide is drawn where its whole number is: half of 3 would be labelled 1.
    guides = sorted({highest * part // _GUIDES for part in range(_GUIDES + 1)})
    chart.y_labels = [{"value": guide / highest, "label": shown(guide)} for guide in guides]
    for name, values in sums.items():
        chart.add(name, [value / highest for value in values])
    tree: Element = chart.render_tree()
    _strip(tree)
    bars = [(group, bar) for group in tree.iterfind(".//g[@class='bars']") for bar in group]
    drawn = [
        (value, f"{one.isoformat()}, {name}: {shown(value)}")
        for name, values in sums.items()
        for one, value in zip(dates, values, strict=True)
    ]
    for (group, bar), (value, title) in zip(bars, drawn, strict=True):
        for description in bar.findall("desc"):
            bar.remove(description)
        SubElement(bar, "title").text = title
        if not value:
            group.remove(bar)
    return Markup(tostring(tree, encoding="unicode"))  # noqa: S704 - ElementTree escapes texts


@cache
def _pygal() -> Any:
    """The library, imported when the first chart is drawn."""
    import pygal
    import pygal.style

    # What it adds for plugins with maps makes Python 3.11 warn at every import that finds nothing.
    sys.meta_path[:] = [one for one in sys.meta_path if type(one).__module__ != pygal.__name__]
    return pygal


def _strip(tree: Element) -> None:
    """Take out what is inline script or style, what differs from drawing to drawing, and names."""
    tree.attrib.pop("id", None)
    for outer in list(tree.iter()):
        for inner in list(outer):
            classes = str(inner.get("class", ""))
            layer = classes.startswith("plot ") or classes == "titles"
            if layer or inner.tag in {"defs", "title"} or not isinstance(inner.tag, str):
                outer.remove(inner)
    tree.set("aria-hidden", "true")
    tree.set("focusable", "false")
