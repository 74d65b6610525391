"""The partial aggregate of any span of a stream's time, at the cost of what changed.

Whole days are worked out once and kept, and so are blocks of days. What is kept carries a key: the
names of the day's lake files, which hold digests of their content, and the day's moved jobs with
their workers. A day is worked out again when its key is another one. Pieces of days at the ends of
a span are worked out each time.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from hashlib import sha256

import polars as pl

from openpool_management.domain.batch import LakeFile
from openpool_management.domain.streams import Stream
from openpool_management.services.performance.days import (
    DAY,
    blocks,
    day_of,
    days_of,
    parts_of,
    start_of,
)
from openpool_management.services.performance.moved_jobs import moved_frame
from openpool_management.services.performance.partials import (
    COLUMNS_READ,
    empty_partial,
    merged,
    partial_of,
)
from openpool_management.services.ports import Lake
from openpool_management.services.ports.performance import PartialCache, StreamRecord

FORM = 1
"""To be raised when a partial is made in another way: what is kept then no longer fits its key."""

WIDE = 2 * DAY


class StreamPartials:
    """The partials of one stream, by the ledger as it stood when record was read."""

    def __init__(
        self, stream: Stream, record: StreamRecord, lake: Lake, cache: PartialCache
    ) -> None:
        self.lake = lake
        self.cache = cache
        self.files = record.files
        self._record = record
        self._folder = sha256(str(stream).encode()).hexdigest()[:16]
        self._keys: dict[int, str] = {}

    @property
    def first_dt(self) -> datetime | None:
        """When the first event of the stream was, None for a stream without events."""
        return min((file.dt_min for file in self.files), default=None)

    def between(self, start: datetime, end: datetime) -> pl.DataFrame:
        """The partial of events with start <= DT < end (UTC)."""
        first, last = day_of(start), day_of(end)
        if start > start_of(first):
            head = self._piece(first, start, min(end, start_of(first + 1)))
            first += 1
        else:
            head = empty_partial()
        tail = empty_partial()
        if last >= first and end > start_of(last):
            # A day that holds nothing later is whole, and can be kept.
            later = any(file.dt_max >= end for file in self._files_by_day.get(last, ()))
            tail = self._piece(last, start_of(last), end) if later else self._block(0, last)
        middle = [self._block(level, number) for level, number in blocks(first, last)]
        return merged([head, *middle, tail])

    def _block(self, level: int, number: int) -> pl.DataFrame:
        """The partial of a block of days: kept, or worked out and kept."""
        span = days_of(level, number)
        held = self._days[bisect_left(self._days, span.start) : bisect_left(self._days, span.stop)]
        if not held:
            return empty_partial()
        key = _digest(f"{FORM}", *(f"{day}:{self._key(day)}" for day in held))
        place = f"{self._folder}/{level}-{number}"
        kept = self.cache.read(place, key)
        if kept is not None:
            return kept
        if level:
            partial = merged([self._block(*part) for part in parts_of(level, number)])
        else:
            partial = self._piece(number, start_of(number), start_of(number + 1))
        self.cache.write(place, key, partial)
        return partial

    def _piece(self, day: int, start: datetime, end: datetime) -> pl.DataFrame:
        """The partial of a day's events from start up to end, out of the lake."""
        files = self._files_by_day.get(day, [])
        if not files:
            return empty_partial()
        rows = self.lake.scan(files).filter(pl.col("dt") >= start, pl.col("dt") < end)
        moved = self._moved_of(day)
        # IDs are most of the bytes of a row, and seldom needed.
        if moved.is_empty():
            return partial_of(rows.select(COLUMNS_READ).collect())
        moves = moved.select("event_id", "moved_to", is_moved=True)
        found = rows.select("event_id", *COLUMNS_READ).collect()
        return partial_of(
            found.join(moves, on="event_id", how="left", maintain_order="left").with_columns(
                worker=pl.when("is_moved").then("moved_to").otherwise("worker")
            )
        )

    def _key(self, day: int) -> str:
        if day not in self._keys:
            moves = self._moved_of(day).sort("event_id").select("event_id", "moved_to").rows()
            self._keys[day] = _digest(
                *sorted(file.name for file in self._files_by_day[day]),
                *(f"{event_id.hex()}={worker}" for event_id, worker in moves),
            )
        return self._keys[day]

    def _moved_of(self, day: int) -> pl.DataFrame:
        return self._moved_by_day.get(day, self._nothing_moved)

    @cached_property
    def _days(self) -> list[int]:
        """Days that have events, ascending."""
        return sorted(self._files_by_day)

    @cached_property
    def _files_by_day(self) -> dict[int, list[LakeFile]]:
        by_day: dict[int, list[LakeFile]] = {}
        for file in self.files:
            for day in self._days_of_file(file):
                by_day.setdefault(day, []).append(file)
        return by_day

    def _days_of_file(self, file: LakeFile) -> Sequence[int]:
        """The days a file may have events of. One wrong clock makes a span of decades, so what
        lies between the ends of a wide one is looked at."""
        if file.dt_max - file.dt_min <= WIDE:
            return range(day_of(file.dt_min), day_of(file.dt_max) + 1)
        place, key = f"{self._folder}/days-{_digest(file.name)}", f"{FORM}"
        kept = self.cache.read(place, key)
        if kept is None:
            days = pl.col("dt").dt.epoch("d").alias("day")
            kept = self.lake.scan([file]).select(days).unique().sort("day").collect()
            self.cache.write(place, key, kept)
        return kept["day"].to_list()

    @cached_property
    def _moved_by_day(self) -> dict[int, pl.DataFrame]:
        place = f"{self._folder}/moved"
        moved = moved_frame(self._record.moved, self.files, self.lake, self.cache, place)
        days = moved.drop_nulls("dt").with_columns(day=pl.col("dt").dt.epoch("d"))
        parts = days.partition_by("day", as_dict=True, include_key=False)
        return {int(day): part for (day,), part in parts.items()}

    @cached_property
    def _nothing_moved(self) -> pl.DataFrame:
        return pl.DataFrame(schema={"event_id": pl.Binary(), "moved_to": pl.String()})


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]
