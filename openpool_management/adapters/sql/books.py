"""What reports read of the SQL ledger."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import account_heads, standings_of
from openpool_management.domain.accounts import Standing
from openpool_management.domain.streams import Stream


class SqlBooks:
    """Implements the Books port; reads only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def standings(self) -> list[Standing]:
        """See the port."""
        with reading(self.engine) as connection:
            return standings_of(account_heads(connection))

    def event_totals(self) -> dict[Stream, dict[str, int]]:
        """See the port."""
        last = (
            select(schema.batch.c.stream_id, func.max(schema.batch.c.seq).label("seq"))
            .group_by(schema.batch.c.stream_id)
            .subquery()
        )
        query = (
            select(schema.stream.c.node_type, schema.stream.c.region, schema.batch.c.totals_json)
            .join(last, last.c.stream_id == schema.stream.c.id)
            .join(
                schema.batch,
                (schema.batch.c.stream_id == last.c.stream_id) & (schema.batch.c.seq == last.c.seq),
            )
        )
        with reading(self.engine) as connection:
            return {
                Stream(node_type, region): json.loads(totals)
                for node_type, region, totals in connection.execute(query)
            }

    def open_holds(self) -> int:
        """See the port."""
        decided = select(schema.held_decision.c.held_id)
        query = select(func.count()).where(schema.held.c.id.not_in(decided))
        with reading(self.engine) as connection:
            return int(connection.scalar(query) or 0)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for one consistent read; it takes no lock that writers wait for."""
    with engine.connect().execution_options(**_SNAPSHOT[engine.dialect.name]) as connection:
        yield connection


# PostgreSQL's default shows each statement what was committed before it. The driver asks for these
# in the BEGIN of the transaction, which poolers pass on.
_SNAPSHOT: dict[str, dict[str, Any]] = {
    "sqlite": {"read_only": True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""Execution options under which a transaction sees the database as it was at its first read."""
