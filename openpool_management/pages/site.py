"""Every page as HTML, out of the documents of one moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from openpool_management.domain.audit import PostedLine
from openpool_management.domain.streams import Stream
from openpool_management.pages.account_lines import account_lines, entry_part
from openpool_management.pages.amounts import amount, moment, number, percent, short_eth
from openpool_management.pages.charts import days_chart
from openpool_management.pages.links import Links
from openpool_management.services.exports.days import DAYS_SHOWN
from openpool_management.services.exports.publication import Publication
from openpool_management.services.exports.values import Document
from openpool_management.services.statement import Statement

ROWS = 200
"""Workers or payouts on one page."""

_BLANK = dict.fromkeys(("section", "document", "part", "made_at", "problem"), "")
"""What the frame of a page shows, empty where a page does not say it."""

STALE = "The newest look at the ledger failed: what is shown is as of the time at the bottom."


@dataclass(frozen=True, slots=True)
class Site:
    """The pages of a publication. Each method returns HTML, None for a page that is not there.

    stale: the publication is older than it should be, and pages say so.
    """

    publication: Publication
    links: Links
    stale: bool = False

    def overview(self) -> str:
        """The pool at a glance."""
        pool = self.publication.pool
        return self._page(
            "overview.html",
            section="Pool",
            document="pool",
            pool=pool,
            silent=self._silent(self.publication.material.streams),
            fees=days_chart(pool["days"], "fees_wei", self._today, _eth),
            jobs=days_chart(pool["days"], "jobs", self._today, number),
        )

    def workers(self, part: int = 1, missing: str = "") -> str | None:
        """Workers, who earned most first. missing says that an address was not found."""
        rows = sorted(
            self.publication.pool["workers"],
            key=lambda one: (-int(one["earned_wei"]), one["address"]),
        )
        return self._list(
            *("workers.html", rows, part),
            section="Workers",
            document="pool",
            part="workers",
            missing=missing,
        )

    def worker(self, address: str, lines: Iterable[PostedLine], older: int | None = None) -> str:
        """One worker, and the newest lines of the account. Raises KeyError as worker() does.

        older: the number of the entry before which the lines go on, None where these are all.
        """
        worker = self.publication.worker(address)
        return self._page(
            "worker.html",
            section="Workers",
            document=f"workers/{address}",
            worker=worker,
            silent=self._silent(self.publication.material.online.get(address, ())),
            lines=account_lines(lines),
            older=self._older(address, older),
            earned=days_chart(worker["days"], "net_wei", self._today, _eth),
        )

    def lines(self, address: str, lines: Iterable[PostedLine], older: int | None) -> str | None:
        """Some lines of a worker's account; None without any."""
        shown = account_lines(lines)
        if not shown:
            return None
        return self._page(
            "lines.html",
            section="Workers",
            document=f"workers/{address}",
            address=address,
            lines=shown,
            older=self._older(address, older),
        )

    def _older(self, address: str, before: int | None) -> str | None:
        return None if before is None else self.links.lines(address, before)

    def ranking(self, window: str) -> str | None:
        """Workers by how well they did in a window, such as ``30d``."""
        windows = {one["window"]: one["rows"] for one in self.publication.ranking["windows"]}
        if window not in windows:
            return None
        return self._page(
            "ranking.html",
            section="Ranking",
            document="ranking",
            part=window,
            window=window,
            windows=list(windows),
            groups=[
                {
                    "stream": stream,
                    "pipeline": pipeline,
                    "model": model,
                    "transcode": Stream.parse(stream).node_type == "transcode",
                    "rows": list(rows),
                }
                for (stream, pipeline, model), rows in groupby(windows[window], key=_group)
            ],
        )

    def payouts(self, part: int = 1) -> str | None:
        """Payouts, newest first."""
        rows = self.publication.payouts["payouts"]
        return self._list("payouts.html", rows, part, section="Payouts", document="payouts")

    def quality(self) -> str:
        """What is held, nobody's or missing."""
        return self._page(
            "quality.html",
            section="Data quality",
            document="quality",
            quality=self.publication.quality,
        )

    @property
    def _today(self) -> date:
        return self.publication.material.made_at.date()

    def _silent(self, streams: Iterable[Stream]) -> list[str]:
        """Of streams that are silent, since when: nothing that is told of them is newer."""
        quality = self.publication.material.quality
        return [text for one in sorted(streams) if one in quality for text in quality[one].silence]

    def _list(
        self, template: str, rows: Sequence[Document], number: int, **values: Any
    ) -> str | None:
        last = max(-(-len(rows) // ROWS), 1)
        if not 1 <= number <= last:
            return None
        return self._page(
            template,
            rows=rows[(number - 1) * ROWS : number * ROWS],
            total=len(rows),
            number=number,
            last=last,
            **values,
        )

    def _page(self, template: str, **values: Any) -> str:
        made_at: datetime = self.publication.material.made_at
        return _render(
            template,
            links=self.links,
            made_at=made_at.isoformat(),
            problem=STALE if self.stale else "",
            **values,
        )


def entry_page(links: Links, statement: Statement, part: int = 1) -> str | None:
    """The jobs of one entry of a worker's account, as traced; None for a part that is not there.

    What an entry posted does not change, so the page states no time.
    """
    shown = entry_part(statement, part)
    if shown is None:
        return None
    line, address = statement.lines[0].line, statement.worker
    href = partial(links.entry, address, line.entry_number)
    return _render(
        "entry.html",
        links=links,
        section="Workers",
        address=address,
        entry=line.entry_number,
        stream=line.account.stream,
        posted_at=line.posted_at.isoformat(),
        moved=any(job["cause"] for one in shown.lines for job in one["rows"]),
        lines=shown.lines,
        number=part,
        last=shown.last if href(2) else 1,
        href=href,
    )


def message_page(links: Links, title: str, sentence: str) -> str:
    """A page that says one thing."""
    return _render("message.html", links=links, title=title, sentence=sentence)


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**(_BLANK | values))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("openpool_management.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # A server goes on with the templates it began with while another version is installed.
        auto_reload=False,
    )
    environment.globals["DAYS_SHOWN"] = DAYS_SHOWN
    environment.filters |= {
        "amount": amount,
        "moment": moment,
        "number": number,
        "percent": percent,
    }
    return environment


def _group(row: Document) -> tuple[str, str, str]:
    return row["stream"], row["pipeline"], row["model"]


def _eth(amount_wei: int) -> str:
    return f"{short_eth(amount_wei)} ETH"
