"""Performance worked out the slow way: over every row of the window at once, quantiles exact."""

from dataclasses import dataclass, fields
from datetime import datetime
from fractions import Fraction
from typing import Any

import polars as pl

from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.streams import Stream
from openpool_management.services.performance.report import PerformanceRow
from openpool_management_tests.ledgers import ScratchLedger


@dataclass(frozen=True)
class BruteRow:
    """What must come out, by the names of PerformanceRow; None where nothing is known."""

    jobs: int
    answers: int
    fees_wei: int
    compute_units: int
    response_p50_ms: float | None
    response_p95_ms: float | None
    response_p99_ms: float | None
    response_mean_ms: float | None
    real_time_ratio_median: float | None
    real_time_ratio_mean: float | None
    real_time_ratio_min: float | None
    real_time_ratio_max: float | None
    units_per_second: float | None
    units_per_second_median: float | None
    units_per_second_mean: float | None
    units_per_second_min: float | None
    units_per_second_max: float | None


EXACT = {"jobs", "answers", "fees_wei", "compute_units"}
SKETCHED = {
    "response_p50_ms",
    "response_p95_ms",
    "response_p99_ms",
    "real_time_ratio_median",
    "units_per_second_median",
}


def brute_rows(
    scratch: ScratchLedger, stream: Stream, start: datetime, end: datetime
) -> dict[tuple[str, str, str], BruteRow]:
    """The rows of a stream by worker, pipeline and model, row by row in Python's integers."""
    events = scratch.events(stream).filter(pl.col("dt") >= start, pl.col("dt") < end)
    ids = events["event_id"].to_list()
    moved = SqlLedger(scratch.engine).attributions(stream, ids)
    groups: dict[tuple[str, str, str], tuple[list[dict[str, Any]], list[int]]] = {}
    for row in events.iter_rows(named=True):
        worker = moved[row["event_id"]][0] if row["event_id"] in moved else row["worker"]
        if row["event_type"] not in ("job-processed", "job-received"):
            continue
        if worker is None or worker == ZERO_ADDRESS:
            continue
        jobs, answers = groups.setdefault((worker, row["pipeline"], row["model"]), ([], []))
        if row["event_type"] == "job-processed":
            jobs.append(row)
        else:
            answers.append(1)
    return {group: _row(jobs, len(answers)) for group, (jobs, answers) in groups.items()}


def _row(jobs: list[dict[str, Any]], answers: int) -> BruteRow:
    timed = [job for job in jobs if job["response_us"]]
    response_ms = [Fraction(job["response_us"], 1_000) for job in timed]
    ratios = [
        Fraction(job["duration_ms"] * 1_000, job["response_us"])
        for job in timed
        if job["duration_ms"]
    ]
    units = [Fraction(int(job["compute_units"])) for job in timed]
    seconds = [Fraction(job["response_us"], 10**6) for job in timed]
    speeds = [one / time for one, time in zip(units, seconds, strict=True)]
    return BruteRow(
        len(jobs),
        answers,
        sum(int(job["fees_wei"]) for job in jobs),
        sum(int(job["compute_units"]) for job in jobs),
        _at(response_ms, 50),
        _at(response_ms, 95),
        _at(response_ms, 99),
        _mean(response_ms),
        *_summary(ratios),
        float(sum(units) / sum(seconds)) if timed else None,
        *_summary(speeds),
    )


def _at(numbers: list[Fraction], percent: int) -> float | None:
    ordered = sorted(numbers)
    return float(ordered[max(0, -(-len(ordered) * percent // 100) - 1)]) if ordered else None


def _mean(numbers: list[Fraction]) -> float | None:
    return float(sum(numbers) / len(numbers)) if numbers else None


_Summary = tuple[float | None, float | None, float | None, float | None]


def _summary(numbers: list[Fraction]) -> _Summary:
    least, greatest = (float(min(numbers)), float(max(numbers))) if numbers else (None, None)
    return _at(numbers, 50), _mean(numbers), least, greatest


def assert_agrees(rows: list[PerformanceRow], wanted: dict[tuple[str, str, str], BruteRow]) -> None:
    """Counts and sums are the same, quantiles are within 1 %, all else is rounded down at most."""
    found = {(row.worker, row.pipeline, row.model): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == wanted.keys()
    for group, brute in wanted.items():
        for field in fields(BruteRow):
            name = field.name
            value, expected = getattr(found[group], name), getattr(brute, name)
            if name in EXACT or expected is None:
                assert value == expected, (group, name)
                continue
            # Ratios are kept in millionths, speeds in thousandths of a unit.
            step = 1e-6 if "ratio" in name else 1e-3 if name != "response_mean_ms" else 0.0
            share = 0.01 if name in SKETCHED else 1e-12
            assert abs(value - expected) <= step + share * expected, (group, name, value, expected)
