"""Drills on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openpool_management_tests.faults.payout_crashes.drill import Drill
from openpool_management_tests.faults.payout_crashes.ledger_copies import (
    LedgerCopies,
    PostgresCopies,
    SqliteCopies,
)
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.postgres import PostgresServer
from openpool_management_tests.servers.rpc_proxy import RpcProxy


@pytest.fixture
def sqlite_drill(anvil: AnvilServer, rpc_proxy: RpcProxy, tmp_path: Path) -> Iterator[Drill]:
    """With SQLite."""
    yield from _drill(anvil, rpc_proxy, SqliteCopies(tmp_path), tmp_path)


@pytest.fixture
def postgres_drill(
    anvil: AnvilServer, rpc_proxy: RpcProxy, postgres_server: PostgresServer, tmp_path: Path
) -> Iterator[Drill]:
    """With PostgreSQL."""
    yield from _drill(anvil, rpc_proxy, PostgresCopies(postgres_server), tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def drill(request: pytest.FixtureRequest) -> Drill:
    """Once with each kind of database."""
    made: Drill = request.getfixturevalue(f"{request.param}_drill")
    return made


def _drill(
    anvil: AnvilServer, proxy: RpcProxy, copies: LedgerCopies, directory: Path
) -> Iterator[Drill]:
    drill = Drill(anvil, proxy, copies, directory)
    yield drill
    drill.close()
