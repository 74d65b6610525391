"""Ledgers made from a prepared one, backed up, and rolled back to a backup."""

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from secrets import token_hex

from sqlalchemy import Engine, create_engine, text

from openpool_management_tests.servers.postgres import PostgresServer


class LedgerCopies(ABC):
    """Copies ledgers that no process has open. The name of a ledger is chosen by the caller."""

    @abstractmethod
    def url(self, name: str) -> str:
        """SQLAlchemy URL of a ledger."""

    @abstractmethod
    def copy(self, source: str, target: str) -> None:
        """Make a ledger as another one is, in the place of one that may be there."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""


class SqliteCopies(LedgerCopies):
    """Files in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def url(self, name: str) -> str:
        """See LedgerCopies."""
        return f"sqlite:///{self._directory / name}.sqlite"

    def copy(self, source: str, target: str) -> None:
        """See LedgerCopies. What a dead process left in the write-ahead log comes along."""
        for ending in ("", "-wal", "-shm"):
            file = self._directory / f"{target}.sqlite{ending}"
            file.unlink(missing_ok=True)
            original = self._directory / f"{source}.sqlite{ending}"
            if original.exists():
                shutil.copyfile(original, file)

    def close(self) -> None:
        """See LedgerCopies. The directory is the caller's."""


class PostgresCopies(LedgerCopies):
    """Databases of a server, made from templates."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._prefix = f"copies_{token_hex(4)}_"
        self._names: set[str] = set()
        self._engine: Engine = create_engine(server.url, isolation_level="AUTOCOMMIT")

    def url(self, name: str) -> str:
        """See LedgerCopies."""
        if name not in self._names:
            self._create(name, "template1")
        return self._server.database_url(self._prefix + name)

    def copy(self, source: str, target: str) -> None:
        """See LedgerCopies. The server waits for connections of dead processes to end."""
        if target in self._names:
            self._drop(target)
        self._create(target, self._prefix + source)

    def close(self) -> None:
        """See LedgerCopies."""
        for name in list(self._names):
            self._drop(name)
        self._engine.dispose()

    def _create(self, name: str, template: str) -> None:
        self._run(f'CREATE DATABASE "{self._prefix + name}" TEMPLATE "{template}"')
        self._names.add(name)

    def _drop(self, name: str) -> None:
        self._run(f'DROP DATABASE "{self._prefix + name}" WITH (FORCE)')
        self._names.discard(name)

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))
