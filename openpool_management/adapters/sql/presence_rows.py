"""Writing what a batch says of connections."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from openpool_management.adapters.sql import schema
from openpool_management.domain.batch import PresenceFact, PresenceKind

_CHUNK = 500


def write_presence(
    connection: Connection, facts: Sequence[PresenceFact], stream: int, objects: Mapping[int, int]
) -> None:
    """Write presence facts; objects has the row id of each object by its number in the batch."""
    changes = [
        {
            "object_id": objects[fact.object_no],
            "object_index": fact.object_index,
            "stream_id": stream,
            "dt": fact.dt,
            "kind": fact.kind.value,
            "worker": fact.worker,
            "connection": fact.connection,
        }
        for fact in facts
        if fact.kind is not PresenceKind.ALIVE
    ]
    if changes:
        connection.execute(insert(schema.presence), changes)
    alive = [fact for fact in facts if fact.kind is PresenceKind.ALIVE]
    if alive:
        workers = _worker_ids(connection, {fact.worker for fact in alive})
        connection.execute(
            insert(schema.proof_of_life),
            [
                {
                    "object_id": objects[fact.object_no],
                    "object_index": fact.object_index,
                    "worker_id": workers[fact.worker],
                    "dt_ms": round(fact.dt.timestamp() * 1000),
                }
                for fact in alive
            ],
        )


def _worker_ids(connection: Connection, addresses: Iterable[str]) -> dict[str, int]:
    table = schema.worker
    wanted = sorted(addresses)
    known = _known_ids(connection, wanted)
    missing = [{"address": address} for address in wanted if address not in known]
    if missing:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        # Batches of two streams may bring the same worker at once. Both take them in one order, so
        # the second waits for the first instead of blocking it.
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), missing)
        known = _known_ids(connection, wanted)
    return known


def _known_ids(connection: Connection, addresses: Sequence[str]) -> dict[str, int]:
    table = schema.worker
    known: dict[str, int] = {}
    for start in range(0, len(addresses), _CHUNK):
        chunk = addresses[start : start + _CHUNK]
        query = select(table.c.address, table.c.id).where(table.c.address.in_(chunk))
        known |= {row[0]: row[1] for row in connection.execute(query)}
    return known
