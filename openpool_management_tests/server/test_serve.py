"""`openpool serve` as a process: before there is a ledger, while it is gone, and to its end."""

import json
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed
from sqlalchemy import create_engine, make_url, text

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.sql.prepare import NO_LEDGER
from openpool_management.server.snapshots import UNREADABLE
from openpool_management_tests.cli.conftest import start_openpool
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.server.conftest import WAIT_SECONDS, Served, served

STATUS, HEALTH = "/api/v1/status", "/api/v1/health"


def wait_for(what: Callable[[], bool]) -> None:
    """Ask until it is so."""
    end = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def becomes(server: Served, path: str, status: int) -> httpx.Response:
    """The answer once it has a status."""
    wait_for(lambda: server.get(path).status_code == status)
    return server.get(path)


def failing(server: Served) -> float:
    """The sample that says whether the ledger can be read."""
    [family] = [
        one
        for one in parsed(server.get("/metrics").text)
        if one.name == "openpool_snapshot_failing"
    ]
    return float(family.samples[0].value)


def untimed(answer: httpx.Response) -> dict[str, Any]:
    """The pool, but for the moment."""
    return {key: one for key, one in answer.json().items() if key != "export_timestamp"}


@pytest.fixture
def hide(request: pytest.FixtureRequest, ledger_url: str) -> Callable[[bool], None]:
    """``hide(True)`` lets nobody get at the ledger any more, ``hide(False)`` as before."""
    url = make_url(ledger_url)
    assert url.database is not None
    if url.drivername == "sqlite":
        path = Path(url.database)

        def rename(hidden: bool) -> None:
            for one in sorted(path.parent.glob(f"*{path.name}*")):
                bare = one.name.removeprefix("hidden-")
                one.rename(path.parent / (f"hidden-{bare}" if hidden else bare))

        return rename
    others = request.getfixturevalue("postgres_url")

    def refuse(hidden: bool) -> None:
        engine = create_engine(others, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            allowed = "false" if hidden else "true"
            connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS {allowed}"))
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :d"),
                {"d": url.database},
            )
        engine.dispose()

    return refuse


def test_it_starts_without_a_ledger_and_outlives_one(
    tmp_path: Path,
    ledger_url: str,
    hide: Callable[[bool], None],
    real_events_dir: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    options = {"OPENPOOL_LEDGER_URL": ledger_url, "OPENPOOL_SERVE_REFRESH_SECONDS": 1}
    with served(home, **options) as server:
        for path in (STATUS, "/api/v1/workers"):
            answer = server.get(path)
            assert (answer.status_code, answer.json()) == (503, {"detail": NO_LEDGER})
        answer = server.get(HEALTH)
        assert (answer.status_code, answer.json()) == (
            503,
            {
                "status": "failing",
                "problems": [NO_LEDGER],
                "export_timestamp": None,
                "ledger_revision": None,
            },
        )
        assert failing(server) == 1 and list(home.iterdir()) == []

        with ScratchLedger(ledger_url, home / "lake") as scratch:
            scratch.sync(DirectorySource(real_events_dir))
        pool = untimed(becomes(server, STATUS, 200))
        assert pool["money"]["earned_wei"] == "27225597337407156"
        assert becomes(server, HEALTH, 200).json()["problems"] == []
        assert failing(server) == 0

        hide(True)
        health = becomes(server, HEALTH, 503).json()
        assert health["problems"] in ([UNREADABLE], [NO_LEDGER])
        assert health["ledger_revision"] and health["export_timestamp"]
        kept = server.get(STATUS)
        assert (kept.status_code, untimed(kept)) == (200, pool)
        assert kept.json()["export_timestamp"] == health["export_timestamp"]
        assert failing(server) == 1
        hide(False)
        fresh = becomes(server, HEALTH, 200).json()["export_timestamp"]
        assert fresh > health["export_timestamp"] and untimed(server.get(STATUS)) == pool
        assert server.end() == 0
        _, told = server.process.communicate()
        assert told.count("What is shown stays as it was") == 2
        assert told.splitlines()[-1] == "The ledger can be read again."
        assert "Traceback" not in told


@pytest.mark.parametrize("proxies", ["", "127.0.0.0/8"])
def test_the_client_is_whom_a_known_proxy_names(tmp_path: Path, proxies: str) -> None:
    options = {"OPENPOOL_SERVE_REQUESTS_PER_MINUTE": 2, "OPENPOOL_SERVE_PROXIES": proxies}
    with served(tmp_path / "home", **options) as server:
        asked = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"]
        codes = [
            server.get("/nothing", headers={"X-Forwarded-For": one}).status_code for one in asked
        ]
        assert codes == [404, 404, 429, 404 if proxies else 429]
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(WAIT_SECONDS) == 0
        assert server.process.communicate() == ("", "")


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start_openpool("serve", "--port", str(port), home=tmp_path) as process:
            printed, told = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, printed) == (4, "")
    assert told == (
        f"127.0.0.1 can't be listened on at port {port} (Address already in use): end the program "
        "that uses it, or choose others with --host and --port.\n"
    )


def test_people_are_told_where_it_is(tmp_path: Path) -> None:
    with start_openpool("serve", "--port", "0", home=tmp_path) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        url = told.split()[6]
        assert told == f"Pages, API and metrics are on {url} until Ctrl-C.\n"
        assert json.loads(httpx.get(f"{url}api/v1/health").text)["problems"] == [NO_LEDGER]
        process.terminate()
        assert process.wait(WAIT_SECONDS) == 0
