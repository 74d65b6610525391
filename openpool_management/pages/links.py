"""Where pages are: under paths of a server, or as files beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote


class Links(Protocol):
    """Links from one page to others.

    part: what of a document a page shows, workers of the pool or a window of the ranking.
    """

    def overview(self) -> str: ...
    def workers(self, number: int = 1) -> str: ...
    def worker(self, address: str) -> str: ...
    def entry(self, address: str, entry: int, number: int = 1) -> str | None: ...
    def lines(self, address: str, before: int) -> str | None: ...
    def ranking(self, window: str) -> str: ...
    def payouts(self, number: int = 1) -> str: ...
    def quality(self) -> str: ...
    def statement(self, address: str, month: str, form: str) -> str: ...
    def document(self, name: str, part: str = "") -> str: ...
    def asset(self, name: str) -> str: ...


class ServerLinks:
    """Paths of ``openpool serve``."""

    def overview(self) -> str:
        return "/"

    def workers(self, number: int = 1) -> str:
        return "/workers" if number == 1 else f"/workers?page={number}"

    def worker(self, address: str) -> str:
        return f"/workers/{address}"

    def entry(self, address: str, entry: int, number: int = 1) -> str | None:
        page = "" if number == 1 else f"?page={number}"
        return f"/workers/{address}/entries/{entry}{page}"

    def lines(self, address: str, before: int) -> str | None:
        return f"/workers/{address}/lines?before={before}"

    def ranking(self, window: str) -> str:
        return f"/ranking?window={quote(window)}"

    def payouts(self, number: int = 1) -> str:
        return "/payouts" if number == 1 else f"/payouts?page={number}"

    def quality(self) -> str:
        return "/quality"

    def statement(self, address: str, month: str, form: str) -> str:
        return f"/statements/{address}/{month}.{form}"

    def document(self, name: str, part: str = "") -> str:
        if name == "pool":
            return f"/api/v1/{part or 'status'}"
        return f"/api/v1/{name}" + (f"?window={quote(part)}" if part else "")

    def asset(self, name: str) -> str:
        return f"/pages/{name}"


@dataclass(frozen=True, slots=True)
class FileLinks:
    """Files of an exported site, relative to a page that lies depth folders below its root.

    entries: names of the pages of entries that have one, with their first jobs, by their number.
    """

    depth: int = 0
    entries: Mapping[int, str] = field(default_factory=dict)

    def _at(self, path: str) -> str:
        return "../" * self.depth + path

    def overview(self) -> str:
        return self._at("index.html")

    def workers(self, number: int = 1) -> str:
        return self._at("workers.html" if number == 1 else f"workers-{number}.html")

    def worker(self, address: str) -> str:
        return self._at(f"workers/{address}.html")

    def entry(self, address: str, entry: int, number: int = 1) -> str | None:
        if entry not in self.entries or number != 1:
            return None
        return self._at(f"workers/{address}/{self.entries[entry]}.html")

    def lines(self, address: str, before: int) -> str | None:
        return None

    def ranking(self, window: str) -> str:
        return self._at(f"ranking-{window}.html")

    def payouts(self, number: int = 1) -> str:
        return self._at("payouts.html" if number == 1 else f"payouts-{number}.html")

    def quality(self) -> str:
        return self._at("quality.html")

    def statement(self, address: str, month: str, form: str) -> str:
        return self._at(f"statements/{address}/{month}.{form}")

    def document(self, name: str, part: str = "") -> str:
        return self._at(f"{name}.json")

    def asset(self, name: str) -> str:
        return self._at(f"pages/{name}")
