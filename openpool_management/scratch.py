"""A scratch pool: an empty ledger and lake in a temporary folder, to replay another pool into."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from openpool_management.adapters.directory_lake import DirectoryLake
from openpool_management.adapters.sql.attribution import SqlUnattributedJobs
from openpool_management.adapters.sql.books import SqlBooks
from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.holds import SqlHolds
from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.adapters.sql.prepare import copy_commission_rates, prepare_schema
from openpool_management.adapters.sql.record import SqlRecord
from openpool_management.domain.holds import WAIVABLE
from openpool_management.domain.streams import Stream
from openpool_management.pool import Pool
from openpool_management.services.attribution import assign
from openpool_management.services.holds import dismiss, release
from openpool_management.services.verify import VerifyReport, verify


class ScratchPool:
    """Implements verify's Scratch port beside the pool that is replayed."""

    def __init__(self, pool: Pool, directory: Path) -> None:
        self.rules = pool.pair_rules
        self.engine = ledger_engine(f"sqlite:///{directory / 'ledger.sqlite'}")
        prepare_schema(self.engine)
        copy_commission_rates(pool.engine, self.engine)
        self.ledger = SqlLedger(self.engine)
        self.lake = DirectoryLake(directory / "lake")
        self.books = SqlBooks(self.engine)

    def release(self, held_id: str, reason: str, at: datetime) -> None:
        """See the port. What was set aside is not on record, so all that may be is."""
        holds = SqlHolds(self.engine)
        release(holds, self.ledger, self.lake, self.rules, held_id, reason, at, also=WAIVABLE)

    def assign(self, stream: Stream, event_id: str, worker: str, reason: str, at: datetime) -> None:
        """See the port."""
        jobs = SqlUnattributedJobs(self.engine)
        assign(jobs, self.ledger, self.lake, event_id, worker, reason, at, stream=stream)

    def dismiss(self, held_id: str, reason: str, at: datetime) -> None:
        """See the port."""
        dismiss(SqlHolds(self.engine), held_id, reason, at)


@contextmanager
def scratch_pool(pool: Pool) -> Iterator[ScratchPool]:
    """A scratch pool that is deleted in the end. TMPDIR says where; it takes the lake's room."""
    with TemporaryDirectory(prefix="openpool-verify-") as directory:
        scratch = ScratchPool(pool, Path(directory))
        try:
            yield scratch
        finally:
            scratch.engine.dispose()


def verify_pool(
    pool: Pool, progress: Callable[[Stream, int], None] = lambda stream, objects: None
) -> VerifyReport:
    """Replay a pool's log into a scratch pool and compare the two, see services.verify."""
    with scratch_pool(pool) as scratch:
        record = SqlRecord(pool.engine)
        return verify(record, pool.books, pool.source, scratch, pool.pair_rules, progress)
