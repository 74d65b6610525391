"""What performance reads of a ledger, and where its partial aggregates are kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from openpool_management.domain.batch import LakeFile
from openpool_management.domain.streams import Stream


@dataclass(frozen=True, slots=True)
class MovedJob:
    """A job whose worker changed after it was read; worker None: nobody known.

    dt is when the job was, None where the ledger does not say; near_dt is a time of the batch that
    changed it, None where that batch read no events.
    """

    event_id: bytes
    worker: str | None
    dt: datetime | None
    near_dt: datetime | None


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """The lake files of a stream and the jobs that were moved, at one moment of the ledger."""

    files: tuple[LakeFile, ...]
    moved: tuple[MovedJob, ...]


class PerformanceRecords(Protocol):
    """A ledger, as far as performance needs it."""

    def streams(self) -> list[Stream]:
        """All streams, sorted."""
        ...

    def stream_record(self, stream: Stream) -> StreamRecord:
        """Lake files in the order they were read, and moved jobs with their latest worker."""
        ...


class PartialCache(Protocol):
    """Frames that can be worked out again: everything in it may be deleted at any time."""

    def read(self, place: str, key: str) -> pl.DataFrame | None:
        """What was written to a place with a key, None where that is not there or unreadable."""
        ...

    def write(self, place: str, key: str, frame: pl.DataFrame) -> None:
        """Keep a frame, and forget those of the same place with other keys."""
        ...
