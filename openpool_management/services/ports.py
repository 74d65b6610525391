"""What the services need from the outside, as protocols. Adapters implement them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from openpool_management.domain.accounts import Standing
from openpool_management.domain.batch import AttributionCause, Batch, LakeFile
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.streams import Stream


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One version of one object of the event log, as its source lists it.

    version_id is None where the source keeps no versions. etag changes whenever the content does.
    """

    key: str
    version_id: str | None
    etag: str
    size_bytes: int
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of reading one object: its bytes, or the sentence that says why there are none.

    ref names what was really read: an object that was overwritten after it was listed
    comes back with the etag and version of the content in data.
    """

    ref: ObjectRef
    data: bytes | None
    error: str | None = None


class EventSource(Protocol):
    """Where the event log is read from."""

    @property
    def name(self) -> str:
        """How messages call it, such as ``s3://my-bucket``."""
        ...

    def streams(self) -> list[Stream]:
        """The streams that have objects, sorted."""
        ...

    def objects(self, stream: Stream, since: datetime | None) -> Iterator[ObjectRef]:
        """Object versions of a stream in key order, those whose key starts before since left out.

        Every version behind a key is listed where the source keeps versions. Lazy: what is not
        consumed costs no request. Keys that do not end in ``.json`` are not listed.
        """
        ...

    def fetch(self, refs: Sequence[ObjectRef]) -> Iterator[Fetched]:
        """Read objects, several at once, yielded in the order of refs; never raises for one object."""
        ...


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
        """Write rows of LAKE_SCHEMA as one file, durably; the same rows always give the same name."""
        ...

    def scan(self, files: Sequence[LakeFile]) -> pl.LazyFrame:
        """The rows of some files, in LAKE_SCHEMA."""
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
