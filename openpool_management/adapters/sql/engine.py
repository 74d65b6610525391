"""Connections to the ledger's database, set up so that a commit is durable and writers queue."""

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.engine import make_url

BUSY_TIMEOUT_MS = 60_000


def ledger_engine(url: str, *, read_only: bool = False) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql+psycopg://…``.

    read_only: the database refuses whatever would change it. Beside a file of SQLite its -wal and
    -shm are made. Raises ValueError for any other kind of database, and PermissionError where those
    two would be in the way of the file's owner.
    """
    kind = make_url(url).drivername
    if kind == "sqlite":
        return _read_only_sqlite(url) if read_only else _sqlite(url)
    if kind == "postgresql+psycopg":
        engine = create_engine(url, pool_pre_ping=True)
        if read_only:
            event.listen(engine, "begin", _begin_read_only)
        return engine
    raise ValueError(
        f"The ledger can't be kept in {kind}: "
        "OPENPOOL_LEDGER_URL must begin with sqlite:/// or postgresql+psycopg://."
    )


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _read_only_sqlite(url: str) -> Engine:
    database = Path(make_url(url).database or "")
    _keep_out_of_the_way(database)
    path = quote(str(database))
    timeout_seconds = BUSY_TIMEOUT_MS / 1000
    # Each connection opens the file that is there: another one may have taken its place.
    engine = create_engine(
        f"sqlite:///file:{path}?mode=ro&uri=true",
        connect_args={"timeout": timeout_seconds},
        poolclass=NullPool,
    )
    event.listen(engine, "connect", _refuse_writes)
    event.listen(engine, "begin", _begin_deferred)
    return engine


def _keep_out_of_the_way(database: Path) -> None:
    # A reader makes the two files where they are missing, as its own; then the owner of the
    # database can't write into them, nor into the database. SQLite gives them away if it is root.
    user = os.geteuid()
    if not database.exists() or user in (0, database.stat().st_uid):
        return
    if os.access(database.parent, os.W_OK):
        raise PermissionError(
            f"{database} belongs to another user, whom a reader of SQLite that can write into its "
            "directory keeps from writing: run this as that user, or keep the ledger in PostgreSQL."
        )


def _configure_sqlite(connection: Any, record: Any) -> None:
    # SQLAlchemy emits BEGIN itself (below), so the driver must not.
    connection.isolation_level = None
    cursor = connection.cursor()
    _use_wal(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    # While another process holds BEGIN IMMEDIATE on a file that isn't in WAL mode yet, SQLite
    # refuses this PRAGMA at once: its busy timeout doesn't cover the upgrade of a read lock.
    give_up = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def _begin_immediate(connection: Any) -> None:
    # Taking the write lock at once makes writers queue instead of failing at their commit. Readers
    # see WAL snapshots and don't need it.
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE")


def _refuse_writes(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _begin_deferred(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_read_only(connection: Any) -> None:
    # Not a default of the session: SQLAlchemy states READ WRITE on connections that it reuses.
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
