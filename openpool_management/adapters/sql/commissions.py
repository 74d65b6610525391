"""The commission's history in SQL."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, select, text

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.ledger import COMMISSION_LOCK
from openpool_management.domain.commission import CommissionRate
from openpool_management.services.ports import RateRow


class SqlCommissionHistory:
    """Implements the CommissionHistory port."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def rates(self) -> list[RateRow]:
        """See the port."""
        with reading(self.engine) as connection:
            return _rates(connection)

    def append(self, choose: Callable[[list[RateRow], datetime | None], RateRow]) -> RateRow:
        """See the port. SQLite's write lock and the advisory lock keep batches out meanwhile."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": COMMISSION_LOCK}
                )
            newest_dt = connection.scalar(select(func.max(schema.batch.c.dt_max)))
            row = choose(_rates(connection), newest_dt)
            connection.execute(
                insert(schema.commission_rate).values(
                    worker=row.rate.worker,
                    fee_bps=row.rate.fee_bps,
                    effective_from=row.rate.effective_from,
                    set_at=row.set_at,
                    reason=row.reason,
                )
            )
        return row


def _rates(connection: Connection) -> list[RateRow]:
    table = schema.commission_rate
    rows = connection.execute(
        select(
            table.c.worker, table.c.fee_bps, table.c.effective_from, table.c.set_at, table.c.reason
        ).order_by(table.c.id)
    )
    return [
        RateRow(CommissionRate(worker, fee_bps, effective_from), set_at, reason)
        for worker, fee_bps, effective_from, set_at, reason in rows
    ]
