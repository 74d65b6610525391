"""Partial aggregates: no split and no order of rows gives another one."""

import random
from itertools import pairwise
from unittest.mock import patch

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management.services.performance import partials
from openpool_management.services.performance.partials import (
    COLUMNS_READ,
    MOST_UNITS,
    PARTIAL_SCHEMA,
    empty_partial,
    merged,
    partial_of,
)
from openpool_management_tests.log_objects import ALICE, BOB, START

BIG = 10**30 - 1

JOBS = st.fixed_dictionaries(
    {
        "dt": st.just(START),
        "event_type": st.sampled_from(["job-processed", "job-received", "worker-connected"]),
        "worker": st.sampled_from([ALICE, BOB, ZERO_ADDRESS, None]),
        "pipeline": st.sampled_from(["llm", "upscale"]),
        "model": st.sampled_from(["", "m1"]),
        "compute_units": st.one_of(st.integers(0, 9), st.integers(0, BIG)),
        "fees_wei": st.integers(0, BIG),
        "response_us": st.one_of(st.none(), st.integers(0, 3), st.integers(0, 2**63 - 1)),
        "duration_ms": st.one_of(st.none(), st.integers(0, 3), st.integers(0, 2**63 - 1)),
    }
)


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={name: LAKE_SCHEMA[name] for name in COLUMNS_READ})


@settings(max_examples=60)
@given(st.lists(JOBS, max_size=40), st.lists(st.integers(0, 40), max_size=5), st.integers())
def test_any_split_in_any_order_merges_to_the_same(
    rows: list[dict[str, object]], cuts: list[int], seed: int
) -> None:
    whole = partial_of(frame(rows))
    mixed = list(rows)
    random.Random(seed).shuffle(mixed)
    ends = [0, *sorted(cuts), len(rows)]
    parts = [partial_of(frame(mixed[lo:hi])) for lo, hi in pairwise(ends)]
    assert_frame_equal(merged(parts), whole)
    # And with more groups than numbers of texts can tell apart.
    with patch.object(partials, "MOST_GROUPS", 0):
        assert_frame_equal(partial_of(frame(rows)), whole)
    # And merging in two steps.
    middle = len(parts) // 2
    assert_frame_equal(merged([merged(parts[middle:]), merged(parts[:middle])]), whole)


def test_nothing_adds_up_to_nothing() -> None:
    assert_frame_equal(partial_of(frame([])), empty_partial())
    assert_frame_equal(merged([]), empty_partial())
    assert dict(empty_partial().schema) == PARTIAL_SCHEMA


def test_sums_beyond_64_bits_are_exact() -> None:
    job = {
        "dt": START,
        "event_type": "job-processed",
        "worker": ALICE,
        "pipeline": "llm",
        "model": "m1",
        "compute_units": BIG,
        "fees_wei": BIG,
        "response_us": 1,
        "duration_ms": 2**63 - 1,
    }
    half = partial_of(frame([job] * 500))
    row = merged([half, half]).row(0, named=True)
    assert (row["fees_wei"], row["compute_units"]) == (1_000 * BIG, 1_000 * BIG)
    assert row["ratio_ppm_sum"] == 1_000 * (2**63 - 1) * 10**9
    assert row["milliunits_per_second_max"] == MOST_UNITS * 10**9
    assert row["milliunits_per_second_sum"] == 1_000 * MOST_UNITS * 10**9
