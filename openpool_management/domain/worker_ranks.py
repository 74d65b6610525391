"""Places of workers among others."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping


def ranks(scores: Mapping[str, float]) -> dict[str, tuple[int, float]]:
    """(rank, percentile) of each worker by its score; more is better.

    The rank is 1 + the number of workers with a better score, so equal scores share one.
    The percentile is the percent of the other workers whose score is worse; a worker alone has 100.
    """
    ordered = sorted(scores.values())
    others = len(ordered) - 1
    return {
        worker: (
            len(ordered) - bisect_right(ordered, score) + 1,
            100 * bisect_left(ordered, score) / others if others else 100.0,
        )
        for worker, score in scores.items()
    }
