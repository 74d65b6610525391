"""What the services need from the outside, as protocols. Adapters implement them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import polars as pl

from openpool_management.domain.accounts import Standing
from openpool_management.domain.batch import (
    AttributionCause,
    Batch,
    BatchKind,
    Decision,
    LakeFile,
    ReadObject,
)
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.holds import HoldReason
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
        """Read objects, several at once, in the order of refs; never raises for one object."""
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
        """Write rows of LAKE_SCHEMA as one file, durably; the same rows give the same name."""
        ...

    def scan(self, files: Sequence[LakeFile]) -> pl.LazyFrame:
        """The rows of some files, in LAKE_SCHEMA; no files, no rows."""
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

    def batches(self, stream: Stream) -> Iterator[RecordedBatch]:
        """All batches of a stream, oldest first."""
        ...

    def dismissals(self) -> list[Decision]:
        """Decisions that held items are never posted."""
        ...


@dataclass(frozen=True, slots=True)
class HeldDecision:
    """What was decided on a held item: ``release`` or ``dismiss``, why, and when (UTC)."""

    decision: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A held item as it stands; decision None while it is open.

    event_index is the place in the object's array, -1 where the item is a whole object, which has
    no raw JSON. read_at is when the object was read.
    """

    id: str
    stream: Stream
    reason: HoldReason
    detail: str
    object_key: str
    object_version: str
    event_index: int
    event_id: str | None
    event_type: str | None
    raw: str | None
    read_at: datetime
    decision: HeldDecision | None


class Holds(Protocol):
    """Held items and what was decided on them. Every method is one transaction."""

    def items(self, *, decided: bool) -> list[HeldRow]:
        """Open items, and with decided the others too, in the order they were held."""
        ...

    def item(self, held_id: str) -> HeldRow | None:
        """One item, None when there is none with this id."""
        ...

    def read_object(self, held_id: str) -> ReadObject:
        """The object an item was read from."""
        ...

    def dismiss(self, decision: Decision) -> bool:
        """Record that an item is never posted. False when it was decided on before."""
        ...


@dataclass(frozen=True, slots=True)
class UnattributedRow:
    """A job that is or was nobody's; fees in wei, its audit address, when its object was read.

    held: its worker declared no address; otherwise no worker is known.
    """

    stream: Stream
    event_id: str
    dt: datetime
    request_id: str
    pipeline: str
    model: str
    compute_units: int
    fees_wei: int
    held: bool
    object_key: str
    object_version: str
    object_index: int
    read_at: datetime

    def age(self, now: datetime) -> timedelta:
        """Time since the job was done."""
        return now - self.dt


class UnattributedJobs(Protocol):
    """Jobs whose fee stands, or stood, on an account of nobody. Reads only."""

    def open_jobs(self) -> list[UnattributedRow]:
        """Jobs that are nobody's as the ledger stands, oldest first."""
        ...

    def with_id(self, event_id: bytes) -> list[UnattributedRow]:
        """Jobs with this ID that were nobody's once, whoever has them; at most one a stream."""
        ...

    def streams(self) -> list[Stream]:
        """The streams in the ledger, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class RateRow:
    """A commission rate with when and why it was set. worker ``""`` is the default."""

    rate: CommissionRate
    set_at: datetime
    reason: str


class CommissionHistory(Protocol):
    """The commission's history. Every method is one transaction."""

    def rates(self) -> list[RateRow]:
        """All rates, in the order they were set."""
        ...

    def append(self, choose: Callable[[list[RateRow], datetime | None], RateRow]) -> RateRow:
        """Add the rate that choose makes of the history and the newest DT in the ledger.

        No batch is committed meanwhile; what choose raises leaves the history as it is.
        """
        ...


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """The state of the ledger's database. journal_mode is SQLite's, empty for any other kind."""

    kind: str
    revision: str | None
    journal_mode: str
