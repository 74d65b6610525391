"""The ledger at one moment, for exports."""

from datetime import datetime

from sqlalchemy import Connection, Engine, func, select, true

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import account_heads, standings_of
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.histories import SqlHistories
from openpool_management.adapters.sql.payouts.rows import load
from openpool_management.adapters.sql.streams import commission_rates
from openpool_management.domain.streams import Stream
from openpool_management.services.ports.exports import LedgerSnapshot


class SqlExports:
    """Implements the ExportRecords port; reads only.

    With histories of an earlier reading it goes on from there. Else it goes through every posting
    to a worker: a million take some seconds.
    """

    def __init__(self, engine: Engine, histories: SqlHistories | None = None) -> None:
        self.engine = engine
        self.histories = histories or SqlHistories()

    def snapshot(self) -> LedgerSnapshot:
        """See the port. Raises PostingsDiffer."""
        with reading(self.engine) as connection:
            heads = account_heads(connection)
            return LedgerSnapshot(
                standings=tuple(standings_of(heads)),
                read_at=_read_at(connection),
                rates=commission_rates(connection),
                payouts=tuple(load(connection, true())),
                histories=self.histories.read(connection, heads),
                last_lines={account: (head.seq, head.work_seq) for account, head in heads},
            )


def _read_at(connection: Connection) -> dict[Stream, datetime]:
    stream, batch = schema.stream.c, schema.batch.c
    newest = func.max(batch.read_at, type_=batch.read_at.type)
    rows = connection.execute(
        select(stream.node_type, stream.region, newest)
        .join(schema.batch, batch.stream_id == stream.id)
        .group_by(stream.id, stream.node_type, stream.region)
    )
    return {Stream(node_type, region): at for node_type, region, at in rows}
