"""Days (UTC) and blocks of days, each with what it is made of.

A day is a number: days since 1970. A block of level n is a run of 8^n days that starts at a
multiple of it; a block of level 0 is a day. So any run of days is a few blocks, and their number
grows with the logarithm of history.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from openpool_management.domain.lake_rows import EPOCH

DAY = timedelta(days=1)
FANOUT = 8
TOP_LEVEL = 4
"""Blocks of 8^4 days, eleven years."""


def day_of(moment: datetime) -> int:
    """The day that a moment (UTC) lies in."""
    return (moment - EPOCH) // DAY


def start_of(day: int) -> datetime:
    """The first moment of a day."""
    return EPOCH + day * DAY


def blocks(first: int, end: int) -> Iterator[tuple[int, int]]:
    """The fewest blocks that are the days from first up to end, end left out: (level, number)."""
    while first < end:
        level = 0
        size = 1
        while level < TOP_LEVEL and first % (size * FANOUT) == 0 and first + size * FANOUT <= end:
            level += 1
            size *= FANOUT
        yield level, first // size
        first += size


def days_of(level: int, number: int) -> range:
    """The days of a block."""
    size = FANOUT**level
    return range(number * size, (number + 1) * size)


def parts_of(level: int, number: int) -> list[tuple[int, int]]:
    """The blocks one level below that a block is made of."""
    return [(level - 1, number * FANOUT + part) for part in range(FANOUT)]
