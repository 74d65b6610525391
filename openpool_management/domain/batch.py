"""A batch: everything one commit adds to the ledger."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from openpool_management.domain.accounts import Entry
from openpool_management.domain.holds import HeldItem
from openpool_management.domain.streams import Stream


class BatchKind(StrEnum):
    """What a batch came from."""

    OBJECTS = "objects"
    RELEASE = "release"
    ASSIGNMENT = "assignment"


class AttributionCause(StrEnum):
    """Why a job's worker changed after the job was posted."""

    PAIR_ARRIVED = "pair-arrived"
    ASSIGNED = "assigned"


@dataclass(frozen=True, slots=True)
class ReadObject:
    """One object version that was read, and when. start and end are the times its key states."""

    key: str
    version_id: str
    etag: str
    size_bytes: int
    last_modified: datetime
    start: datetime | None
    end: datetime | None
    read_at: datetime
    events: int


@dataclass(frozen=True, slots=True)
class UnattributedJob:
    """A job whose fee was earned by nobody who can be paid; its address in the log, fee in wei."""

    event_id: bytes
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


@dataclass(frozen=True, slots=True)
class Attribution:
    """A posted job's worker, changed. worker None: nobody known."""

    event_id: bytes
    worker: str | None
    received_id: bytes | None
    cause: AttributionCause
    pipeline: str
    model: str


class PresenceKind(StrEnum):
    """What an event says about connections."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    RESET = "reset"
    ALIVE = "alive"


@dataclass(frozen=True, slots=True)
class PresenceFact:
    """An event about a worker's presence. ALIVE is the last of a run of jobs inside one object."""

    object_no: int
    object_index: int
    dt: datetime
    kind: PresenceKind
    worker: str
    connection: str


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A file of the event lake: its name, its rows, and the span of its events' DTs."""

    name: str
    rows: int
    dt_min: datetime
    dt_max: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator decided on (a held item's id, a job's event ID), why, and when (UTC)."""

    subject: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """One commit on a stream. seq is its place in the stream's history, counted from 1.

    counts: events by type, duplicates left out. For a decision, subject is what was decided on (a
    held item's id, a job's event ID) and reason the operator's words.
    """

    id: str
    stream: Stream
    seq: int
    kind: BatchKind
    read_at: datetime
    rates_seen: int
    objects: tuple[ReadObject, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    held: tuple[HeldItem, ...] = ()
    entries: tuple[Entry, ...] = ()
    unattributed: tuple[UnattributedJob, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    presence: tuple[PresenceFact, ...] = ()
    lake_file: LakeFile | None = None
    released: str | None = None
    subject: str = ""
    reason: str = ""

    @property
    def events(self) -> int:
        """Events counted by this batch."""
        return sum(self.counts.values())


def batch_id(stream: Stream, kind: BatchKind, parts: Iterable[str]) -> str:
    """The id of a batch, the same whenever it is made of the same parts.

    parts name what the batch was made of: its objects' keys and etags, or the decision's subject.
    """
    digest = hashlib.sha256(f"{kind}\0{stream}".encode())
    for part in sorted(parts):
        digest.update(b"\n" + part.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def held_id(key: str, etag: str, event_index: int) -> str:
    """The id of a held item, the same whenever the same object is read."""
    text = f"{key}\0{etag}\0{event_index}"
    return "H" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
