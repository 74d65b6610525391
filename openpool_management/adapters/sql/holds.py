"""Held items in SQL."""

from typing import Any

from sqlalchemy import Engine, Row, Select, insert, select
from sqlalchemy.exc import IntegrityError

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.domain.batch import Decision, ReadObject
from openpool_management.domain.holds import HoldReason
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import HeldDecision, HeldRow


class SqlHolds:
    """Implements the Holds port."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def items(self, *, decided: bool) -> list[HeldRow]:
        """See the port."""
        query = _held_rows()
        if not decided:
            query = query.where(schema.held_decision.c.held_id.is_(None))
        order = (schema.held.c.batch_id, schema.held.c.object_id, schema.held.c.event_index)
        with reading(self.engine) as connection:
            return [_held_row(row) for row in connection.execute(query.order_by(*order))]

    def item(self, held_id: str) -> HeldRow | None:
        """See the port."""
        with reading(self.engine) as connection:
            row = connection.execute(_held_rows().where(schema.held.c.id == held_id)).first()
            return None if row is None else _held_row(row)

    def read_object(self, held_id: str) -> ReadObject:
        """See the port."""
        table = schema.object_version
        query = (
            select(
                table.c.key,
                table.c.version_id,
                table.c.etag,
                table.c.size_bytes,
                table.c.last_modified,
                table.c.starts_at,
                table.c.ends_at,
                schema.batch.c.read_at,
                table.c.events,
            )
            .join(schema.held, schema.held.c.object_id == table.c.id)
            .join(schema.batch, schema.batch.c.id == table.c.batch_id)
            .where(schema.held.c.id == held_id)
        )
        with reading(self.engine) as connection:
            row = connection.execute(query).one()
        return ReadObject(
            key=row.key,
            version_id=row.version_id,
            etag=row.etag,
            size_bytes=row.size_bytes,
            last_modified=row.last_modified,
            start=row.starts_at,
            end=row.ends_at,
            read_at=row.read_at,
            events=row.events,
        )

    def dismiss(self, decision: Decision) -> bool:
        """See the port."""
        row = insert(schema.held_decision).values(
            held_id=decision.subject,
            decision="dismiss",
            reason=decision.reason,
            decided_at=decision.decided_at,
            batch_id=None,
        )
        try:
            with self.engine.begin() as connection:
                connection.execute(row)
        except IntegrityError:
            return False
        return True


def _held_rows() -> Select[Any]:
    held, decision = schema.held, schema.held_decision
    return (
        select(
            held.c.id,
            schema.stream.c.node_type,
            schema.stream.c.region,
            held.c.reason,
            held.c.detail,
            schema.object_version.c.key,
            schema.object_version.c.version_id,
            held.c.event_index,
            held.c.event_id,
            held.c.event_type,
            held.c.raw,
            schema.batch.c.read_at,
            decision.c.decision,
            decision.c.reason.label("decision_reason"),
            decision.c.decided_at,
        )
        .join(schema.object_version, schema.object_version.c.id == held.c.object_id)
        .join(schema.stream, schema.stream.c.id == schema.object_version.c.stream_id)
        .join(schema.batch, schema.batch.c.id == held.c.batch_id)
        .outerjoin(decision, decision.c.held_id == held.c.id)
    )


def _held_row(row: Row[Any]) -> HeldRow:
    decided = row.decision is not None
    return HeldRow(
        id=row.id,
        stream=Stream(row.node_type, row.region),
        reason=HoldReason(row.reason),
        detail=row.detail,
        object_key=row.key,
        object_version=row.version_id,
        event_index=row.event_index,
        event_id=row.event_id,
        event_type=row.event_type,
        raw=row.raw,
        read_at=row.read_at,
        decision=HeldDecision(row.decision, row.decision_reason, row.decided_at)
        if decided
        else None,
    )
