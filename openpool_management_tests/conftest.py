"""Real servers and real data for every test. A missing part fails the test, it never skips."""

import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from openpool_management.adapters.s3_client import s3_client
from openpool_management.pool import utc_now
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.browser import chromium
from openpool_management_tests.servers.moto import MotoServer
from openpool_management_tests.servers.postgres import PostgresServer
from openpool_management_tests.servers.rpc_proxy import RpcProxy
from openpool_management_tests.shown_pool import ShownPool, shown_pool

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from playwright.sync_api import Browser

DATA = Path(__file__).parent / "data"

# How long an example takes says how busy the machine is.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")


@pytest.fixture(scope="session")
def moto_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an S3 server; any credentials are good."""
    server = MotoServer(tmp_path_factory.mktemp("moto") / "moto.log")
    yield server.endpoint_url
    server.stop()


@pytest.fixture(scope="session")
def moto_client(moto_endpoint: str) -> "S3Client":
    """A client of the S3 server, to write objects with."""
    return s3_client(endpoint_url=moto_endpoint, access_key_id="test", secret_access_key="test")


@pytest.fixture
def bucket(moto_client: "S3Client") -> str:
    """Name of an empty bucket that keeps no versions."""
    name = f"events-{secrets.token_hex(6)}"
    moto_client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned_bucket(moto_client: "S3Client") -> str:
    """Name of an empty bucket that keeps versions."""
    name = f"events-versioned-{secrets.token_hex(6)}"
    moto_client.create_bucket(Bucket=name)
    moto_client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test session."""
    # Not below pytest's own directory: the server's user must be able to enter all parents.
    with tempfile.TemporaryDirectory(prefix="openpool-pg-") as directory:
        server = PostgresServer(Path(directory) / "data")
        yield server
        server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """SQLAlchemy URL of the server's ``postgres`` database."""
    return postgres_server.url


@pytest.fixture
def postgres_ledger_url(postgres_server: PostgresServer) -> Iterator[str]:
    """SQLAlchemy URL of an empty PostgreSQL database, dropped afterwards."""
    database = postgres_server.create_database()
    yield postgres_server.database_url(database)
    postgres_server.drop_database(database)


@pytest.fixture
def sqlite_ledger_url(tmp_path: Path) -> str:
    """SQLAlchemy URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """SQLAlchemy URL of an empty database, once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_ledger_url")
    return url


@pytest.fixture(scope="session")
def real_events_dir() -> Path:
    """Directory of objects that a real orchestrator's tracker wrote. Read only."""
    return DATA / "events"


@pytest.fixture
def real_events_copy(real_events_dir: Path, tmp_path: Path) -> Path:
    """A copy of the real objects that the test may change."""
    return Path(shutil.copytree(real_events_dir, tmp_path / "events"))


@pytest.fixture(scope="session")
def expected_ledger() -> dict[str, Any]:
    """What the real objects add up to, by stream, at a commission of 25 %. Read only."""
    ledger: dict[str, Any] = json.loads((DATA / "expected-ledger.json").read_text())
    return ledger


@pytest.fixture(scope="session")
def anvil_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilServer]:
    """A chain of this test session: tests take the fixture anvil."""
    server = AnvilServer(tmp_path_factory.mktemp("anvil") / "anvil.log")
    yield server
    server.stop()


@pytest.fixture
def anvil(anvil_server: AnvilServer) -> AnvilServer:
    """An empty chain with Arbitrum One's ID, which mines a block for each transaction."""
    anvil_server.reset()
    return anvil_server


@pytest.fixture
def rpc_proxy(anvil: AnvilServer) -> Iterator[RpcProxy]:
    """A proxy before the chain that passes everything on until it is told otherwise."""
    with RpcProxy(anvil.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def pool_on_show(
    tmp_path_factory: pytest.TempPathFactory, real_events_dir: Path
) -> Iterator[ShownPool]:
    """A pool on the real objects that pays on a chain of its own, and its pages. Read only."""
    with shown_pool(tmp_path_factory.mktemp("shown"), real_events_dir) as pool:
        yield pool


@pytest.fixture
def one_day() -> None:
    """The test begins and ends on one day of UTC: shortly before midnight it waits for the next."""
    now = utc_now()
    left = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now
    if left < timedelta(seconds=60):
        time.sleep(left.total_seconds())


# Not for the session: while the browser lives, asyncio.run fails in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless Chromium."""
    with chromium() as started:
        yield started
