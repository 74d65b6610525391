"""The redeemed-revenue ledger in SQL, beside the accounts."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.streams import stream_id
from openpool_management.adapters.sql.ticket_schema import (
    redeemed_ticket,
    ticket_check,
    ticket_stretch,
)
from openpool_management.domain.batch import LakeFile
from openpool_management.domain.event_ids import decode_id, encode_id
from openpool_management.domain.streams import Stream
from openpool_management.domain.tickets import TicketCheck, TicketOutcome, ToldTicket
from openpool_management.services.ports import LedgerConflict
from openpool_management.services.ports.tickets import CollectedTicket, Stretch, TicketBatch

TICKET_EVENT = "ticket-redeemed"
LONGEST_STRETCH = 200
"""Batches in a stretch. One without tickets is noted only when it is this long, so that most
batches leave no row, and no look into the ledger goes over more than these."""


class SqlTickets:
    """Implements the Tickets port. Totals are not kept: a pool redeems some thousands a year."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def uncollected(self, after: Mapping[Stream, int] | None = None) -> list[Stretch]:
        """See the port; seeks by indexes, so its cost does not grow with history."""
        known = after or {}
        with reading(self.engine) as connection:
            stretches = [
                _stretch(connection, number, stream, known.get(stream, 0))
                for number, stream in _streams(connection)
            ]
        return [
            stretch
            for stretch in stretches
            if stretch.batches or stretch.up_to_seq - stretch.after_seq == LONGEST_STRETCH
        ]

    def collect(self, stretch: Stretch, tickets: Sequence[CollectedTicket]) -> None:
        """See the port."""
        with self.engine.begin() as connection:
            number = stream_id(connection, stretch.stream)
            try:
                connection.execute(
                    insert(ticket_stretch).values(
                        stream_id=number,
                        after_seq=stretch.after_seq,
                        up_to_seq=stretch.up_to_seq,
                    )
                )
            except IntegrityError as error:
                raise LedgerConflict(
                    f"Tickets of {stretch.stream} were collected by another process."
                ) from error
            if rows := [_row(number, one) for one in tickets]:
                connection.execute(insert(redeemed_ticket), rows)

    def told(self) -> list[ToldTicket]:
        """See the port."""
        row, stream = redeemed_ticket.c, schema.stream.c
        query = select(
            stream.node_type,
            stream.region,
            row.event_id,
            row.dt,
            row.tx_hash,
            row.face_value_wei,
            row.sender,
            row.recipient,
        ).join(schema.stream, stream.id == row.stream_id)
        with reading(self.engine) as connection:
            return [
                ToldTicket(str(Stream(node_type, region)), decode_id(event_id), *rest)
                for node_type, region, event_id, *rest in connection.execute(query)
            ]

    def checks(self) -> list[TicketCheck]:
        """See the port."""
        row = ticket_check.c
        query = select(row.tx_hash, row.outcome, row.block_number, row.checked_at).order_by(row.id)
        with reading(self.engine) as connection:
            return [
                TicketCheck(tx_hash, TicketOutcome(outcome), block_number, checked_at)
                for tx_hash, outcome, block_number, checked_at in connection.execute(query)
            ]

    def record(self, checks: Sequence[TicketCheck]) -> None:
        """See the port."""
        rows = [
            {
                "tx_hash": check.tx_hash,
                "outcome": check.outcome.value,
                "block_number": check.block_number,
                "checked_at": check.checked_at,
            }
            for check in checks
        ]
        if rows:
            with self.engine.begin() as connection:
                connection.execute(insert(ticket_check), rows)


def _streams(connection: Connection) -> list[tuple[int, Stream]]:
    rows = connection.execute(select(schema.stream)).all()
    return [(number, Stream(node_type, region)) for number, node_type, region in rows]


def _stretch(connection: Connection, number: int, stream: Stream, known_seq: int) -> Stretch:
    last = (
        select(ticket_stretch.c.up_to_seq)
        .where(ticket_stretch.c.stream_id == number)
        .order_by(ticket_stretch.c.after_seq.desc())
        .limit(1)
    )
    after_seq = max(connection.scalar(last) or 0, known_seq)
    batch = schema.batch.c
    rows = connection.execute(
        select(
            batch.seq,
            batch.id,
            batch.counts_json,
            batch.lake_file,
            batch.lake_rows,
            batch.dt_min,
            batch.dt_max,
        )
        .where(batch.stream_id == number, batch.seq > after_seq)
        .order_by(batch.seq)
        .limit(LONGEST_STRETCH)
    ).all()
    found = tuple(
        TicketBatch(row.id, LakeFile(row.lake_file, row.lake_rows, row.dt_min, row.dt_max))
        for row in rows
        if row.lake_file is not None and TICKET_EVENT in json.loads(row.counts_json)
    )
    return Stretch(stream, after_seq, rows[-1].seq if rows else after_seq, found)


def _row(stream_number: int, one: CollectedTicket) -> dict[str, object]:
    ticket = one.ticket
    return {
        "batch_id": one.batch_number,
        "lake_row": one.lake_row,
        "stream_id": stream_number,
        "event_id": encode_id(ticket.event_id),
        "dt": ticket.dt,
        "tx_hash": ticket.tx_hash,
        "face_value_wei": ticket.face_value_wei,
        "sender": ticket.sender,
        "recipient": ticket.recipient,
    }
