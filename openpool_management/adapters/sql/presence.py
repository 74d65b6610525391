"""What is known of connections in the SQL ledger."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, select, tuple_

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.streams import stream_id
from openpool_management.domain.batch import PresenceKind
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.presence import PlacedFact, Position, ProofSpan
from openpool_management.domain.streams import Stream


class SqlPresence:
    """Implements the connections service's PresenceRecords; reads only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def changes(self, stream: Stream) -> list[PlacedFact]:
        """Connections opened and closed, and resets: all facts of a stream that are not ALIVE."""
        presence, objects = schema.presence, schema.object_version
        query = select(
            objects.c.starts_at,
            objects.c.key,
            objects.c.etag,
            presence.c.object_index,
            presence.c.dt,
            presence.c.kind,
            presence.c.worker,
            presence.c.connection,
        ).join(objects, objects.c.id == presence.c.object_id)
        with reading(self.engine) as connection:
            number = stream_id(connection, stream)
            rows = connection.execute(query.where(presence.c.stream_id == number))
            return [
                PlacedFact(Position(*row[:4]), row[4], PresenceKind(row[5]), row[6], row[7])
                for row in rows
            ]

    def last_proofs(self, stream: Stream, spans: list[ProofSpan]) -> list[PlacedFact]:
        """The last ALIVE fact of each span that has one.

        Objects are walked back from the span's end until one shows the worker, so the cost is in
        how long workers were idle and not in how much they did.
        """
        proof, objects, worker = schema.proof_of_life, schema.object_version, schema.worker
        found = []
        with reading(self.engine) as connection:
            number = stream_id(connection, stream)
            place = _place(connection)
            newest_first = [column.desc() for column in place]
            for span in spans:
                holder = connection.scalar(
                    select(worker.c.id).where(worker.c.address == span.worker)
                )
                query = (
                    select(
                        objects.c.starts_at,
                        objects.c.key,
                        objects.c.etag,
                        proof.c.object_index,
                        proof.c.dt_ms,
                    )
                    .join(objects, objects.c.id == proof.c.object_id)
                    .where(
                        objects.c.stream_id == number,
                        objects.c.starts_at >= span.after.object_start,
                        tuple_(*place) > _value(span.after),
                        proof.c.worker_id == holder,
                    )
                )
                if span.before is not None:
                    query = query.where(
                        objects.c.starts_at <= span.before.object_start,
                        tuple_(*place) < _value(span.before),
                    )
                row = connection.execute(query.order_by(*newest_first).limit(1)).first()
                if row is not None:
                    found.append(_alive(row, span.worker))
        return found


def _place(connection: Connection) -> list[ColumnElement[Any]]:
    """The columns of a Position, compared as Python does whatever the database's language is."""
    objects = schema.object_version
    collation = "C" if connection.dialect.name == "postgresql" else "BINARY"
    return [
        objects.c.starts_at,
        objects.c.key.collate(collation),
        objects.c.etag.collate(collation),
        schema.proof_of_life.c.object_index,
    ]


def _value(position: Position) -> Any:
    return tuple_(
        position.object_start,
        position.object_key,
        position.object_etag,
        position.object_index,
        types=[
            schema.object_version.c.starts_at.type,
            schema.object_version.c.key.type,
            schema.object_version.c.etag.type,
            schema.proof_of_life.c.object_index.type,
        ],
    )


def _alive(row: Any, worker: str) -> PlacedFact:
    moment = EPOCH + timedelta(milliseconds=row.dt_ms)
    return PlacedFact(Position(*row[:4]), moment, PresenceKind.ALIVE, worker, "")
