"""The ledger's schema and its first commission rate, made or brought up to date under a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, insert, select, text

from openpool_management.adapters.sql import schema
from openpool_management.domain.commission import DEFAULT_WORKER
from openpool_management.domain.lake_rows import EPOCH

NO_LEDGER = "There is no ledger yet: `openpool sync` or Dagster makes one when it first reads."
MIGRATION_LOCK = 0x6F70_6C02


class SchemaIsNewer(Exception):
    """The database was written by a later version of this software."""


class LedgerNotReady(Exception):
    """There is no ledger to be read, or one that an older version of this software wrote."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, for the migrations in this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def prepare_ledger(engine: Engine, first_fee_bps: int) -> None:
    """Create or upgrade the schema; in an empty ledger, record the commission it starts with.

    Safe to call from many processes at once. Raises SchemaIsNewer when the database has a revision
    that this version does not know.
    """
    prepare_schema(engine)
    with engine.connect().execution_options(read_only=True) as connection:
        if _has_rate(connection):
            return
    with _locked(engine) as connection:
        if not _has_rate(connection):
            connection.execute(
                insert(schema.commission_rate).values(
                    worker=DEFAULT_WORKER,
                    fee_bps=first_fee_bps,
                    effective_from=EPOCH,
                    set_at=datetime.now(UTC),
                    reason="POOL_COMMISSION_RATE when the ledger was opened",
                )
            )


def prepare_schema(engine: Engine) -> None:
    """Create or upgrade the schema alone. Raises SchemaIsNewer as prepare_ledger does."""
    script = ScriptDirectory.from_config(alembic_config())
    newest = script.get_current_head()
    with engine.connect().execution_options(read_only=True) as connection:
        if schema_revision(connection) == newest:
            return
    with _locked(engine) as connection:
        current = schema_revision(connection)
        known = {revision.revision for revision in script.walk_revisions()}
        if current is not None and current not in known:
            raise SchemaIsNewer(_newer(current, newest))
        if current != newest:
            command.upgrade(alembic_config(connection), "head")


def require_ledger(engine: Engine) -> None:
    """Raise LedgerNotReady or SchemaIsNewer unless the schema is the one this version reads."""
    script = ScriptDirectory.from_config(alembic_config())
    with engine.connect().execution_options(read_only=True) as connection:
        current = schema_revision(connection)
    if current is None:
        raise LedgerNotReady(NO_LEDGER)
    known = {revision.revision for revision in script.walk_revisions()}
    if current not in known:
        raise SchemaIsNewer(_newer(current, script.get_current_head()))
    if current != script.get_current_head():
        raise LedgerNotReady(
            f"The ledger's schema is at revision {current}: `openpool sync` or Dagster brings it "
            f"to {script.get_current_head()}, which this version reads."
        )


def copy_commission_rates(source: Engine, target: Engine) -> None:
    """Give an empty ledger the commission history of another one."""
    table = schema.commission_rate
    with source.connect().execution_options(read_only=True) as connection:
        rows = connection.execute(select(table).order_by(table.c.id)).mappings().all()
    with target.begin() as connection:
        connection.execute(insert(table), [dict(row) for row in rows])


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """A transaction that one process at a time is in; on SQLite any writing one is."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        yield connection


def _newer(current: str, newest: str | None) -> str:
    return (
        f"The ledger's schema is at revision {current}, which this version of "
        f"openpool-management (up to {newest}) does not know: install the version that "
        "wrote it, or a later one."
    )


def schema_revision(connection: Connection) -> str | None:
    """The revision the database is at, None for one without a ledger."""
    return MigrationContext.configure(connection).get_current_revision()


def _has_rate(connection: Connection) -> bool:
    table = schema.commission_rate
    return bool(connection.scalar(select(func.count()).select_from(table)))
