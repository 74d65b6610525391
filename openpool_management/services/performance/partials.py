"""Partial aggregates: what some events add up to, for each worker, pipeline and model.

A partial is a frame of PARTIAL_SCHEMA, one row a worker, pipeline and model, sorted by these. All
of it merges exactly: sums and counts are added, minima and maxima compared, sketches added. Every
number is an integer, so no order of merging gives another result.
"""

from collections.abc import Sequence
from math import prod

import polars as pl

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.quantile_sketch import bins_of

GROUP = ("worker", "pipeline", "model")
MEASURES = ("response_us", "ratio_ppm", "milliunits_per_second")
"""Numbers of a job that quantiles are wanted of. ratio_ppm: duration / response time in millionths;
the last: compute units × 1000 / response time. Both rounded down."""

MOST_UNITS = 10**21
"""A job's units count up to here in its units per second, so that sums stay within 128 bits."""

CODES_PER_MEASURE = 2**14
_PLACES_PER_GROUP = 2**16
MOST_GROUPS = 2**48
"""Numbers of groups up to here leave room for a code beside them in 64 bits."""

_SUMS = ("jobs", "answers", "fees_wei", "compute_units", "timed_units")
_MOST_64_BITS = 2**63 - 1

PARTIAL_SCHEMA: dict[str, pl.DataType] = {
    **{name: pl.String() for name in GROUP},
    "jobs": pl.Int64(),
    "answers": pl.Int64(),
    "fees_wei": pl.Int128(),
    "compute_units": pl.Int128(),
    "timed_units": pl.Int128(),
    **{
        f"{measure}_{part}": pl.Int64() if part == "count" else pl.Int128()
        for measure in MEASURES
        for part in ("count", "sum", "min", "max")
    },
    "codes": pl.List(pl.UInt16()),
    "counts": pl.List(pl.Int64()),
}
"""timed_units: compute units of jobs that state a response time. codes and counts are the sketches
of all measures: measure number × CODES_PER_MEASURE + bin, ascending, and how many jobs it has."""

COLUMNS_READ = (
    "dt",
    "event_type",
    "worker",
    "pipeline",
    "model",
    "compute_units",
    "fees_wei",
    "response_us",
    "duration_ms",
)
"""Columns of a lake row that a partial is made of."""


def empty_partial() -> pl.DataFrame:
    """What no events add up to."""
    return pl.DataFrame(schema=PARTIAL_SCHEMA)


def partial_of(rows: pl.DataFrame) -> pl.DataFrame:
    """What lake rows add up to; those of nobody and of the zero address are left out."""
    rows = rows.filter(
        pl.col("worker").is_not_null(),
        pl.col("worker") != ZERO_ADDRESS,
        pl.col("event_type").is_in(["job-processed", "job-received"]),
    ).with_columns(pl.col("pipeline", "model").fill_null(""))
    if rows.is_empty():
        return empty_partial()
    rows = _grouped(rows)
    processed = pl.col("event_type") == "job-processed"
    jobs = _with_measures(rows.filter(processed))
    totals, answers, *sketches = pl.collect_all(
        [
            _by_group(
                jobs,
                jobs=pl.len(),
                fees_wei=pl.col("fees_wei").cast(pl.Int128).sum(),
                compute_units=pl.col("units").sum(),
                timed_units=pl.col("units").filter(pl.col("response_us").is_not_null()).sum(),
                **{
                    f"{measure}_{part}": value
                    for measure in MEASURES
                    for part, value in (
                        ("count", pl.col(measure).count()),
                        ("sum", pl.col(measure).cast(pl.Int128).sum()),
                        ("min", pl.col(measure).min()),
                        ("max", pl.col(measure).max()),
                    )
                },
            ),
            _by_group(rows.filter(~processed), answers=pl.len()),
            *_sketches(jobs),
        ]
    )
    found = totals.join(answers, on=["group", *GROUP], how="full", coalesce=True)
    bins = pl.concat(sketches).select(
        "counts",
        group=pl.col("place") // _PLACES_PER_GROUP,
        codes=(pl.col("place") % _PLACES_PER_GROUP).cast(pl.UInt16),
    )
    return _shaped(found, bins)


def merged(partials: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """What the events of several partials add up to."""
    filled = [one for one in partials if one.height]
    if len(filled) < 2:
        return filled[0] if filled else empty_partial()
    rows = _grouped(pl.concat(filled))
    ends = [
        getattr(pl.col(f"{measure}_{end}"), end)() for measure in MEASURES for end in ("min", "max")
    ]
    sums = [f"{measure}_{part}" for measure in MEASURES for part in ("count", "sum")]
    totals = _by_group(rows, pl.col(*_SUMS, *sums).sum(), *ends).collect()
    bins = (
        rows.select("group", "codes", "counts")
        .explode("codes", "counts", empty_as_null=False, keep_nulls=False)
        .group_by("group", "codes")
        .agg(pl.col("counts").sum())
    )
    return _shaped(totals, bins)


def _with_measures(jobs: pl.DataFrame) -> pl.DataFrame:
    """The jobs with units and MEASURES, null where a job does not state what they need."""
    jobs = jobs.with_columns(
        pl.col("response_us", "duration_ms").replace(0, None),
        units=pl.col("compute_units").cast(pl.Int128),
    )
    response, duration = pl.col("response_us"), pl.col("duration_ms")
    return jobs.with_columns(
        ratio_ppm=_product(jobs, duration, 10**9) // response,
        milliunits_per_second=_product(jobs, pl.col("units").clip(upper_bound=MOST_UNITS), 10**9)
        // response,
    )


def _product(jobs: pl.DataFrame, column: pl.Expr, factor: int) -> pl.Expr:
    """A column times a factor, in 64 bits where all of it fits: 128 bits divide slowly."""
    largest = jobs.select(column.max()).item()
    kind = pl.Int64 if largest is None or largest * factor <= _MOST_64_BITS else pl.Int128
    return column.cast(kind) * pl.lit(factor, kind)


def _grouped(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with group: a number for each worker, pipeline and model, in their order.

    Numbers of texts make the number of a group, as digits do; texts are compared but once each.
    """
    texts = {name: rows[name].unique().sort() for name in GROUP}
    if prod(len(one) for one in texts.values()) > MOST_GROUPS:
        groups = rows.select(GROUP).unique().sort(GROUP).with_row_index("group")
        return rows.join(groups.cast({"group": pl.UInt64}), on=GROUP, how="left")
    group = pl.lit(0, pl.UInt64)
    for name, found in texts.items():
        if len(found) > 1:
            number = pl.col(name).cast(pl.Enum(found)).to_physical().cast(pl.UInt64)
            group = group * len(found) + number
    return rows.with_columns(group=group)


def _sketches(jobs: pl.DataFrame) -> list[pl.LazyFrame]:
    """For each measure, how many jobs have a place: group × _PLACES_PER_GROUP + code."""
    return [
        jobs.lazy()
        .filter(pl.col(measure).is_not_null())
        .select(
            place=pl.col("group") * _PLACES_PER_GROUP
            + bins_of(pl.col(measure)).cast(pl.UInt64)
            + first
        )
        .group_by("place")
        .agg(counts=pl.len().cast(pl.Int64))
        for measure, first in zip(MEASURES, range(0, 2**16, CODES_PER_MEASURE), strict=False)
    ]


def _by_group(rows: pl.DataFrame, *values: pl.Expr, **named: pl.Expr) -> pl.LazyFrame:
    return rows.lazy().group_by("group").agg(pl.col(GROUP).first(), *values, **named)


def _shaped(totals: pl.DataFrame, bins: pl.DataFrame) -> pl.DataFrame:
    """A partial out of a row for each group, and of one for each code that a group has.

    A group without jobs, or without answers, has none of them.
    """
    sketches = bins.sort("group", "codes").group_by("group").agg("codes", "counts")
    rows = totals.join(sketches, on="group", how="left").sort("group")
    counts = [f"{measure}_{part}" for measure in MEASURES for part in ("count", "sum")]
    return rows.select(
        pl.col(name).cast(kind) for name, kind in PARTIAL_SCHEMA.items()
    ).with_columns(pl.col(*_SUMS, *counts).fill_null(0), pl.col("codes", "counts").fill_null([]))
