"""What the quality of the event log is judged by, out of the SQL ledger."""

from sqlalchemy import Engine, Integer, func, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.streams import stream_id
from openpool_management.domain.audit import RewrittenKey
from openpool_management.domain.streams import Stream


class SqlRewrittenKeys:
    """Implements the quality service's RewrittenKeys; reads only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def rewritten(self, stream: Stream) -> list[RewrittenKey]:
        """See the port."""
        versions = schema.object_version
        # What was read before versioning was switched on has the version "null" or none.
        unversioned = func.sum((versions.c.version_id.in_(["", "null"])).cast(Integer))
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(versions.c.key, func.count(), unversioned)
                .where(versions.c.stream_id == stream_id(connection, stream))
                .group_by(versions.c.key)
                .having(func.count() > 1)
            )
            found = [RewrittenKey(key, contents, bare < 2) for key, contents, bare in rows]
        return sorted(found, key=lambda one: one.key)
