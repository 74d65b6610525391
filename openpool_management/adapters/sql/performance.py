"""What performance reads of the SQL ledger."""

from sqlalchemy import Connection, Engine, and_, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.streams import known_streams, stream_id
from openpool_management.domain.batch import LakeFile
from openpool_management.domain.streams import Stream
from openpool_management.services.ports.performance import MovedJob, StreamRecord


class SqlPerformance:
    """Implements the PerformanceRecords port; reads only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def streams(self) -> list[Stream]:
        """See the port."""
        with reading(self.engine) as connection:
            return known_streams(connection)

    def stream_record(self, stream: Stream) -> StreamRecord:
        """See the port. One transaction, so that files and moved jobs are of one moment."""
        with reading(self.engine) as connection:
            number = stream_id(connection, stream)
            return StreamRecord(_files(connection, number), _moved(connection, number))


def _files(connection: Connection, stream: int) -> tuple[LakeFile, ...]:
    batch = schema.batch
    rows = connection.execute(
        select(batch.c.lake_file, batch.c.lake_rows, batch.c.dt_min, batch.c.dt_max)
        .where(batch.c.stream_id == stream, batch.c.lake_file.is_not(None))
        .order_by(batch.c.seq)
    )
    return tuple(LakeFile(*row) for row in rows)


def _moved(connection: Connection, stream: int) -> tuple[MovedJob, ...]:
    change, job, batch = schema.attribution, schema.unattributed_job, schema.batch
    rows = connection.execute(
        select(change.c.event_id, change.c.worker, job.c.dt, batch.c.dt_min)
        .join(batch, batch.c.id == change.c.batch_id)
        .outerjoin(
            job, and_(job.c.stream_id == change.c.stream_id, job.c.event_id == change.c.event_id)
        )
        .where(change.c.stream_id == stream)
        .order_by(change.c.id)
    )
    # The last one of a job counts.
    return tuple({row.event_id: MovedJob(*row) for row in rows}.values())
