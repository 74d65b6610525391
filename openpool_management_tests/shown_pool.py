"""A pool that pays, its pages as files and from ``openpool serve``, made once for many tests."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.cli import main
from openpool_management.pool import utc_now
from openpool_management_tests.cli.conftest import OURS, Ran, clean_environment
from openpool_management_tests.cli.payout_counter import Counter
from openpool_management_tests.press import BOTH, Press
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.process import ServerProcess

START_SECONDS = 60


@dataclass
class ShownPool:
    """Payouts of it are final or in a block only. Read only.

    live and files are URLs without a slash at the end: of the server, and of the exported site.
    """

    press: Press
    live: str
    files: str

    @property
    def worker(self) -> str:
        """One that earned on two streams, has payouts in both states and is owed something."""
        return BOTH

    @property
    def workers(self) -> list[str]:
        """Every worker."""
        return [row["address"] for row in self.press.document("pool.json")["workers"]]

    def command(self, *words: str) -> Any:
        """How a command of ``openpool`` ended; it ended well."""
        return self.press.counter.command(*words)

    def event_at(self, key: str, place: int) -> str:
        """The ID of the event at a place of an object of the event log."""
        events = json.loads((self.press.counter.events / key).read_text())
        event_id: str = events[place]["ID"]
        return event_id


@contextmanager
def shown_pool(directory: Path, events: Path) -> Iterator[ShownPool]:
    """The pool in an empty directory, over event objects, until the end of the block."""
    anvil = AnvilServer(directory / "anvil.log")
    try:
        for counter in Counter.at(directory, anvil, openpool_in(directory / "home")):
            press = Press.over(counter, anvil, events, directory / "published")
            counter.earn(BOTH)
            counter.rig.scratch.sync(DirectorySource(counter.events), full=True, clock=utc_now)
            press.publish()
            with _served(press, directory / "serve.log") as live, _files(press.directory) as files:
                yield ShownPool(press, live, files)
    finally:
        anvil.stop()


def openpool_in(home: Path) -> Callable[..., Ran]:
    """``openpool(*arguments, OPTION=value)`` in this process, for longer than one test."""

    def run(*arguments: str, **options: object) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(OURS)]:
                patch.delenv(name)
            for name, value in ({"OPENPOOL_HOME": home} | options).items():
                patch.setenv(name, str(value))
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
                main(arguments)
        return Ran(int(end.value.code or 0), out.getvalue(), err.getvalue())

    return run


@contextmanager
def _served(press: Press, log: Path) -> Iterator[str]:
    """The URL of ``openpool serve``."""
    options = press.counter.options | {"OPENPOOL_SERVE_REQUESTS_PER_MINUTE": 100_000}
    server = ServerProcess(
        [sys.executable, "-m", "openpool_management.cli", "serve", "--port", "0", "--json"],
        log=log,
        env=clean_environment(log.parent / "home", options),
    )
    server.wait_ready(lambda: log.read_text().rstrip().endswith("}"), START_SECONDS)
    try:
        yield json.loads(log.read_text())["url"].rstrip("/")
    finally:
        server.stop()


@contextmanager
def _files(directory: Path) -> Iterator[str]:
    """The URL of a directory, as any server of files shows it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietFiles, directory=str(directory)))
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of its parent
        """Say nothing."""
