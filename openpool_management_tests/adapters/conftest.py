"""The SQL ledger that tests of its adapters begin with."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.prepare import prepare_ledger


@pytest.fixture
def engine(ledger_url: str) -> Iterator[Engine]:
    """An empty ledger with a commission of 25 % on each kind of database."""
    engine = ledger_engine(ledger_url)
    prepare_ledger(engine, 2500)
    yield engine
    engine.dispose()
