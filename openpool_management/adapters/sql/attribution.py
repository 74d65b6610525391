"""Jobs that are nobody's, in SQL."""

from typing import Any

from sqlalchemy import Engine, Row, Select, func, or_, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.event_ids import decode_id
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import UnattributedRow


class SqlUnattributedJobs:
    """Implements the UnattributedJobs port."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def open_jobs(self) -> list[UnattributedRow]:
        """See the port."""
        job, latest = schema.unattributed_job, schema.attribution
        query = (
            _jobs()
            .where(or_(latest.c.id.is_(None), latest.c.worker.is_(None), _is_zero()))
            .order_by(job.c.dt, job.c.stream_id, job.c.object_key, job.c.object_index)
        )
        with reading(self.engine) as connection:
            return [_row(row) for row in connection.execute(query)]

    def with_id(self, event_id: bytes) -> list[UnattributedRow]:
        """See the port."""
        # By stream and ID, which is the table's key, rather than through all its rows.
        streams = select(schema.stream.c.id)
        query = _jobs().where(
            schema.unattributed_job.c.stream_id.in_(streams),
            schema.unattributed_job.c.event_id == event_id,
        )
        with reading(self.engine) as connection:
            return [_row(row) for row in connection.execute(query)]

    def streams(self) -> list[Stream]:
        """See the port."""
        table = schema.stream
        with reading(self.engine) as connection:
            return sorted(
                Stream(*row)
                for row in connection.execute(select(table.c.node_type, table.c.region))
            )


def _is_zero() -> Any:
    return schema.attribution.c.worker == ZERO_ADDRESS


def _jobs() -> Select[Any]:
    """Jobs that were nobody's when they were posted or later, with their latest attribution."""
    job, latest = schema.unattributed_job, schema.attribution
    every = latest.alias()
    latest_id = (
        select(func.max(every.c.id))
        .where(every.c.stream_id == job.c.stream_id, every.c.event_id == job.c.event_id)
        .correlate(job)
        .scalar_subquery()
    )
    return (
        select(
            job,
            schema.stream.c.node_type,
            schema.stream.c.region,
            schema.batch.c.read_at,
            latest.c.id.label("attribution_id"),
            _is_zero().label("is_zero"),
        )
        .join(schema.stream, schema.stream.c.id == job.c.stream_id)
        .join(schema.batch, schema.batch.c.id == job.c.batch_id)
        .outerjoin(latest, latest.c.id == latest_id)
    )


def _row(row: Row[Any]) -> UnattributedRow:
    return UnattributedRow(
        stream=Stream(row.node_type, row.region),
        event_id=decode_id(row.event_id),
        dt=row.dt,
        request_id=row.request_id,
        pipeline=row.pipeline,
        model=row.model,
        compute_units=row.compute_units,
        fees_wei=row.fees_wei,
        held=bool(row.held) if row.attribution_id is None else bool(row.is_zero),
        object_key=row.object_key,
        object_version=row.object_version,
        object_index=row.object_index,
        read_at=row.read_at,
    )
