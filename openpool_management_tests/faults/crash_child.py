"""A sync in a process of its own that can end itself, as kill -9 would, just before its n-th write.

Run as ``python -m openpool_management_tests.faults.crash_child PLAN``; PLAN is JSON. The writes are
counted from the outside: files opened for writing, renamed, synced and made (audit hooks), SQL
that writes, and commits. Without die_at it writes how many there were to counted_to.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

WRITING_MODES = os.O_WRONLY | os.O_RDWR
READING_SQL = ("SELECT", "PRAGMA", "BEGIN", "SHOW", "SET")


@dataclass(frozen=True)
class Plan:
    """What to sync and where to die. Paths as text; die_at counts from 1.

    ready is a file made when all is loaded, wait_for one that is waited for then.
    """

    home: str
    ledger_url: str
    events_dir: str
    counted_to: str = ""
    batch_objects: int = 4
    die_at: int | None = None
    ready: str = ""
    wait_for: str = ""

    def text(self) -> str:
        """The plan as the argument of the process."""
        return json.dumps(asdict(self))


class WritePoints:
    """Counts writes below a directory and to a database; dies when the count is reached."""

    def __init__(self, home: str, die_at: int | None) -> None:
        self.seen: list[str] = []
        self._home = home
        self._die_at = die_at
        self._lock = Lock()

    def reach(self, what: str) -> None:
        """One more write is about to happen."""
        with self._lock:
            self.seen.append(what)
            if len(self.seen) == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, name: str, args: tuple[Any, ...]) -> None:
        """An audit hook: writes to files of the home."""
        if not args or not str(args[0]).startswith(self._home):
            return
        writes = name == "open" and isinstance(args[2], int) and args[2] & WRITING_MODES
        if writes or name in ("os.rename", "os.mkdir", "os.remove"):
            self.reach(f"{name} {args[0]}")

    def install(self) -> None:
        """Start counting, in every engine made from here on."""
        from sqlalchemy import Engine, event

        sys.addaudithook(self.audit)

        def statement(connection: Any, cursor: Any, sql: str, *_: Any) -> None:
            if not sql.lstrip().upper().startswith(READING_SQL):
                self.reach(sql.split("(")[0])

        def commit(connection: Any) -> None:
            self.reach("COMMIT")

        event.listen(Engine, "before_cursor_execute", statement)
        event.listen(Engine, "commit", commit)
        # os.fsync raises no audit event.
        setattr(os, "fsync", self._before(os.fsync, "fsync"))  # noqa: B010

    def _before(self, call: Callable[[Any], None], what: str) -> Callable[[Any], None]:
        def counted(argument: Any) -> None:
            self.reach(what)
            call(argument)

        return counted


def main() -> None:
    """Carry out the plan that is the only argument."""
    plan = Plan(**json.loads(sys.argv[1]))
    points = WritePoints(plan.home, plan.die_at)
    points.install()
    from openpool_management.adapters.directory_source import DirectorySource
    from openpool_management_tests.ledgers import ScratchLedger

    if plan.ready:
        Path(plan.ready).touch()
    while plan.wait_for and not Path(plan.wait_for).exists():
        time.sleep(0.001)
    with ScratchLedger(plan.ledger_url, Path(plan.home) / "lake") as scratch:
        scratch.sync(DirectorySource(Path(plan.events_dir)), batch_objects=plan.batch_objects)
    if plan.counted_to:
        Path(plan.counted_to).write_text(json.dumps(points.seen))


if __name__ == "__main__":
    main()
