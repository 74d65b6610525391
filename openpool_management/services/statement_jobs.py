"""The jobs that a line of a statement is made of, and what they add up to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

import polars as pl

from openpool_management.domain.audit import BatchRecord
from openpool_management.domain.batch import AttributionCause
from openpool_management.domain.commission import net_wei_of
from openpool_management.domain.event_ids import decode_id
from openpool_management.services.audit_trail import FILE, AuditTrail

_LINE = (FILE, "pipeline", "model")
_ADDRESS = ("event_id", "dt", "object_key", "object_version", "object_index")
_AMOUNTS = ("compute_units", "fees_wei", "fee_bps", "net_wei")


JobsKey = tuple[str, str, str]
"""What an entry says of a worker's pipeline and model: posting key, pipeline, model."""


@dataclass(frozen=True, slots=True)
class LineJob:
    """One job of a statement line; what was taken back is below zero, jobs being 1 or -1.

    fees_wei is what the job earned at all, net_wei the worker's part at fee_bps. cause and reason
    say why it came or went after it was posted; both are empty for a job that was the worker's
    when it was read.
    """

    event_id: str
    dt: datetime
    object_key: str
    object_version: str
    object_index: int
    jobs: int
    compute_units: int
    fees_wei: int
    fee_bps: int
    net_wei: int
    cause: AttributionCause | None = None
    reason: str = ""


class LineJobs(Sequence[LineJob]):
    """Jobs that were the worker's when they were read; each is made when it is asked for.

    rows have the fields of a LineJob in their order, the ID as bytes; places are those of the
    line's jobs among them.
    """

    def __init__(self, rows: pl.DataFrame, places: Sequence[int] | pl.Series) -> None:
        self._rows = rows
        self._places = pl.Series(places, dtype=pl.UInt32)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> LineJob: ...
    @overload
    def __getitem__(self, place: slice) -> "LineJobs": ...
    def __getitem__(self, place: int | slice) -> "LineJob | LineJobs":
        if isinstance(place, slice):
            return LineJobs(self._rows, self._places[place])
        return _job(self._rows.row(self._places[place]))

    def __iter__(self) -> Iterator[LineJob]:
        yield from map(_job, self._rows[self._places].iter_rows())


@dataclass(frozen=True, slots=True)
class JobSet:
    """Jobs with what they add up to; count is less than their number where some were taken back."""

    jobs: Sequence[LineJob] = ()
    count: int = 0
    compute_units: int = 0
    net_wei: int = 0

    @classmethod
    def of(cls, jobs: Iterable[LineJob]) -> "JobSet":
        """Some jobs, added up."""
        known = tuple(jobs)
        return cls(
            known,
            sum(job.jobs for job in known),
            sum(job.compute_units for job in known),
            sum(job.net_wei for job in known),
        )


def earned_jobs(
    trail: AuditTrail, batches: Sequence[BatchRecord], worker: str
) -> dict[JobsKey, JobSet]:
    """The jobs of batches that were the worker's when they were read, all in one scan.

    Sums are of integers with 128 bits.
    """
    keys = {one.lake_file.name: f"{one.id}:earned" for one in batches if one.lake_file}
    rows = (
        trail.jobs(batches, worker)
        .with_columns(pl.col("compute_units", "fees_wei").cast(pl.Int128), jobs=1)
        .with_columns(net_wei=net_wei_of(pl.col("fees_wei"), pl.col("fee_bps")))
        .select(*_LINE, *_ADDRESS, "jobs", *_AMOUNTS)
        .collect()
    )
    sums = (
        rows.select(*_LINE, "compute_units", "net_wei")
        .with_row_index("places")
        .group_by(_LINE)
        .agg("places", pl.col("compute_units", "net_wei").sum())
    )
    fields = rows.drop(_LINE)
    return {
        (keys[file], pipeline, model): JobSet(LineJobs(fields, places), len(places), units, net_wei)
        for file, pipeline, model, places, units, net_wei in zip(*sums, strict=True)
    }


def _job(row: tuple[Any, ...]) -> LineJob:
    event_id, *others = row
    return LineJob(decode_id(event_id), *others)
