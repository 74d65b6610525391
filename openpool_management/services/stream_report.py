"""What a stream's pages show: its workers' fees and units, its jobs and their pace."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from openpool_management.domain.accounts import AccountKind, Standing
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import Books, Lake, Ledger

PACE_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class WorkerFees:
    """A worker's work on one stream; amounts in wei, gross = net + commission."""

    worker: str
    jobs: int
    gross_wei: int
    net_wei: int
    commission_wei: int


@dataclass(frozen=True, slots=True)
class WorkerUnits:
    """A worker's compute units on one pipeline and model of a stream."""

    worker: str
    pipeline: str
    model: str
    jobs: int
    compute_units: int


@dataclass(frozen=True, slots=True)
class JobTotals:
    """Jobs and their fees in wei, by whom they are owed to."""

    paid_jobs: int
    paid_wei: int
    unattributed_jobs: int
    unattributed_wei: int
    held_jobs: int
    held_wei: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Jobs of each minute (UTC), oldest first, minutes without any included."""

    minutes: tuple[datetime, ...]
    jobs: tuple[int, ...]


def worker_fees(standings: Iterable[Standing], stream: Stream) -> list[WorkerFees]:
    """The workers of a stream, those who earned most first."""
    jobs: Counter[str] = Counter()
    net_wei: Counter[str] = Counter()
    commission_wei: Counter[str] = Counter()
    for one in _of_stream(standings, stream):
        if one.account.kind is AccountKind.PAYABLE:
            jobs[one.account.worker] += one.jobs
            net_wei[one.account.worker] += one.balance_wei
        elif one.account.kind is AccountKind.COMMISSION:
            commission_wei[one.account.worker] += one.balance_wei
    rows = [
        WorkerFees(
            worker,
            count,
            net_wei[worker] + commission_wei[worker],
            net_wei[worker],
            commission_wei[worker],
        )
        for worker, count in jobs.items()
        # A worker whose jobs were all moved to another has none left.
        if count
    ]
    return sorted(rows, key=lambda row: (-row.gross_wei, row.worker))


def worker_units(standings: Iterable[Standing], stream: Stream) -> list[WorkerUnits]:
    """Compute units of a stream's workers, pipeline by pipeline, most units first in each.

    Units of different pipelines are different things, so they are never added up.
    """
    rows = [
        WorkerUnits(
            one.account.worker,
            one.account.pipeline,
            one.account.model,
            one.jobs,
            one.compute_units,
        )
        for one in _of_stream(standings, stream)
        if one.account.kind is AccountKind.PAYABLE and one.jobs
    ]
    return sorted(rows, key=lambda row: (row.pipeline, -row.compute_units, row.worker, row.model))


def job_totals(standings: Iterable[Standing], stream: Stream) -> JobTotals:
    """The jobs of a stream by whom they are owed to; paid_wei includes the commission."""
    jobs: Counter[AccountKind] = Counter()
    amounts_wei: Counter[AccountKind] = Counter()
    for one in _of_stream(standings, stream):
        jobs[one.account.kind] += one.jobs
        amounts_wei[one.account.kind] += one.balance_wei
    return JobTotals(
        jobs[AccountKind.PAYABLE],
        amounts_wei[AccountKind.PAYABLE] + amounts_wei[AccountKind.COMMISSION],
        jobs[AccountKind.UNATTRIBUTED],
        amounts_wei[AccountKind.UNATTRIBUTED],
        jobs[AccountKind.HELD],
        amounts_wei[AccountKind.HELD],
    )


def events_of(books: Books, stream: Stream) -> dict[str, int]:
    """Events of a stream by type, repeats left out; empty for a stream the ledger does not know."""
    return books.event_totals().get(stream, {})


def job_pace(ledger: Ledger, lake: Lake, stream: Stream, now: datetime) -> Pace:
    """Jobs per minute of the last hour that the stream has objects of."""
    newest = ledger.newest_start(stream, now)
    if newest is None:
        return Pace((), ())
    lo, hi = newest - PACE_WINDOW, newest + PACE_WINDOW
    files = ledger.lake_files(stream, lo, hi)
    if not files:
        return Pace((), ())
    counts = dict(
        lake.scan(files)
        .filter(pl.col("event_type") == "job-processed", pl.col("dt").is_between(lo, hi))
        .group_by(pl.col("dt").dt.truncate("1m"))
        .len()
        .collect()
        .rows()
    )
    if not counts:
        return Pace((), ())
    first, last = min(counts), max(counts)
    span = range(int((last - first) / timedelta(minutes=1)) + 1)
    minutes = tuple(first + timedelta(minutes=number) for number in span)
    return Pace(minutes, tuple(counts.get(minute, 0) for minute in minutes))


def _of_stream(standings: Iterable[Standing], stream: Stream) -> list[Standing]:
    return [one for one in standings if one.account.stream == str(stream)]
