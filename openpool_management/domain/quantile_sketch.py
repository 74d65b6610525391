"""A histogram of whole numbers whose bins grow with the numbers, for quantiles that merge exactly.

The bin of a number is the exponent of its double and the first SUB_BITS bits of the mantissa: an
octave has 2^SUB_BITS bins of one width. Each number below 2^(SUB_BITS + 1) has a bin of its own.
From there on, a bin stands for its middle, which is at most 1 / 2^(SUB_BITS + 1) (0.8 %) off any
number in it. That is the bound on a quantile: bins are in the order of the numbers, so the bin at a
place holds the number at that place.

A sketch is how many numbers each bin has. Two are merged by adding the counts, so any split and
any order of the numbers gives the same sketch.
"""

import math
import struct
from collections.abc import Mapping

import polars as pl

SUB_BITS = 6
RELATIVE_ERROR = 1 / 2 ** (SUB_BITS + 1)
LARGEST = 2**126
"""The largest number that has a bin; bins fit into 14 bits."""

_PER_OCTAVE: int = 2**SUB_BITS
_DROPPED_BITS: int = 52 - SUB_BITS
_BIAS: int = 1023 * _PER_OCTAVE


def bin_of(value: int) -> int:
    """The bin of a number from 0 to LARGEST; 0 has bin 0."""
    (bits,) = struct.unpack("<q", struct.pack("<d", float(value)))
    return int(max(0, (bits >> _DROPPED_BITS) - _BIAS + 1))


def bins_of(values: pl.Expr) -> pl.Expr:
    """bin_of over a column of integers, as UInt16."""
    bits = values.cast(pl.Float64).reinterpret(dtype=pl.Int64)
    return (bits // (1 << _DROPPED_BITS) - (_BIAS - 1)).clip(lower_bound=0).cast(pl.UInt16)


def value_of(number: int) -> float:
    """What a bin stands for: its only number, or the middle between its ends."""
    if number == 0:
        return 0.0
    octave, place = divmod(number - 1, _PER_OCTAVE)
    width = math.ldexp(1.0, octave - SUB_BITS)
    low = (_PER_OCTAVE + place) * width
    return low if width <= 1 else low + width / 2


def place_of(count: int, percent: int) -> int:
    """The place, from 1, of a percentile among so many ordered numbers: the nearest rank.

    It is the least place that at least percent % of the numbers are at or before.
    """
    return max(1, -(-count * percent // 100))


def quantile(sketch: Mapping[int, int], percent: int) -> float | None:
    """The number at the place of a percentile, within RELATIVE_ERROR; None for an empty sketch."""
    place = place_of(sum(sketch.values()), percent)
    passed = 0
    for number in sorted(sketch):
        passed += sketch[number]
        if passed >= place:
            return value_of(number)
    return None
