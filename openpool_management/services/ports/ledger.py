"""The ledger, its lake and its history, as the services need them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from openpool_management.domain.accounts import Standing
from openpool_management.domain.batch import (
    AttributionCause,
    Batch,
    BatchKind,
    Decision,
    LakeFile,
)
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.streams import Stream
from openpool_management.services.ports.event_log import ObjectRef


@dataclass(frozen=True, slots=True)
class StreamHead:
    """A stream's state before the next batch: the last seq, and the commission history."""

    seq: int
    rates: tuple[CommissionRate, ...]


class LedgerConflict(Exception):
    """Another process committed to the stream first: read the head again and redo the batch."""


class Ledger(Protocol):
    """The SQL ledger. Every method is one transaction."""

    def head(self, stream: Stream) -> StreamHead:
        """The stream's head, which a batch built on it must still find at its commit."""
        ...

    def read_objects(self, stream: Stream, since: datetime | None) -> set[tuple[str, str]]:
        """(key, etag) of the objects read whose key starts at or after since, or of all."""
        ...

    def newest_start(self, stream: Stream, until: datetime) -> datetime | None:
        """The start of the newest object read that does not start after until."""
        ...

    def lake_files(self, stream: Stream, lo: datetime, hi: datetime) -> list[LakeFile]:
        """Lake files that hold events of a span of DTs."""
        ...

    def attributions(
        self, stream: Stream, event_ids: Sequence[bytes]
    ) -> dict[bytes, tuple[str | None, AttributionCause]]:
        """The latest attribution of those jobs that have one: (worker, cause) by event ID."""
        ...

    def commit(self, batch: Batch) -> None:
        """Write a batch, all or nothing.

        Raises LedgerConflict when its seq is taken, one of its objects is read already, or the
        commission history is not the one it was built on.
        """
        ...


class Lake(Protocol):
    """The event lake: Parquet files that are written once."""

    def write(self, stream: Stream, batch_id: str, rows: pl.DataFrame) -> LakeFile:
        """Write rows of LAKE_SCHEMA as one file, durably; the same rows give the same name."""
        ...

    def scan(self, files: Sequence[LakeFile], *, file_column: str | None = None) -> pl.LazyFrame:
        """The rows of some files, in LAKE_SCHEMA; no files, no rows.

        With file_column the name of each row's file is a column more.
        """
        ...

    def missing(self, files: Sequence[LakeFile]) -> list[LakeFile]:
        """Those of the files that are not there."""
        ...

    def probe(self) -> None:
        """Write and remove an empty file. Raises whatever writing raises where it is refused."""
        ...


class Books(Protocol):
    """What reports read of a ledger."""

    def standings(self) -> list[Standing]:
        """Every account with its balance and its work."""
        ...

    def event_totals(self) -> dict[Stream, dict[str, int]]:
        """Events read by type, stream by stream, repeats left out."""
        ...

    def open_holds(self) -> int:
        """Number of held items that wait for a decision."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedBatch:
    """A batch as the ledger remembers it: what it was made of, not what it came to."""

    seq: int
    kind: BatchKind
    read_at: datetime
    objects: tuple[ObjectRef, ...]
    subject: str
    worker: str
    reason: str


class LedgerRecord(Protocol):
    """The ledger's history, to be replayed."""

    def streams(self) -> list[Stream]:
        """Streams that have batches."""
        ...

    def batches(self, stream: Stream, after: int = 0) -> Iterator[RecordedBatch]:
        """Batches of a stream whose seq is greater than after, oldest first."""
        ...

    def dismissals(self) -> list[Decision]:
        """Decisions that held items are never posted."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """The state of the ledger's database. journal_mode is SQLite's, empty for any other kind."""

    kind: str
    revision: str | None
    journal_mode: str
