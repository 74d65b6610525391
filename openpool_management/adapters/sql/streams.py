"""Rows that stand for streams, and the last batch of each."""

import json

from sqlalchemy import Connection, and_, insert, select
from sqlalchemy.exc import IntegrityError

from openpool_management.adapters.sql import schema
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import LedgerConflict


def stream_id(connection: Connection, stream: Stream) -> int:
    """The row id of a stream, or -1 for one that has nothing in the ledger."""
    table = schema.stream
    found = connection.scalar(
        select(table.c.id).where(
            and_(table.c.node_type == stream.node_type, table.c.region == stream.region)
        )
    )
    return -1 if found is None else found


def known_streams(connection: Connection) -> list[Stream]:
    """Every stream that has something in the ledger, by name."""
    table = schema.stream
    rows = connection.execute(select(table.c.node_type, table.c.region))
    return sorted(Stream(*row) for row in rows)


def commission_rates(connection: Connection) -> tuple[CommissionRate, ...]:
    """The whole commission history, oldest first."""
    table = schema.commission_rate
    rows = connection.execute(
        select(table.c.worker, table.c.fee_bps, table.c.effective_from).order_by(table.c.id)
    )
    return tuple(CommissionRate(*row) for row in rows)


def last_batch(connection: Connection, stream: int) -> tuple[int, dict[str, int]]:
    """The seq and the event totals of a stream's last batch."""
    table = schema.batch
    row = connection.execute(
        select(table.c.seq, table.c.totals_json)
        .where(table.c.stream_id == stream)
        .order_by(table.c.seq.desc())
        .limit(1)
    ).first()
    return (0, {}) if row is None else (row[0], json.loads(row[1]))


def ensure_stream(connection: Connection, stream: Stream) -> int:
    """The row id of a stream, its row made when it has none."""
    found = stream_id(connection, stream)
    if found != -1:
        return found
    try:
        with connection.begin_nested():
            connection.execute(
                insert(schema.stream).values(node_type=stream.node_type, region=stream.region)
            )
    except IntegrityError as error:
        raise LedgerConflict(f"Stream {stream} was opened by another process.") from error
    return stream_id(connection, stream)
