"""Writing one batch: its objects, entries, held items, attributions and presence."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import AccountBook
from openpool_management.adapters.sql.presence_rows import write_presence
from openpool_management.adapters.sql.streams import ensure_stream, last_batch
from openpool_management.domain.batch import Batch, BatchKind, held_id
from openpool_management.services.ports import LedgerConflict

_CHUNK = 500


def write_batch(connection: Connection, batch: Batch) -> None:
    """Write a batch inside a transaction. Raises LedgerConflict when others came first."""
    stream = ensure_stream(connection, batch.stream)
    last_seq, totals = last_batch(connection, stream)
    rates = connection.scalar(select(func.count()).select_from(schema.commission_rate))
    if last_seq != batch.seq - 1 or rates != batch.rates_seen:
        raise LedgerConflict(f"Stream {batch.stream} has moved on.")
    number = _insert_batch(connection, batch, stream, totals)
    objects = _write_objects(connection, batch, stream, number)
    _insert(connection, schema.held, _held_rows(batch, objects, number))
    book = AccountBook(connection, schema.account.c.stream == str(batch.stream))
    for entry in batch.entries:
        book.post(entry, number, batch.read_at)
    base = {"stream_id": stream, "batch_id": number}
    known = _known_unattributed(connection, stream, batch)
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
    connection: Connection, batch: Batch, stream: int, number: int
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


def _known_unattributed(connection: Connection, stream: int, batch: Batch) -> set[bytes]:
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
