"""Rows of a report out of a partial aggregate."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import polars as pl

from openpool_management.domain.quantile_sketch import quantile
from openpool_management.domain.streams import Stream
from openpool_management.domain.worker_ranks import ranks
from openpool_management.services.performance.partials import CODES_PER_MEASURE, MEASURES
from openpool_management.services.performance.performance_row import PerformanceRow

_US_PER_MS = 1_000
_PPM = 1_000_000
_MILLI = 1_000
_US_PER_SECOND = 1_000_000


class _Span(NamedTuple):
    stream: Stream
    start: datetime
    end: datetime


def rows_of(
    partial: pl.DataFrame,
    stream: Stream,
    start: datetime,
    end: datetime,
    online: Mapping[str, float],
) -> list[PerformanceRow]:
    """The rows of a stream's partial, by pipeline and model, the best first, unranked ones last."""
    both = set(
        partial.group_by("pipeline")
        .agg(pl.col("jobs", "answers").sum())
        .filter(pl.col("jobs") > 0, pl.col("answers") > 0)["pipeline"]
    )
    span = _Span(stream, start, end)
    rows: list[PerformanceRow] = []
    ordered = partial.sort("pipeline", "model", "worker").iter_rows(named=True)
    for (pipeline, _), group in groupby(ordered, key=lambda row: (row["pipeline"], row["model"])):
        figures = {row["worker"]: _figures(row, stream) for row in group}
        scores = {
            worker: one["score"] for worker, one in figures.items() if one["score"] is not None
        }
        places = ranks(scores)
        rows.extend(
            PerformanceRow(
                **span._asdict(),
                **one,
                success_share=_success(one) if pipeline in both else None,
                online_share=online.get(worker),
                rank=places[worker][0] if worker in places else None,
                percentile=places[worker][1] if worker in places else None,
            )
            for worker, one in figures.items()
        )
    return sorted(
        rows, key=lambda row: (row.pipeline, row.model, row.rank is None, row.rank, row.worker)
    )


def _figures(row: Mapping[str, Any], stream: Stream) -> dict[str, Any]:
    """What a worker did on one pipeline and model, by the names of PerformanceRow."""
    response, ratio, speed = (_Measure(row, number) for number in range(len(MEASURES)))
    time_us = row["response_us_sum"]
    figures = {
        **{name: row[name] for name in ("worker", "pipeline", "model", "jobs", "answers")},
        **{name: row[name] for name in ("fees_wei", "compute_units")},
        **{f"response_p{at}_ms": response.quantile(at, _US_PER_MS) for at in (50, 95, 99)},
        "response_mean_ms": response.mean(_US_PER_MS),
        **{f"real_time_ratio_{name}": value for name, value in ratio.summary(_PPM).items()},
        "units_per_second": row["timed_units"] * _US_PER_SECOND / time_us if time_us else None,
        **{f"units_per_second_{name}": value for name, value in speed.summary(_MILLI).items()},
    }
    # Pipelines of AI are called as orchestrators like, transcode too.
    transcode = stream.node_type == "transcode"
    by = "real_time_ratio_median" if transcode else "units_per_second_median"
    return figures | {"score": figures[by]}


def _success(one: Mapping[str, Any]) -> float | None:
    return min(1.0, one["jobs"] / one["answers"]) if one["answers"] else None


class _Measure:
    """Figures of one measure of a partial's row, divided by a scale; None where no job has it."""

    def __init__(self, row: Mapping[str, Any], number: int) -> None:
        name = MEASURES[number]
        self.count, self.sum, self.min, self.max = (
            row[f"{name}_{part}"] for part in ("count", "sum", "min", "max")
        )
        first = number * CODES_PER_MEASURE
        self.sketch = {
            code - first: count
            for code, count in zip(row["codes"], row["counts"], strict=True)
            if first <= code < first + CODES_PER_MEASURE
        }

    def quantile(self, percent: int, scale: int) -> float | None:
        """A quantile, never beyond the least and the greatest number."""
        value = quantile(self.sketch, percent)
        return None if value is None else min(max(value, self.min), self.max) / scale

    def mean(self, scale: int) -> float | None:
        """The mean; integers are divided, so it is off by the rounding of one float."""
        return self.sum / (self.count * scale) if self.count else None

    def summary(self, scale: int) -> dict[str, float | None]:
        """Median, mean, minimum and maximum."""
        return {
            "median": self.quantile(50, scale),
            "mean": self.mean(scale),
            "min": self.min / scale if self.count else None,
            "max": self.max / scale if self.count else None,
        }
