"""What is said of a worker on one pipeline and model of a stream."""

from dataclasses import dataclass
from datetime import datetime

from openpool_management.domain.streams import Stream


@dataclass(frozen=True, slots=True)
class PerformanceRow:
    """A worker's jobs on one pipeline and model of a stream, with DTs in start <= DT < end (UTC).

    None stands for what is not known: no job stated it, or the pipeline does not emit it. Nothing
    is ever NaN. jobs, answers, fees_wei and compute_units are exact; means, minima and maxima are
    exact but for the rounding of a float; p50, p95, p99 and medians are within 1 % of a value that
    stands at that place among the jobs (domain/quantile_sketch.py). A median is p50.

    jobs: job-processed events whose worker this is, later attributions included. May be 0 where
    only answers came; then rank and percentile are None.
    fees_wei: fees before commission. compute_units: the pipeline's own unit.
    response_…_ms: milliseconds, over jobs that state a response time.
    real_time_ratio_…: duration / response time of a job; more is better. Over jobs that state both.
    units_per_second: units of all jobs that state a response time / the sum of these times;
    units_per_second_median, _mean, _min, _max: of the jobs one by one.
    answers: job-received events of the worker (AI only). success_share: jobs / answers, at most 1,
    where the pipeline emitted both in the window on this stream.
    online_share: part of the window in which the worker had a connection to the stream, 0 to 1.
    score: what workers are ranked by within (stream, pipeline, model): real_time_ratio_median for
    transcoding, units_per_second_median else. rank: 1 is best; equal scores share a rank.
    percentile: percent of the other ranked workers that are behind this one; 100 for one alone.
    """

    stream: Stream
    worker: str
    pipeline: str
    model: str
    start: datetime
    end: datetime
    jobs: int
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
    answers: int
    success_share: float | None
    online_share: float | None
    score: float | None
    rank: int | None
    percentile: float | None
