"""Processes that open a new SQLite ledger at once wait for each other."""

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
