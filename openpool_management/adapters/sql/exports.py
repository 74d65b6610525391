"""The ledger at one moment, for exports."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select, true

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import account_heads
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.payouts.rows import load
from openpool_management.adapters.sql.streams import commission_rates
from openpool_management.domain.accounts import Account, AccountKind, Standing
from openpool_management.domain.streams import Stream
from openpool_management.domain.worker_history import WorkerHistory
from openpool_management.services.ports.exports import LedgerSnapshot

_ROWS_AT_ONCE = 10_000
_KINDS = (AccountKind.PAYABLE, AccountKind.COMMISSION)


class SqlExports:
    """Implements the ExportRecords port; reads only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def snapshot(self) -> LedgerSnapshot:
        """See the port. It goes through every posting to a worker: a million take some seconds."""
        with reading(self.engine) as connection:
            heads = account_heads(connection)
            accounts = {head[1]: head[0] for head in heads if head[0].kind in _KINDS}
            return LedgerSnapshot(
                standings=tuple(Standing(head[0], head[3], *head[5:]) for head in heads),
                read_at=_read_at(connection),
                rates=commission_rates(connection),
                payouts=tuple(load(connection, true())),
                histories=_histories(connection, accounts),
                last_lines={head[0]: (head[2], head[4]) for head in heads},
            )


def _histories(connection: Connection, accounts: dict[int, Account]) -> dict[str, WorkerHistory]:
    histories = {account.worker: WorkerHistory() for account in accounts.values()}
    entry = schema.entry.c
    entries: dict[int, tuple[str, datetime]] = {
        number: (key, at)
        for number, key, at in connection.execute(
            select(entry.id, entry.posting_key, entry.posted_at)
        )
    }
    money = schema.posting
    for number, account_id, amount_wei in _postings(connection, money, money.c.amount_wei):
        if (account := accounts.get(account_id)) is not None:
            histories[account.worker].post(account, *entries[number], amount_wei)
    work = schema.work_posting
    for number, account_id, jobs, units in _postings(
        connection, work, work.c.jobs, work.c.compute_units
    ):
        if (account := accounts.get(account_id)) is not None:
            histories[account.worker].work(account, entries[number][1], jobs, units)
    return histories


def _postings(connection: Connection, table: Table, *columns: Any) -> Any:
    query = select(table.c.entry_id, table.c.account_id, *columns).order_by(table.c.entry_id)
    return connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})


def _read_at(connection: Connection) -> dict[Stream, datetime]:
    stream, batch = schema.stream.c, schema.batch.c
    newest = func.max(batch.read_at, type_=batch.read_at.type)
    rows = connection.execute(
        select(stream.node_type, stream.region, newest)
        .join(schema.batch, batch.stream_id == stream.id)
        .group_by(stream.id, stream.node_type, stream.region)
    )
    return {Stream(node_type, region): at for node_type, region, at in rows}
