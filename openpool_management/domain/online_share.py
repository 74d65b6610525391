"""How much of a span of time workers were connected."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from openpool_management.domain.presence import ConnectionInterval


def online_shares(
    intervals: Iterable[ConnectionInterval], start: datetime, end: datetime
) -> dict[str, float]:
    """The part of start to end (UTC), 0 to 1, in which each worker had a connection.

    Several connections at a time count once; one that stands counts up to end. A worker that was
    connected at other times alone has 0; one whose connections the log does not hold is left out.
    """
    online: dict[str, timedelta] = {}
    covered_to: dict[str, datetime] = {}
    for one in sorted(intervals, key=lambda one: one.opened_at):
        if one.opened_at >= end:
            continue
        opened_at = max(one.opened_at, covered_to.get(one.worker, start))
        closed_at = min(one.closed_at or end, end)
        online.setdefault(one.worker, timedelta())
        if closed_at > opened_at:
            online[one.worker] += closed_at - opened_at
            covered_to[one.worker] = closed_at
    return {worker: time / (end - start) for worker, time in online.items()}
