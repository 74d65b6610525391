"""The SQL ledger: one transaction a batch, on SQLite and PostgreSQL alike."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, func, select, text

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.batch_writer import write_batch
from openpool_management.adapters.sql.streams import commission_rates, last_batch, stream_id
from openpool_management.domain.batch import AttributionCause, Batch, LakeFile
from openpool_management.domain.invariants import entries_sum_to_zero
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import StreamHead

COMMISSION_LOCK = 0x6F70_6C01
"""PostgreSQL advisory lock: shared by batches, exclusive for a change of the commission."""

_CHUNK = 500


class SqlLedger:
    """Implements the Ledger port on an engine whose schema is up to date."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def head(self, stream: Stream) -> StreamHead:
        """See the port."""
        with self.engine.connect().execution_options(read_only=True) as connection:
            return StreamHead(
                last_batch(connection, stream_id(connection, stream))[0],
                commission_rates(connection),
            )

    def read_objects(self, stream: Stream, since: datetime | None) -> set[tuple[str, str]]:
        """See the port."""
        versions = schema.object_version
        query: Select[Any] = select(versions.c.key, versions.c.etag)
        if since is not None:
            # Keys without a readable start were held: they are never read again either.
            starts_at = versions.c.starts_at
            query = query.where((starts_at >= since) | starts_at.is_(None))
        with self.engine.connect().execution_options(read_only=True) as connection:
            number = stream_id(connection, stream)
            rows = connection.execute(query.where(versions.c.stream_id == number))
            return {(key, etag) for key, etag in rows}

    def newest_start(self, stream: Stream, until: datetime) -> datetime | None:
        """See the port."""
        versions = schema.object_version
        with self.engine.connect().execution_options(read_only=True) as connection:
            newest: datetime | None = connection.scalar(
                select(func.max(versions.c.starts_at)).where(
                    versions.c.stream_id == stream_id(connection, stream),
                    versions.c.starts_at <= until,
                )
            )
            return newest

    def lake_files(self, stream: Stream, lo: datetime, hi: datetime) -> list[LakeFile]:
        """See the port."""
        batch = schema.batch
        with self.engine.connect().execution_options(read_only=True) as connection:
            rows = connection.execute(
                select(batch.c.lake_file, batch.c.lake_rows, batch.c.dt_min, batch.c.dt_max)
                .where(
                    batch.c.stream_id == stream_id(connection, stream),
                    batch.c.dt_max >= lo,
                    batch.c.dt_min <= hi,
                    batch.c.lake_file.is_not(None),
                )
                .order_by(batch.c.seq)
            )
            return [LakeFile(*row) for row in rows]

    def attributions(
        self, stream: Stream, event_ids: Sequence[bytes]
    ) -> dict[bytes, tuple[str | None, AttributionCause]]:
        """See the port."""
        table = schema.attribution
        latest: dict[bytes, tuple[str | None, AttributionCause]] = {}
        with self.engine.connect().execution_options(read_only=True) as connection:
            number = stream_id(connection, stream)
            for start in range(0, len(event_ids), _CHUNK):
                rows = connection.execute(
                    select(table.c.event_id, table.c.worker, table.c.cause)
                    .where(
                        table.c.stream_id == number,
                        table.c.event_id.in_(event_ids[start : start + _CHUNK]),
                    )
                    .order_by(table.c.id)
                )
                latest |= {row[0]: (row[1], AttributionCause(row[2])) for row in rows}
        return latest

    def commit(self, batch: Batch) -> None:
        """See the port. Raises ValueError for a batch whose entries are out of balance."""
        if errors := entries_sum_to_zero(batch.entries):
            raise ValueError(" ".join(errors))
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": COMMISSION_LOCK}
                )
            write_batch(connection, batch)
