"""What is known of connections in the SQL ledger."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, select, tuple_

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.ledger import stream_id
from openpool_management.domain.batch import PresenceKind
from openpool_management.domain.presence import PlacedFact, Position, ProofSpan
from openpool_management.domain.streams import Stream


class SqlPresence:
    """Implements the connections service's PresenceRecords; reads only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def changes(self, stream: Stream) -> list[PlacedFact]:
        """Connections opened and closed, and resets: all facts of a stream that are not ALIVE."""
        with reading(self.engine) as connection:
            query = _facts(connection, stream)
            alive = PresenceKind.ALIVE.value
            rows = connection.execute(query.where(schema.presence.c.kind != alive))
            return [_placed(row) for row in rows]

    def last_proofs(self, stream: Stream, spans: list[ProofSpan]) -> list[PlacedFact]:
        """The last ALIVE fact of each span that has one.

        Objects are walked back from the span's end until one shows the worker, so the cost is in
        how long workers were idle and not in how much they did.
        """
        presence, objects = schema.presence, schema.object_version
        found = []
        with reading(self.engine) as connection:
            place = _place(connection)
            newest_first = [column.desc() for column in place]
            for span in spans:
                query = _facts(connection, stream).where(
                    objects.c.starts_at >= span.after.object_start,
                    tuple_(*place) > _value(span.after),
                    presence.c.worker == span.worker,
                    presence.c.kind == PresenceKind.ALIVE.value,
                )
                if span.before is not None:
                    query = query.where(
                        objects.c.starts_at <= span.before.object_start,
                        tuple_(*place) < _value(span.before),
                    )
                row = connection.execute(query.order_by(*newest_first).limit(1)).first()
                if row is not None:
                    found.append(_placed(row))
        return found


def _facts(connection: Connection, stream: Stream) -> Select[Any]:
    presence, objects = schema.presence, schema.object_version
    number = stream_id(connection, stream)
    return (
        select(
            objects.c.starts_at,
            objects.c.key,
            objects.c.etag,
            presence.c.object_index,
            presence.c.dt,
            presence.c.kind,
            presence.c.worker,
            presence.c.connection,
        )
        .join(objects, objects.c.id == presence.c.object_id)
        .where(presence.c.stream_id == number, objects.c.stream_id == number)
    )


def _place(connection: Connection) -> list[ColumnElement[Any]]:
    """The columns of a Position, compared as Python does whatever the database's language is."""
    objects = schema.object_version
    collation = "C" if connection.dialect.name == "postgresql" else "BINARY"
    return [
        objects.c.starts_at,
        objects.c.key.collate(collation),
        objects.c.etag.collate(collation),
        schema.presence.c.object_index,
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
            schema.presence.c.object_index.type,
        ],
    )


def _placed(row: Any) -> PlacedFact:
    return PlacedFact(Position(*row[:4]), row[4], PresenceKind(row[5]), row[6], row[7])
