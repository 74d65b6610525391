"""What the server reads with can't write, and has no key."""

import gc
import logging
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.sql.audit import SqlAudit
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.tickets import SqlTickets
from openpool_management.payout_desk import PayoutDesk
from openpool_management.serve_desk import ServeDesk
from openpool_management.server.snapshots import NotReady
from openpool_management.services.ports.chain import SignerError
from openpool_management.settings import Settings
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.server.test_serve import wait_for

KEY = "0x" + "4c" * 32


def test_its_sessions_can_change_nothing(
    ledger_url: str, tmp_path: Path, real_events_dir: Path
) -> None:
    with ScratchLedger(ledger_url, tmp_path / "lake") as scratch:
        scratch.sync(DirectorySource(real_events_dir))
        desk = ServeDesk(Settings(home=tmp_path, ledger_url=ledger_url))
        with pytest.raises(NotReady, match="not read yet"):
            desk.trail()
        # The tickets of the real objects are not collected yet.
        made = desk.publication()
        assert made.pool["money"]["redeemed_wei"] == "252000000000000000"
        tickets = SqlTickets(scratch.engine)
        assert tickets.told() == [] and tickets.uncollected()
        assert desk._pool is not None
        for write in ("DELETE FROM entry", "CREATE TABLE mine (id INTEGER)"):
            with (
                pytest.raises(DBAPIError, match=r"readonly|read-only"),
                desk._pool.engine.begin() as session,
            ):
                session.exec_driver_sql(write)
        desk.close()


def test_a_reading_leaves_no_connection_of_a_request_behind(
    ledger_url: str, tmp_path: Path, real_events_dir: Path
) -> None:
    with ScratchLedger(ledger_url, tmp_path / "lake") as scratch:
        scratch.sync(DirectorySource(real_events_dir))
        desk = ServeDesk(Settings(home=tmp_path, ledger_url=ledger_url))
        [worker, *_] = sorted(desk.publication().workers)
        scratch.close()
        gc.disable()
        try:
            for _ in range(3):
                records = desk.trail().records
                assert isinstance(records, SqlAudit)
                with reading(records.engine) as connection:
                    connection.exec_driver_sql("SELECT 1")
                    desk.publication()
                # Whoever got hold of the ledger before the reading may go on to use it.
                assert records.statement(worker, 1)
            desk.close()
            # PostgreSQL learns a moment later that one was closed.
            wait_for(lambda: connections_to(ledger_url) == 0)
        finally:
            gc.enable()


def test_a_ledger_that_takes_the_place_of_another_is_seen(
    tmp_path: Path, real_events_dir: Path
) -> None:
    with ScratchLedger.in_directory(tmp_path):
        desk = ServeDesk(Settings(home=tmp_path))
        assert desk.publication().pool["money"]["earned_wei"] == "0"
    other = tmp_path / "other"
    other.mkdir()
    with ScratchLedger.in_directory(other) as scratch:
        scratch.sync(DirectorySource(real_events_dir))
    for name in ("lake", "ledger.sqlite"):
        (other / name).replace(tmp_path / name)
    for leftover in tmp_path.glob("ledger.sqlite-*"):
        leftover.unlink()
    assert desk.publication().pool["money"]["earned_wei"] == "27225597337407156"
    desk.close()


def connections_to(ledger_url: str) -> int:
    """Connections that are open to a ledger, but for that which counts them."""
    url = make_url(ledger_url)
    if url.drivername == "sqlite":
        return sum(
            one.resolve() == Path(url.database or "") for one in Path("/proc/self/fd").iterdir()
        )
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        count = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()
    return int(count or 0)


def test_it_loads_no_key(ledger_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In live mode with hex digits, only the key would tell the wallet; then it is not known."""
    caplog.set_level(logging.DEBUG)
    with ScratchLedger(ledger_url, tmp_path / "lake"):
        settings = Settings(
            home=tmp_path,
            ledger_url=ledger_url,
            payouts="live",
            eth_rpc_endpoint="http://127.0.0.1:9",
            eth_private_key=KEY,
        )
        desk = ServeDesk(settings)
        assert desk.publication().pool["payouts"]["mode"] == "live"
        assert desk._pool is not None
        own = PayoutDesk(desk._pool)
        assert own.sender() is None
        for ask in (own.signer, own.paymaster):
            with pytest.raises(SignerError, match="it loads no key"):
                ask()
        assert "ETH_PRIVATE_KEY" not in caplog.text
        desk.close()
