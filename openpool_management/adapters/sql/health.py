"""The state of the ledger's database itself."""

from sqlalchemy import Engine, text

from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.prepare import schema_revision
from openpool_management.services.ports import LedgerHealth


def ledger_health(engine: Engine) -> LedgerHealth:
    """Kind of database, schema revision, and SQLite's journal mode."""
    with reading(engine) as connection:
        kind = connection.dialect.name
        return LedgerHealth(
            kind=kind,
            revision=schema_revision(connection),
            journal_mode=connection.scalar(text("PRAGMA journal_mode")) if kind == "sqlite" else "",
        )
