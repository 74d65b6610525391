"""The ledger's history, to be replayed by verify."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, Row, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.streams import known_streams, stream_id
from openpool_management.domain.batch import BatchKind, Decision
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import ObjectRef, RecordedBatch

_PAGE = 200


class SqlRecord:
    """Implements the LedgerRecord port."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def streams(self) -> list[Stream]:
        """See the port."""
        with reading(self.engine) as connection:
            return known_streams(connection)

    def batches(self, stream: Stream, after: int = 0) -> Iterator[RecordedBatch]:
        """See the port; read by pages, so that a long history needs little memory."""
        last_seq = after
        while page := self._page(stream, last_seq):
            yield from page
            last_seq = page[-1].seq

    def contents(self, stream: Stream, key: str) -> list[ObjectRef]:
        """Everything that was read under a key, in the order of reading."""
        table = schema.object_version
        with reading(self.engine) as connection:
            number = stream_id(connection, stream)
            rows = connection.execute(
                select(table)
                .where(table.c.stream_id == number, table.c.key == key)
                .order_by(table.c.id)
            )
            return [_ref(row) for row in rows]

    def dismissals(self) -> list[Decision]:
        """See the port."""
        table = schema.held_decision
        query = select(table.c.held_id, table.c.reason, table.c.decided_at)
        with reading(self.engine) as connection:
            rows = connection.execute(query.where(table.c.decision == "dismiss"))
            return [Decision(*row) for row in rows]

    def _page(self, stream: Stream, after: int) -> list[RecordedBatch]:
        batch, version, attribution = schema.batch, schema.object_version, schema.attribution
        with reading(self.engine) as connection:
            number = stream_id(connection, stream)
            rows = connection.execute(
                select(batch)
                .where(batch.c.stream_id == number, batch.c.seq > after)
                .order_by(batch.c.seq)
                .limit(_PAGE)
            ).all()
            ids = [row.id for row in rows]
            objects: dict[int, list[ObjectRef]] = {}
            for row in connection.execute(
                select(version)
                .where(version.c.batch_id.in_(ids))
                .order_by(version.c.batch_id, version.c.object_no)
            ):
                objects.setdefault(row.batch_id, []).append(_ref(row))
            workers = {
                batch_id: worker or ""
                for batch_id, worker in connection.execute(
                    select(attribution.c.batch_id, attribution.c.worker).where(
                        attribution.c.batch_id.in_(ids)
                    )
                )
            }
        return [
            RecordedBatch(
                row.seq,
                BatchKind(row.kind),
                row.read_at,
                tuple(objects.get(row.id, ())),
                row.subject,
                workers.get(row.id, ""),
                row.reason,
            )
            for row in rows
        ]


def _ref(row: Row[Any]) -> ObjectRef:
    return ObjectRef(row.key, row.version_id or None, row.etag, row.size_bytes, row.last_modified)
