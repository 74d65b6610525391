"""A pool on real objects that pays on a chain of its own, and `openpool serve` over it."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
import pytest

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.export_desk import ExportDesk
from openpool_management.payout_desk import PayoutDesk
from openpool_management.pool import Pool, utc_now
from openpool_management.services.exports.documents import all_documents
from openpool_management.settings import Settings
from openpool_management_tests.cli.conftest import start_openpool
from openpool_management_tests.payout_rig import ETH_WEI, POLICY, PayoutRig
from openpool_management_tests.servers.anvil import AnvilServer

CAP_WEI = 2 * 10**15
BOTH = "0x507f77B60F7B39029eD850c5F1718194908dBa77"
"""Earned on a stream of each node type."""

WAIT_SECONDS = 60


@dataclass(frozen=True)
class PaidPool:
    """Its home, and the options that commands are given."""

    home: Path
    options: dict[str, Any]

    @property
    def settings(self) -> Settings:
        """The same options for this process."""
        return Settings(
            home=self.home,
            eth_rpc_endpoint=self.options["ETH_RPC_ENDPOINT"],
            payout_sender=self.options["OPENPOOL_PAYOUT_SENDER"],
            payouts=self.options["OPENPOOL_PAYOUTS"],
        )


@dataclass(frozen=True)
class Served:
    """A server that runs, and a client of it."""

    process: "Popen[str]"
    client: httpx.Client

    def get(self, path: str, **options: Any) -> httpx.Response:
        """An answer."""
        return self.client.get(path, **options)

    def json(self, path: str, **options: Any) -> Any:
        """The document of an answer that has one."""
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self) -> int:
        """Ask it to end, and see that nothing of it is left; the exit code."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        assert children.read_text() == ""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECONDS)


@contextmanager
def served(home: Path, *arguments: str, **options: object) -> Iterator[Served]:
    """`openpool serve` on a free port."""
    words = ("serve", "--port", "0", "--json", *arguments)
    with start_openpool(*words, home=home, **options) as process:
        assert process.stdout is not None
        told = "".join(iter_object(process.stdout))
        assert told, process.communicate()
        with httpx.Client(base_url=json.loads(told)["url"], timeout=WAIT_SECONDS) as client:
            yield Served(process, client)


def iter_object(lines: Iterator[str]) -> Iterator[str]:
    """The lines of one indented JSON object."""
    for line in lines:
        yield line
        if line.rstrip() == "}":
            return


@pytest.fixture(scope="session")
def paid_pool(
    tmp_path_factory: pytest.TempPathFactory, real_events_dir: Path
) -> Iterator[PaidPool]:
    """Fifteen payouts are final, one is in a block only."""
    directory = tmp_path_factory.mktemp("paid")
    home = directory / "home"
    home.mkdir()
    # Not the chain of the session, which other tests take back to its beginning.
    anvil = AnvilServer(directory / "anvil.log")
    try:
        owner = anvil.account(50 * ETH_WEI)
        rig = PayoutRig.on(anvil, home, owner)
        rig.policy = replace(POLICY, threshold_wei=CAP_WEI, payout_max_wei=CAP_WEI)
        # The server's clock is the real one.
        rig.now = utc_now() - timedelta(days=2)
        rig.scratch.sync(DirectorySource(real_events_dir), clock=lambda: rig.now)
        rig.pay()
        anvil.finalize()
        rig.drive()
        rig.earn((BOTH, 2 * CAP_WEI))
        rig.next_day()
        rig.pay()
        states = rig.states()
        assert set(states) == {PayoutState.SETTLED, PayoutState.SEEN}, states
        rig.scratch.close()
        yield PaidPool(
            home,
            {
                "ETH_RPC_ENDPOINT": anvil.url,
                "OPENPOOL_PAYOUT_SENDER": rig.sender,
                "OPENPOOL_PAYOUTS": "dry-run",
            },
        )
    finally:
        anvil.stop()


@pytest.fixture(scope="session")
def server(paid_pool: PaidPool) -> Iterator[Served]:
    """A server that reads once, so that all its answers are of one moment."""
    options = {
        "OPENPOOL_SERVE_REFRESH_SECONDS": 86_400,
        "OPENPOOL_SERVE_REQUESTS_PER_MINUTE": 100_000,
    }
    with served(paid_pool.home, **paid_pool.options, **options) as made:
        yield made


@pytest.fixture(scope="session")
def published(paid_pool: PaidPool) -> dict[str, bytes]:
    """What `openpool publish` writes, by key."""
    desk = ExportDesk(PayoutDesk(Pool(paid_pool.settings)))
    made = {one.key: one.content for one in all_documents(desk.publication())}
    desk.desk.pool.engine.dispose()
    return made


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No option of the developer's shell counts."""
    for name in [one for one in os.environ if one.startswith(("OPENPOOL_", "S3_", "ETH_"))]:
        monkeypatch.delenv(name)
