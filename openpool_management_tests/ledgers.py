"""Real ledgers in temporary places, sources to fill them from, and all that can be seen of them."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from hashlib import md5
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl
from sqlalchemy import Connection, Engine, text

from openpool_management.adapters.directory_lake import DirectoryLake
from openpool_management.adapters.sql.books import SqlBooks
from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.adapters.sql.prepare import prepare_ledger
from openpool_management.adapters.sql.presence import SqlPresence
from openpool_management.domain.accounts import Account, AccountKind
from openpool_management.domain.batch import LakeFile
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.event_ids import decode_id
from openpool_management.domain.invariants import broken_invariants
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.presence import (
    ConnectionInterval,
)
from openpool_management.domain.streams import Stream, times_of_key
from openpool_management.services.connections import connections
from openpool_management.services.history import StreamHistory
from openpool_management.services.ingest import BatchLimits, Ingest, Outcome
from openpool_management.services.ledger_report import ledger_document
from openpool_management.services.ports import EventSource, Fetched, ObjectRef
from openpool_management_tests.log_objects import NOW, Event, body, key

FEE_BPS = 2_500


@dataclass(frozen=True)
class Picture:
    """Everything of a ledger that must not depend on how its objects were read.

    standings are (balance_wei, jobs, compute_units) of the accounts that are not at zero; workers
    has the worker of each job by event ID, None for nobody.
    """

    document: dict[str, Any]
    standings: dict[Account, tuple[int, int, int]]
    workers: dict[str, str | None]
    connections: dict[str, list[ConnectionInterval]]


class ScratchLedger:
    """A ledger and a directory lake of their own."""

    def __init__(self, url: str, lake: Path) -> None:
        """Open the ledger at url, making it if it is not there, with a commission of FEE_BPS."""
        self.engine: Engine = ledger_engine(url)
        prepare_ledger(self.engine, FEE_BPS)
        self.ledger = SqlLedger(self.engine)
        self.books = SqlBooks(self.engine)
        self.lake = DirectoryLake(lake)

    @classmethod
    def in_directory(cls, directory: Path) -> "ScratchLedger":
        """An SQLite ledger in a directory; made from a copy, since migrations take their time."""
        path = directory / "ledger.sqlite"
        if not path.exists():
            shutil.copyfile(_empty_ledger(), path)
        return cls(f"sqlite:///{path}", directory / "lake")

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def __enter__(self) -> "ScratchLedger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ingest(
        self,
        source: EventSource,
        *,
        batch_objects: int = 250,
        clock: Callable[[], datetime] = lambda: NOW,
        rules: PairRules | None = None,
        lateness: timedelta = timedelta(hours=48),
    ) -> Ingest:
        """Ingest from a source into this ledger."""
        limits = BatchLimits(max_objects=batch_objects, lateness=lateness)
        return Ingest(source, self.ledger, self.lake, clock, rules, limits)

    def sync(self, source: EventSource, *, full: bool = False, **options: Any) -> list[Outcome]:
        """Read all that is new in all streams of a source."""
        ingest = self.ingest(source, **options)
        return [
            outcome for stream in source.streams() for outcome in ingest.sync(stream, full=full)
        ]

    def document(self) -> dict[str, Any]:
        """What ``openpool ledger --json`` prints."""
        return ledger_document(self.books)

    def broken(self) -> Sequence[str]:
        """Invariants that don't hold."""
        return broken_invariants(
            {standing.account: standing.balance_wei for standing in self.books.standings()}
        )

    def picture(self) -> Picture:
        """The ledger as it stands. Fails where an invariant or its own books don't hold."""
        assert self.broken() == []
        streams = list(self.books.event_totals())
        standings = {
            one.account: (one.balance_wei, one.jobs, one.compute_units)
            for one in self.books.standings()
            if one.balance_wei or one.jobs or one.compute_units
        }
        workers = {
            event_id: worker for stream in streams for event_id, worker in self._workers(stream)
        }
        assert sum(jobs for _, jobs, _ in standings.values()) == len(workers)
        owed_to_nobody = sum(
            jobs
            for account, (_, jobs, _) in standings.items()
            if account.kind is AccountKind.UNATTRIBUTED
        )
        assert owed_to_nobody == list(workers.values()).count(None)
        return Picture(
            document=self.document(),
            standings=standings,
            workers=workers,
            connections={str(stream): self.connections(stream) for stream in streams},
        )

    def lake_files(self, stream: Stream) -> list[LakeFile]:
        """The lake files that the ledger names."""
        return self.ledger.lake_files(stream, EPOCH, NOW + timedelta(days=1000))

    def events(self, stream: Stream) -> pl.DataFrame:
        """All rows of a stream in the lake."""
        return pl.concat([self.lake.scan([file]).collect() for file in self.lake_files(stream)])

    def _workers(self, stream: Stream) -> Iterator[tuple[str, str | None]]:
        if not self.lake_files(stream):
            return
        events = self.events(stream)
        assert events["event_id"].is_unique().all()
        jobs = events.filter(pl.col("event_type") == "job-processed")
        history = StreamHistory(stream, self.ledger, self.lake)
        for event_id, worker in history.attributed(jobs).select("event_id", "worker").iter_rows():
            yield decode_id(event_id), worker

    def connections(self, stream: Stream) -> list[ConnectionInterval]:
        """The connection intervals of a stream, from the facts in the ledger."""
        return connections(SqlPresence(self.engine), stream)


@cache
def _empty_ledger() -> Path:
    path = Path(mkdtemp(prefix="openpool-empty-")) / "ledger.sqlite"
    engine = ledger_engine(f"sqlite:///{path}")
    prepare_ledger(engine, FEE_BPS)
    # The last connection to close folds the write-ahead log into the file.
    engine.dispose()
    return path


@dataclass(frozen=True)
class Version:
    """One version of one object; the etag is made of the content."""

    key: str
    data: bytes

    @property
    def etag(self) -> str:
        """As S3 makes it."""
        return md5(self.data, usedforsecurity=False).hexdigest()


@dataclass
class MemorySource:
    """An EventSource whose objects are in memory: versions can appear later."""

    versions: list[Version] = field(default_factory=list)
    name: str = "memory"

    def add(self, versions: Iterable[Version]) -> None:
        """Let more versions appear."""
        self.versions.extend(versions)

    def streams(self) -> list[Stream]:
        """See the port."""
        folders = {tuple(version.key.split("/")[:2]) for version in self.versions}
        return sorted(Stream(node_type, region) for region, node_type in folders)

    def objects(self, stream: Stream, since: datetime | None) -> Iterator[ObjectRef]:
        """See the port."""
        after = stream.key_at(since) if since is not None else ""
        for number, version in sorted(enumerate(self.versions), key=lambda one: one[1].key):
            if version.key.startswith(stream.prefix) and version.key > after:
                yield ObjectRef(version.key, str(number), version.etag, len(version.data), EPOCH)

    def fetch(self, refs: Sequence[ObjectRef]) -> Iterator[Fetched]:
        """See the port."""
        for ref in refs:
            yield Fetched(ref, self.versions[int(ref.version_id or 0)].data)


def sync_in_turns(
    scratch: ScratchLedger, turns: Sequence[Sequence[Version]], *, batch_objects: int = 250
) -> None:
    """Let versions appear turn by turn, and read all that is new after each."""
    source = MemorySource()
    for versions in turns:
        source.add(versions)
        scratch.sync(source, full=True, batch_objects=batch_objects)


def stated_start(stream: Stream, key: str) -> datetime:
    """The time a key begins at."""
    times = times_of_key(stream, key)
    assert times is not None
    return times.start


class Log:
    """An event log that grows, read into a ledger after each object."""

    def __init__(self, scratch: ScratchLedger) -> None:
        self.scratch = scratch
        self.source = MemorySource()

    def read(self, stream: Stream, second: int, *events: Event) -> None:
        """Let one object appear and read it."""
        self.source.add([Version(key(stream, second), body(list(events)))])
        self.scratch.sync(self.source, full=True)


def balances_wei(scratch: ScratchLedger) -> dict[str, int]:
    """Balance of each account that is not at zero, by its name; no invariant is broken."""
    assert scratch.broken() == []
    return {
        one.account.name: one.balance_wei for one in scratch.books.standings() if one.balance_wei
    }


def drop_guards(connection: Connection) -> None:
    """Let rows of an SQLite ledger be changed, as somebody could by hand."""
    query = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for name in connection.scalars(query).all():
        connection.execute(text(f"DROP TRIGGER {name}"))
