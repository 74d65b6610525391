"""Which worker did an AI job: job-processed events paired with job-received events.

A job-processed names no worker. It is paired with the nearest job-received before it that has the
same request ID, pipeline and model in the same stream, one to one. A request ID is four random
bytes and comes again by chance, so a pair must also lie within a window.

The outcome is a function of the set of events alone: neither the order in which objects are read
nor the batches they are read in change it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

REQUEST_KEY = ["request_id", "pipeline", "model"]

CANDIDATE_SCHEMA: dict[str, pl.DataType] = {
    "event_id": pl.Binary(),
    "request_id": pl.String(),
    "pipeline": pl.String(),
    "model": pl.String(),
    "worker": pl.String(),
    "dt": pl.Datetime("ms", "UTC"),
    "object_start": pl.Datetime("ms", "UTC"),
    "object_key": pl.String(),
    "object_etag": pl.String(),
    "object_index": pl.Int32(),
    "read_at": pl.Datetime("ms", "UTC"),
}
"""Columns of job-received and job-processed rows to be paired. object_start is the time in the
object's key; read_at is when the object was read."""


@dataclass(frozen=True, slots=True)
class PairRules:
    """How far apart the two events of a pair may be.

    window: between their DTs. late: how long after a job-processed was read a job-received may
    still arrive and claim it.
    """

    window: timedelta = timedelta(hours=1)
    late: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One event of a possible pair."""

    event_id: bytes
    worker: str | None
    dt: datetime
    object_start: datetime
    object_key: str
    object_etag: str
    object_index: int
    read_at: datetime


def pair_jobs(received: pl.DataFrame, processed: pl.DataFrame, rules: PairRules) -> pl.DataFrame:
    """Pair job-processed rows with job-received rows, both of CANDIDATE_SCHEMA.

    Returns the pairs as a frame of event_id (of the job-processed), received_id and worker.
    A job that shares its request key with no other job takes its nearest job-received by a join;
    the few others compete, and are paired by pair_group.
    """
    received = received.join(processed.select(REQUEST_KEY), on=REQUEST_KEY, how="semi")
    processed = processed.join(received.select(REQUEST_KEY), on=REQUEST_KEY, how="semi")
    competing = processed.select(pl.struct(REQUEST_KEY).is_duplicated()).to_series()
    alone = processed.filter(~competing).join(
        received, on=REQUEST_KEY, suffix="_received", coalesce=True
    )
    pairs = _nearest(alone.filter(_may_pair(rules)))
    if not competing.any():
        return pairs
    return pl.concat([pairs, _pair_competing(received, processed.filter(competing), rules)])


def _nearest(fitting: pl.DataFrame) -> pl.DataFrame:
    if fitting["event_id"].is_duplicated().any():
        same_object = (pl.col("object_key") == pl.col("object_key_received")) & (
            pl.col("object_etag") == pl.col("object_etag_received")
        )
        fitting = fitting.sort(
            "object_start_received",
            "object_key_received",
            same_object,
            "object_etag_received",
            "object_index_received",
        ).unique("event_id", keep="last")
    return fitting.select("event_id", received_id="event_id_received", worker="worker_received")


def _may_pair(rules: PairRules) -> pl.Expr:
    same_key = pl.col("object_key") == pl.col("object_key_received")
    same_object = same_key & (pl.col("object_etag") == pl.col("object_etag_received"))
    earlier_object = (pl.col("object_start_received") < pl.col("object_start")) | (
        (pl.col("object_start_received") == pl.col("object_start"))
        & (pl.col("object_key_received") < pl.col("object_key"))
    )
    before = (
        pl.when(same_object)
        .then(pl.col("object_index_received") < pl.col("object_index"))
        .otherwise(same_key | earlier_object)
    )
    near = (pl.col("dt") - pl.col("dt_received")).abs() <= rules.window
    in_time = pl.col("read_at_received") - pl.col("read_at") <= rules.late
    return before & near & in_time


def _pair_competing(
    received: pl.DataFrame, processed: pl.DataFrame, rules: PairRules
) -> pl.DataFrame:
    def groups(frame: pl.DataFrame) -> dict[tuple[object, ...], list[Candidate]]:
        found: dict[tuple[object, ...], list[Candidate]] = {}
        for row in frame.select(*CANDIDATE_SCHEMA).iter_rows(named=True):
            key = tuple(row.pop(name) for name in REQUEST_KEY)
            found.setdefault(key, []).append(Candidate(**row))
        return found

    chosen = groups(received.join(processed.select(REQUEST_KEY), on=REQUEST_KEY, how="semi"))
    rows: list[tuple[bytes, bytes, str | None]] = []
    for key, jobs in groups(processed).items():
        matches = pair_group(chosen.get(key, []), jobs, rules)
        rows.extend((job_id, match.event_id, match.worker) for job_id, match in matches.items())
    schema = {"event_id": pl.Binary, "received_id": pl.Binary, "worker": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def pair_group(
    received: Sequence[Candidate], processed: Sequence[Candidate], rules: PairRules
) -> Mapping[bytes, Candidate]:
    """Pair the events of one request key: job-processed event IDs with their job-received.

    Jobs choose in stream order, each the nearest job-received before it that is still free, so a
    retry goes to the worker that answered last.
    """
    free = list(received)
    matches: dict[bytes, Candidate] = {}
    for job in sorted(processed, key=_position):
        fitting = [one for one in free if _precedes(one, job, rules)]
        if fitting:
            nearest = max(fitting, key=lambda one: _nearness(one, job))
            free.remove(nearest)
            matches[job.event_id] = nearest
    return matches


def _position(one: Candidate) -> tuple[datetime, str, str, int]:
    return one.object_start, one.object_key, one.object_etag, one.object_index


def _same_object(one: Candidate, other: Candidate) -> bool:
    return (one.object_key, one.object_etag) == (other.object_key, other.object_etag)


def _precedes(one: Candidate, job: Candidate, rules: PairRules) -> bool:
    if _same_object(one, job):
        before = one.object_index < job.object_index
    else:
        # Two contents under one key are flushes that overwrote each other. Which came first can't
        # be known, and a pair split over them was written by one process in the right order.
        before = one.object_key == job.object_key or (one.object_start, one.object_key) < (
            job.object_start,
            job.object_key,
        )
    return (
        before and abs(job.dt - one.dt) <= rules.window and one.read_at - job.read_at <= rules.late
    )


def _nearness(one: Candidate, job: Candidate) -> tuple[datetime, str, bool, str, int]:
    return (
        one.object_start,
        one.object_key,
        _same_object(one, job),
        one.object_etag,
        one.object_index,
    )
