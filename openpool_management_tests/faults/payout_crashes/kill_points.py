"""Where a payout run can die, counted from the outside: SQL that writes, commits, and requests."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from openpool_management.domain.payouts.payout import Mark

MARKS = frozenset(one.value for one in Mark)
SEND = "eth_sendRawTransaction"
OUTLOOK = "eth_estimateGas eth_getBalance eth_getBlockByNumber eth_getTransactionCount"
"""The one request that asks all of a transfer that is to be sent."""


@dataclass(frozen=True)
class Point:
    """The n-th time, from 1, that something is about to happen.

    ``write TABLE`` is an insert, ``commit TABLE MARK …`` the end of the transaction of some,
    ``ask METHOD`` a request to the node, and ``told METHOD`` its answer, of which nothing was made.
    """

    what: str
    time: int = 1


@dataclass
class KillPoints:
    """Counts points, and sends this process a signal at one of them.

    It counts nothing before it is armed.
    """

    at: Point | None
    signal: int = signal.SIGKILL
    armed: bool = False
    seen: list[Point] = field(default_factory=list)
    _times: Counter[str] = field(default_factory=Counter)
    _written: dict[str, None] = field(default_factory=dict)

    def reach(self, what: str) -> None:
        """Something is about to happen."""
        if not self.armed:
            return
        self._times[what] += 1
        point = Point(what, self._times[what])
        self.seen.append(point)
        if point == self.at:
            os.kill(os.getpid(), self.signal)

    def install(self) -> None:
        """Listen to every database and every HTTP client of this process."""
        from requests.adapters import HTTPAdapter
        from sqlalchemy import Engine, event

        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", self._commit)
        event.listen(Engine, "rollback", lambda connection: self._written.clear())
        send = HTTPAdapter.send

        def counted(adapter: HTTPAdapter, request: Any, *args: Any, **options: Any) -> Any:
            methods = _methods(request.body)
            self.reach(f"ask {methods}")
            response = send(adapter, request, *args, **options)
            self.reach(f"told {methods}")
            return response

        setattr(HTTPAdapter, "send", counted)  # noqa: B010

    def _statement(
        self, connection: Any, cursor: Any, sql: str, parameters: Any, *_: object
    ) -> None:
        verb, *words = sql.split(maxsplit=3)
        if verb.upper() != "INSERT":
            return
        table = words[1].strip('"')
        marks = sorted(MARKS & set(_texts(parameters))) if table == "payout_event" else []
        self._written |= dict.fromkeys([table, *marks])
        self.reach(f"write {table}")

    def _commit(self, connection: Any) -> None:
        # A transaction that only read leaves nothing behind.
        if self._written:
            self.reach("commit " + " ".join(sorted(self._written)))
        self._written.clear()


def _methods(body: Any) -> str:
    request = json.loads(body)
    parts = request if isinstance(request, list) else [request]
    return " ".join(sorted({part["method"] for part in parts}))


def _texts(parameters: Any) -> Iterator[str]:
    if isinstance(parameters, str):
        yield parameters
    elif isinstance(parameters, dict):
        yield from _texts(list(parameters.values()))
    elif isinstance(parameters, list | tuple):
        for one in parameters:
            yield from _texts(one)
