"""kill -9 at every step outwards of a day of a pool, from planning to the last settlement."""

import signal
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from openpool_management_tests.faults.payout_crashes.drill import Drill
from openpool_management_tests.faults.payout_crashes.kill_points import SEND, Point


def die_at_each(drill: Drill, points: Iterable[Point]) -> None:
    """A pool that dies at a point, for each; another process ends its day."""
    for point in points:
        ended = drill.live(replace(drill.begin(), at=point))
        # A receipt may be asked for once more or less: the last of such a kind may not come.
        assert ended == -signal.SIGKILL or "Receipt" in point.what, point
        drill.finish()


def outwards(points: Iterable[Point]) -> list[Point]:
    """Those between which another process would find anything else on disk or on the chain."""
    return [one for one in points if one.what.startswith("commit") or SEND in one.what]


def test_killed_at_every_commit_and_broadcast(sqlite_drill: Drill) -> None:
    points = outwards(sqlite_drill.points())
    kinds = Counter(point.what for point in points)
    assert kinds[f"ask {SEND}"] == kinds[f"told {SEND}"] == len(sqlite_drill.workers)
    die_at_each(sqlite_drill, points)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_at_every_write_and_request(drill: Drill) -> None:
    die_at_each(drill, drill.points())
