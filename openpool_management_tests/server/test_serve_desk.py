"""What the server reads with can't write, and has no key."""

import logging
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.sql.tickets import SqlTickets
from openpool_management.payout_desk import PayoutDesk
from openpool_management.serve_desk import ServeDesk
from openpool_management.server.snapshots import NotReady
from openpool_management.services.ports.chain import SignerError
from openpool_management.settings import Settings
from openpool_management_tests.ledgers import ScratchLedger

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
