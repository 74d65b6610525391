"""Connections to SQLite: a commit is durable, and processes that open a file wait in turn."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from openpool_management.adapters.sql.engine import ledger_engine


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
