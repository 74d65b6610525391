"""The demo from its first line to its last."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from openpool_management.cli.ledger import print_ledger
from openpool_management.cli.output import amount, number, say
from openpool_management.cli.sync import print_summary, sync_streams
from openpool_management.demo.dagster_process import DagsterProcess
from openpool_management.demo.demo_home import DemoError, DemoHome
from openpool_management.demo.demo_wallet import DemoWallet
from openpool_management.demo.embedded_s3 import EmbeddedS3
from openpool_management.demo.pages_process import REFRESH_SECONDS, PagesProcess
from openpool_management.demo.simulated_pool import SimulatedPool
from openpool_management.pool import Pool
from openpool_management.services.ledger_report import ledger_document, worker_balances
from openpool_management.settings import Settings

BUCKET = "pool-events"
POLL_SECONDS = 2
STATUS_SECONDS = 30
PATIENCE_SECONDS = 600


def run_demo(home: Path, *, once: bool) -> int:
    """Run it and return its exit code: 0, or 1 where the ledger is not what was simulated.

    This process gets an environment of its own, so call it from a program that does nothing else.
    Raises DemoError when it cannot go on.
    """
    with ExitStack() as ending:
        stop = ending.enter_context(_signals())
        folder = DemoHome(home)
        if not once:
            ending.callback(say, "Every process of the demo has ended.")
        environment = folder.environment(os.environ)
        os.environ.clear()
        os.environ.update(environment)
        server = EmbeddedS3(BUCKET)
        ending.callback(server.stop)
        os.environ.update(S3_BUCKET=BUCKET, S3_ENDPOINT=server.endpoint_url)
        say(
            f"An S3 server is on {server.endpoint_url}, with the bucket {BUCKET} for any key; "
            f"the demo's state is in {folder.folder}."
        )
        wallet = DemoWallet(folder.folder, ending)
        pool = Pool(Settings())
        ending.callback(pool.engine.dispose)
        pages = None if once else _start_pages(folder, ending)
        dagster = None if once else _start_dagster(folder, ending)
        simulated = SimulatedPool(server.endpoint_url, BUCKET)
        objects = simulated.write_history(stop.is_set)
        if stop.is_set():
            return 0
        truth: dict[str, Any] = dict(simulated.expected_ledger(pool.settings.fee_bps))
        say(
            f"Simulated orchestrators wrote {number(objects)} objects with {_events(truth)} events."
        )
        if dagster is None or pages is None:
            exit_code = _once(pool, truth) or wallet.pay(pool)
            say(f"See its pages: OPENPOOL_HOME={folder.folder} {_openpool()} serve")
            return exit_code

        exit_code = _wait_for_history(pool, truth, dagster, stop)
        if not stop.is_set():
            exit_code = exit_code or wallet.pay(pool)
            pages.wait_ready()
            say(f"The pages: {pages.url}    One worker's money: {pages.worker_url(_paid(pool))}")
            say(f"Dagster's UI: {dagster.url}    The pool goes on working; Ctrl-C ends it all.")
            simulated.start()
            ending.callback(simulated.stop)
            _watch(pool, simulated, dagster, stop)
        return exit_code


def _start_pages(folder: DemoHome, ending: ExitStack) -> PagesProcess:
    """Start the server of pages, and let Dagster link to it."""
    os.environ["OPENPOOL_SERVE_REFRESH_SECONDS"] = str(REFRESH_SECONDS)
    pages = PagesProcess(folder.folder)
    ending.callback(pages.stop)
    os.environ["OPENPOOL_PAGES_URL"] = pages.url
    return pages


def _start_dagster(folder: DemoHome, ending: ExitStack) -> DagsterProcess:
    """Start Dagster before there is anything to read, since it takes longest."""
    folder.prepare_dagster()
    dagster = DagsterProcess(folder.dagster_folder)
    ending.callback(_stop_dagster, dagster)
    say(f"Dagster starts on {dagster.url}; its sensor will find the objects and read them.")
    return dagster


def _once(pool: Pool, truth: dict[str, Any]) -> int:
    print_summary(pool.source.name, sync_streams(pool, pool.source.streams()))
    return _show(ledger_document(pool.books), truth)


def _wait_for_history(
    pool: Pool, truth: dict[str, Any], dagster: DagsterProcess, stop: Event
) -> int:
    """Wait until the ledger holds as many events as were simulated, and show it."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not stop.wait(POLL_SECONDS):
        dagster.check()
        document = ledger_document(pool.books)
        _progress(f"{_events(document)} of {_events(truth)} events are in the ledger")
        if _events(document) == _events(truth):
            _progress("")
            return _show(document, truth)
        if monotonic() > deadline:
            raise DemoError(
                f"Dagster had {PATIENCE_SECONDS} seconds and read {_events(document)} of "
                f"{_events(truth)} events: see {dagster.log}, or try with --once."
            )
    return 0


def _watch(pool: Pool, simulated: SimulatedPool, dagster: DagsterProcess, stop: Event) -> None:
    while not stop.wait(STATUS_SECONDS):
        dagster.check()
        if simulated.failure is not None:
            raise DemoError(f"The simulated pool has stopped: {simulated.failure}")
        document = ledger_document(pool.books)
        earned_wei = sum(int(balance["earned_wei"]) for balance in document["balances"].values())
        say(
            f"{_events(document)} events in the ledger, {amount(earned_wei, False)} ETH earned by "
            f"{len(document['balances'])} workers, {document['held']} held    {dagster.url}"
        )


def _show(document: dict[str, Any], truth: dict[str, Any]) -> int:
    print_ledger(document)
    if document["streams"] == truth["streams"]:
        say("The ledger is equal to the wei to what the simulated pool counted for itself.")
        return 0
    differing = [
        name
        for name in sorted(set(document["streams"]) | set(truth["streams"]))
        if document["streams"].get(name) != truth["streams"].get(name)
    ]
    say(
        f"The ledger DIFFERS from what the simulated pool counted in {', '.join(differing)}: "
        "this is a defect, please report it."
    )
    return 1


def _paid(pool: Pool) -> str:
    """The worker who was paid most."""
    balances = worker_balances(pool.books.standings())
    return max(balances, key=lambda worker: int(balances[worker]["paid_wei"]))


def _openpool() -> str:
    """The command line of this environment."""
    return str(Path(sys.executable).with_name("openpool"))


def _events(document: dict[str, Any]) -> str:
    streams = document["streams"].values()
    return number(sum(sum(stream["events"].values()) for stream in streams))


def _progress(text: str) -> None:
    """One line that is overwritten, on a terminal alone."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _stop_dagster(dagster: DagsterProcess) -> None:
    say("Ending Dagster …")
    dagster.stop()


@contextmanager
def _signals() -> Iterator[Event]:
    """An event that Ctrl-C, SIGTERM and a closed terminal set, as often as they like."""
    stop = Event()
    for number_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number_, lambda *_: stop.set())
    yield stop
