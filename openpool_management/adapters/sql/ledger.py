"""The SQL ledger: one transaction a batch, on SQLite and PostgreSQL alike."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import AccountBook
from openpool_management.adapters.sql.presence_rows import write_presence
from openpool_management.domain.batch import AttributionCause, Batch, BatchKind, LakeFile, held_id
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.invariants import entries_sum_to_zero
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import LedgerConflict, StreamHead

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
                _last_batch(connection, stream_id(connection, stream))[0],
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
            self._write(connection, batch)

    def _write(self, connection: Connection, batch: Batch) -> None:
        stream = _ensure_stream(connection, batch.stream)
        last_seq, totals = _last_batch(connection, stream)
        rates = connection.scalar(select(func.count()).select_from(schema.commission_rate))
        if last_seq != batch.seq - 1 or rates != batch.rates_seen:
            raise LedgerConflict(f"Stream {batch.stream} has moved on.")
        number = _insert_batch(connection, batch, stream, totals)
        objects = self._write_objects(connection, batch, stream, number)
        _insert(connection, schema.held, _held_rows(batch, objects, number))
        book = AccountBook(connection, str(batch.stream))
        for entry in batch.entries:
            book.post(entry, number, batch.read_at)
        base = {"stream_id": stream, "batch_id": number}
        known = self._known_unattributed(connection, stream, batch)
        _insert(
            connection,
            schema.unattributed_job,
            [
                {**base, **_fields(job), "held": int(job.held)}
                for job in batch.unattributed
                if job.event_id not in known
            ],
        )
        _insert(
            connection,
            schema.attribution,
            [{**base, **_fields(one), "cause": one.cause.value} for one in batch.attributions],
        )
        write_presence(connection, batch.presence, stream, objects)
        if batch.released is not None:
            _insert_release(connection, batch, number)

    def _write_objects(
        self, connection: Connection, batch: Batch, stream: int, number: int
    ) -> dict[int, int]:
        """Row id of each object by its number in the batch; decisions refer to read objects."""
        table = schema.object_version
        if batch.kind is not BatchKind.OBJECTS:
            return {
                no: connection.scalars(
                    select(table.c.id).where(
                        table.c.stream_id == stream,
                        table.c.key == one.key,
                        table.c.etag == one.etag,
                    )
                ).one()
                for no, one in enumerate(batch.objects)
            }
        rows = [
            {
                "batch_id": number,
                "object_no": no,
                "stream_id": stream,
                "key": one.key,
                "version_id": one.version_id,
                "etag": one.etag,
                "size_bytes": one.size_bytes,
                "last_modified": one.last_modified,
                "starts_at": one.start,
                "ends_at": one.end,
                "events": one.events,
            }
            for no, one in enumerate(batch.objects)
        ]
        try:
            _insert(connection, table, rows)
        except IntegrityError as error:
            raise LedgerConflict("An object of the batch was read by another process.") from error
        inserted = select(table.c.object_no, table.c.id).where(table.c.batch_id == number)
        return {row[0]: row[1] for row in connection.execute(inserted)}

    def _known_unattributed(self, connection: Connection, stream: int, batch: Batch) -> set[bytes]:
        table = schema.unattributed_job
        ids = [job.event_id for job in batch.unattributed]
        known: set[bytes] = set()
        for start in range(0, len(ids), _CHUNK):
            known |= set(
                connection.scalars(
                    select(table.c.event_id).where(
                        table.c.stream_id == stream,
                        table.c.event_id.in_(ids[start : start + _CHUNK]),
                    )
                )
            )
        return known


def stream_id(connection: Connection, stream: Stream) -> int:
    """The row id of a stream, or -1 for one that has nothing in the ledger."""
    table = schema.stream
    found = connection.scalar(
        select(table.c.id).where(
            and_(table.c.node_type == stream.node_type, table.c.region == stream.region)
        )
    )
    return -1 if found is None else found


def commission_rates(connection: Connection) -> tuple[CommissionRate, ...]:
    """The whole commission history, oldest first."""
    table = schema.commission_rate
    rows = connection.execute(
        select(table.c.worker, table.c.fee_bps, table.c.effective_from).order_by(table.c.id)
    )
    return tuple(CommissionRate(*row) for row in rows)


def _ensure_stream(connection: Connection, stream: Stream) -> int:
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


def _last_batch(connection: Connection, stream: int) -> tuple[int, dict[str, int]]:
    table = schema.batch
    row = connection.execute(
        select(table.c.seq, table.c.totals_json)
        .where(table.c.stream_id == stream)
        .order_by(table.c.seq.desc())
        .limit(1)
    ).first()
    return (0, {}) if row is None else (row[0], json.loads(row[1]))


def _insert_batch(
    connection: Connection, batch: Batch, stream: int, totals: Mapping[str, int]
) -> int:
    summed = {
        kind: totals.get(kind, 0) + batch.counts.get(kind, 0)
        for kind in sorted({*totals, *batch.counts})
    }
    file = batch.lake_file
    try:
        number: int = connection.scalars(
            insert(schema.batch)
            .returning(schema.batch.c.id)
            .values(
                batch_id=batch.id,
                stream_id=stream,
                seq=batch.seq,
                kind=batch.kind.value,
                read_at=batch.read_at,
                objects=len(batch.objects),
                events=batch.events,
                duplicates=batch.duplicates,
                held=len(batch.held),
                lake_file=file.name if file else None,
                lake_rows=file.rows if file else 0,
                dt_min=file.dt_min if file else None,
                dt_max=file.dt_max if file else None,
                counts_json=json.dumps(batch.counts, sort_keys=True),
                totals_json=json.dumps(summed),
                subject=batch.subject,
                reason=batch.reason,
            )
        ).one()
    except IntegrityError as error:
        raise LedgerConflict(f"Stream {batch.stream} has moved on.") from error
    return number


def _insert_release(connection: Connection, batch: Batch, number: int) -> None:
    row = {
        "held_id": batch.released,
        "decision": "release",
        "reason": batch.reason,
        "decided_at": batch.read_at,
        "batch_id": number,
    }
    try:
        _insert(connection, schema.held_decision, [row])
    except IntegrityError as error:
        raise LedgerConflict(f"Held item {batch.released} was decided by another.") from error


def _held_rows(batch: Batch, objects: Mapping[int, int], number: int) -> list[dict[str, Any]]:
    return [
        {
            "id": held_id(
                batch.objects[item.object_no].key,
                batch.objects[item.object_no].etag,
                item.event_index,
            ),
            "batch_id": number,
            "object_id": objects[item.object_no],
            "event_index": item.event_index,
            "reason": item.reason.value,
            "detail": item.detail,
            "event_id": item.event_id,
            "event_type": item.event_type,
            "raw": item.raw,
        }
        for item in batch.held
    ]


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
