"""Connections to SQLite: a commit is durable, and processes that open a file wait in turn."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.prepare import LedgerNotReady, SchemaIsNewer
from openpool_management.pool import Pool
from openpool_management.settings import Settings


def test_opening_a_new_file_waits_for_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")

    def let_go() -> None:
        time.sleep(0.3)
        holder.execute("COMMIT")
        holder.close()

    engine = ledger_engine(f"sqlite:///{path}")
    with ThreadPoolExecutor(1) as threads:
        released = threads.submit(let_go)
        with engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        released.result(60)
    engine.dispose()
    assert mode == "wal"


def test_a_commit_on_every_connection_is_on_the_disk(tmp_path: Path) -> None:
    """With synchronous at NORMAL, power that fails takes bytes back that were sent already."""
    engine = ledger_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with engine.connect() as first, engine.connect().execution_options(read_only=True) as second:
        for connection in (first, second):
            for pragma, value in (("synchronous", 2), ("foreign_keys", 1), ("journal_mode", "wal")):
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value, pragma
    engine.dispose()


def test_a_reading_pool_can_change_nothing(ledger_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, ledger_url=ledger_url)
    with pytest.raises(LedgerNotReady, match="There is no ledger yet"):
        _ = Pool(settings, read_only=True).engine
    assert list(tmp_path.iterdir()) == []
    Pool(settings).engine.dispose()
    pool = Pool(settings, read_only=True)
    assert pool.books.standings() == []
    for write in (
        "INSERT INTO stream (node_type, region) VALUES ('ai', 'x')",
        "CREATE TABLE mine (id INTEGER)",
        "DELETE FROM commission_rate",
    ):
        with pytest.raises(DBAPIError, match=r"readonly|read-only"), pool.engine.begin() as writing:
            writing.exec_driver_sql(write)
    pool.engine.dispose()


def test_a_reading_pool_waits_for_the_schema_it_knows(ledger_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, ledger_url=ledger_url)
    writing = Pool(settings).engine
    for revision, error in (("0001", LedgerNotReady), ("9999", SchemaIsNewer)):
        with writing.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
        with pytest.raises(error, match=revision):
            _ = Pool(settings, read_only=True).engine
    writing.dispose()


def test_a_reader_that_would_be_in_the_way_of_the_owner_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.sqlite"
    path.touch()
    owner = path.stat().st_uid
    for user, refused in ((owner, False), (0, False), (owner + 1, True)):
        monkeypatch.setattr("os.geteuid", lambda user=user: user)
        if refused:
            with pytest.raises(PermissionError, match="run this as that user"):
                ledger_engine(f"sqlite:///{path}", read_only=True)
        else:
            ledger_engine(f"sqlite:///{path}", read_only=True).dispose()
    # Where it can make no file, it does no harm.
    monkeypatch.setattr("os.access", lambda place, mode: False)
    ledger_engine(f"sqlite:///{path}", read_only=True).dispose()
