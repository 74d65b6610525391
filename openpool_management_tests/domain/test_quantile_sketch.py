"""Quantiles of sketches against exact ones, and that no split or order changes a sketch."""

from collections import Counter
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.quantile_sketch import (
    LARGEST,
    RELATIVE_ERROR,
    bin_of,
    bins_of,
    place_of,
    quantile,
    value_of,
)

NUMBERS = st.one_of(
    st.integers(0, 300),
    st.integers(1, 10**7),
    st.integers(0, LARGEST),
    st.builds(lambda power, off: max(0, 2**power + off), st.integers(0, 125), st.integers(-2, 2)),
)
PERCENTS = st.integers(0, 100)


def exact(numbers: list[int], percent: int) -> int:
    """The least number that at least percent % of the numbers are not above."""
    enough = (
        number
        for number in sorted(numbers)
        if 100 * sum(one <= number for one in numbers) >= percent * len(numbers)
    )
    return next(enough)


@given(st.lists(NUMBERS, min_size=1, max_size=60), PERCENTS)
def test_a_quantile_is_within_one_percent_of_the_exact_one(
    numbers: list[int], percent: int
) -> None:
    found = quantile(Counter(map(bin_of, numbers)), percent)
    wanted = exact(numbers, percent)
    assert found is not None
    assert abs(Fraction(found) - wanted) * 100 <= wanted
    assert RELATIVE_ERROR < 0.01


@given(st.integers(0, 127))
def test_small_numbers_are_exact(number: int) -> None:
    assert value_of(bin_of(number)) == number


@given(NUMBERS, NUMBERS)
def test_bins_are_in_the_order_of_the_numbers(one: int, other: int) -> None:
    low, high = sorted([one, other])
    assert bin_of(low) <= bin_of(high)
    assert value_of(bin_of(low)) <= value_of(bin_of(high))


@given(st.lists(NUMBERS))
def test_a_column_has_the_bins_of_its_numbers(numbers: list[int]) -> None:
    frame = pl.DataFrame({"number": pl.Series(numbers, dtype=pl.Int128)})
    assert frame.select(bins_of(pl.col("number")))["number"].to_list() == [
        bin_of(number) for number in numbers
    ]


@given(st.lists(st.lists(NUMBERS)), st.randoms())
def test_any_split_and_order_gives_one_sketch(parts: list[list[int]], random: object) -> None:
    whole = [number for part in parts for number in part]
    random.shuffle(parts)  # type: ignore[attr-defined]
    added: Counter[int] = Counter()
    for part in parts:
        added.update(Counter(map(bin_of, part)))
    assert added == Counter(map(bin_of, whole))


@pytest.mark.parametrize(
    ("count", "percent", "place"),
    [(1, 50, 1), (2, 50, 1), (3, 50, 2), (100, 95, 95), (101, 99, 100), (5, 100, 5), (5, 0, 1)],
)
def test_places(count: int, percent: int, place: int) -> None:
    assert place_of(count, percent) == place


def test_an_empty_sketch_has_no_quantile() -> None:
    assert quantile({}, 50) is None
