"""Pairs of AI jobs, against a model written from the words of the event log alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpool_management.domain.correlation import CANDIDATE_SCHEMA, PairRules, pair_jobs
from openpool_management_tests.log_objects import ALICE, BOB, CAROL, moment

RULES = PairRules(window=timedelta(minutes=10), late=timedelta(days=7))
WEEK = 7 * 24 * 3600


@dataclass(frozen=True)
class Row:
    """One event: when it happened (second), and where it was read."""

    name: str
    kind: str
    request: str
    pipeline: str
    worker: str | None
    second: int
    start: int
    key: str
    etag: str
    index: int
    read_second: int

    @property
    def dt(self) -> datetime:
        return moment(self.second)


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                row.name.encode(),
                row.request,
                row.pipeline,
                "m1",
                row.worker,
                row.dt,
                moment(row.start),
                row.key,
                row.etag,
                row.index,
                moment(row.read_second),
            )
            for row in rows
        ],
        schema=CANDIDATE_SCHEMA,
        orient="row",
    )


def paired(rows: Sequence[Row], rules: PairRules = RULES) -> dict[str, tuple[str, str | None]]:
    outcome = pair_jobs(
        frame([row for row in rows if row.kind == "received"]),
        frame([row for row in rows if row.kind == "processed"]),
        rules,
    )
    assert outcome.columns == ["event_id", "received_id", "worker"]
    assert outcome["event_id"].is_unique().all()
    assert outcome["received_id"].is_unique().all()
    return {job.decode(): (one.decode(), worker) for job, one, worker in outcome.iter_rows()}


def model(rows: Sequence[Row], rules: PairRules = RULES) -> dict[str, tuple[str, str | None]]:
    """One to one, same request, pipeline and model, nearest before, inside the window.

    Jobs choose in the order of the stream: start of the key, key, place in the array. Flushes that
    overwrote each other share a key; which was first is unknown, so either may hold the answer.
    """
    taken: set[str] = set()
    pairs: dict[str, tuple[str, str | None]] = {}
    jobs = [row for row in rows if row.kind == "processed"]
    for job in sorted(jobs, key=lambda row: (row.start, row.key, row.etag, row.index)):
        best: Row | None = None
        for one in rows:
            if one.kind != "received" or one.name in taken:
                continue
            if (one.request, one.pipeline) != (job.request, job.pipeline):
                continue
            if one.key == job.key and one.etag == job.etag and one.index >= job.index:
                continue
            if one.key != job.key and (one.start, one.key) >= (job.start, job.key):
                continue
            if not -rules.window <= job.dt - one.dt <= rules.window:
                continue
            if timedelta(seconds=one.read_second - job.read_second) > rules.late:
                continue
            if best is None or is_nearer(one, best, job):
                best = one
        if best is not None:
            taken.add(best.name)
            pairs[job.name] = (best.name, best.worker)
    return pairs


def is_nearer(one: Row, other: Row, job: Row) -> bool:
    """Whether one comes after other in the stream; the job's own flush is nearer than its twin."""
    if (one.start, one.key) != (other.start, other.key):
        return (one.start, one.key) > (other.start, other.key)
    if one.etag != other.etag:
        if job.key == one.key and job.etag in (one.etag, other.etag):
            return one.etag == job.etag
        return one.etag > other.etag
    return one.index > other.index


@st.composite
def logs(draw: st.DrawFn) -> list[Row]:
    """A few objects, some of one second, some under one key, some a week later."""
    rows: list[Row] = []
    objects = draw(
        st.sets(
            st.tuples(
                st.sampled_from([0, 60, 300, 600, 660, WEEK, WEEK + 60]),
                st.sampled_from("ab"),
                st.sampled_from(["e1", "e2"]),
            ),
            min_size=1,
            max_size=5,
        )
    )
    for start, suffix, etag in sorted(objects):
        read_second = draw(st.sampled_from([0, WEEK, WEEK + 1, 2 * WEEK, 2 * WEEK + 1]))
        for index in range(draw(st.integers(1, 5))):
            kind = draw(st.sampled_from(["received", "processed"]))
            second = start + draw(st.sampled_from([-1, 0, 0, 1, 30, 60, 599, 600, 601]))
            rows.append(
                Row(
                    name=f"{start}{suffix}{etag}-{index}",
                    kind=kind,
                    request=draw(st.sampled_from(["0a0a0a0a", "0a0a0a0a", "0b0b0b0b"])),
                    pipeline=draw(st.sampled_from(["llm", "llm", "upscale"])),
                    worker=draw(st.sampled_from([ALICE, BOB])) if kind == "received" else None,
                    second=second,
                    start=start,
                    key=f"{start:09d}{suffix}",
                    etag=etag,
                    index=index,
                    read_second=read_second,
                )
            )
    return rows


@settings(max_examples=400, deadline=None)
@given(logs())
def test_pairs_are_the_models(rows: list[Row]) -> None:
    assert paired(rows) == model(rows)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_order_of_rows_changes_nothing(data: st.DataObject) -> None:
    rows = data.draw(logs())
    assert paired(data.draw(st.permutations(rows))) == paired(rows)


RECEIVED = Row("r1", "received", "0a", "llm", ALICE, 0, 0, "k0", "e", 0, 0)
PROCESSED = Row("p1", "processed", "0a", "llm", None, 1, 0, "k0", "e", 1, 0)


@pytest.mark.parametrize(
    ("change", "second"),
    [
        ({}, 600),
        ({"second": 0}, 0),
        ({"start": 60, "key": "k1", "index": 0}, 61),
        ({"etag": "a", "index": 0}, 1),
        ({"etag": "z", "index": 0}, 1),
        ({"key": "k1", "index": 0}, 1),
    ],
    ids=["edge", "tie", "next-object", "twin-before", "twin-after", "same-second"],
)
def test_pair(change: dict[str, object], second: int) -> None:
    job = replace(PROCESSED, **{"second": second, **change})  # type: ignore[arg-type]
    assert paired([RECEIVED, job]) == {"p1": ("r1", ALICE)} == model([RECEIVED, job])


@pytest.mark.parametrize(
    "change",
    [
        {"second": 601},
        {"second": WEEK, "start": WEEK, "key": "k9"},
        {"request": "0b"},
        {"pipeline": "upscale"},
        {"start": -60, "key": "a", "second": -1},
        {"key": "a"},
    ],
    ids=["too-late", "a-week-later", "request", "pipeline", "before", "same-second-before"],
)
def test_no_pair(change: dict[str, object]) -> None:
    job = replace(PROCESSED, **change)  # type: ignore[arg-type]
    assert paired([RECEIVED, job]) == {} == model([RECEIVED, job])


def test_received_after_processed_in_one_object_is_no_pair() -> None:
    assert paired([replace(RECEIVED, index=2), PROCESSED]) == {}


@pytest.mark.parametrize(("late_by", "found"), [(0, True), (1, False)])
def test_answer_read_after_the_late_window_claims_nothing(late_by: int, found: bool) -> None:
    received = replace(RECEIVED, read_second=WEEK + late_by, etag="d")
    assert bool(paired([received, PROCESSED])) == found
    job_read_later = replace(PROCESSED, read_second=9 * WEEK)
    assert paired([RECEIVED, job_read_later]) == {"p1": ("r1", ALICE)}


def test_retry_goes_to_the_worker_that_answered_last() -> None:
    rows = [
        RECEIVED,
        replace(RECEIVED, name="r2", worker=BOB, index=1),
        replace(RECEIVED, name="r3", worker=CAROL, index=2),
        replace(PROCESSED, index=3),
    ]
    assert paired(rows) == {"p1": ("r3", CAROL)}


def test_one_answer_pays_one_job() -> None:
    rows = [RECEIVED, PROCESSED, replace(PROCESSED, name="p2", index=2)]
    assert paired(rows) == {"p1": ("r1", ALICE)}


def test_nothing_pairs_with_nothing() -> None:
    assert paired([]) == paired([RECEIVED]) == paired([PROCESSED]) == {}
