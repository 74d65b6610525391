"""Preparing a ledger's database: its schema, made once, and never taken back."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, func, select, text

from openpool_management.adapters.sql import schema, ticket_schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.adapters.sql.payouts.tables import PAYOUT_TABLES
from openpool_management.adapters.sql.prepare import SchemaIsNewer, prepare_ledger, schema_revision
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.streams import Stream

AI = Stream("ai", "us-central")


def test_migrations_make_the_schema(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # Naming them makes sure that their modules have put them into the schema.
        beside = {table.name for table in (*PAYOUT_TABLES, ticket_schema.ticket_check)}
        assert beside <= set(schema.metadata.tables)
        assert compare_metadata(context, schema.metadata) == []


def test_ledger_of_a_later_version_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaIsNewer, match=r"at revision 9999.*install the version that wrote it"):
        prepare_ledger(engine, 2500)


def test_first_commission_is_recorded_once(engine: Engine) -> None:
    prepare_ledger(engine, 100)
    assert SqlLedger(engine).head(AI).rates == (CommissionRate("", 2500, EPOCH),)


def prepare_in_a_process(url: str, fee_bps: int) -> int:
    """Make the ledger and say which rate it started with."""
    engine = ledger_engine(url)
    try:
        prepare_ledger(engine, fee_bps)
        return SqlLedger(engine).head(AI).rates[0].fee_bps or 0
    finally:
        engine.dispose()


def test_processes_make_one_schema_at_once(ledger_url: str) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        # A first round imports the package, so that the next calls meet at the database.
        list(processes.map(ledger_engine_name, [ledger_url] * 2))
        seen = list(processes.map(prepare_in_a_process, [ledger_url] * 2, [100, 200]))
    assert seen in ([100, 100], [200, 200])
    engine = ledger_engine(ledger_url)
    with reading(engine) as connection:
        assert schema_revision(connection) is not None
        rates = select(func.count()).select_from(schema.commission_rate)
        assert connection.scalar(rates) == 1
    engine.dispose()


def ledger_engine_name(url: str) -> str:
    """Name of the database's kind."""
    return ledger_engine(url).dialect.name
