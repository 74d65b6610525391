"""What was posted on each of the last days, by stream: for the pool and for one worker."""

from collections.abc import Iterable
from datetime import date, timedelta

from openpool_management.domain.worker_history import DayLine, WorkerHistory
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.values import Document

DAYS_SHOWN = 90


def pool_days(material: Material) -> list[Document]:
    """A row for each day and stream on which workers earned, oldest first."""
    return _days(material, material.ledger.histories.values())


def worker_days(material: Material, worker: str) -> list[Document]:
    """The rows of one worker."""
    history = material.ledger.histories.get(worker)
    return _days(material, [history] if history else [])


def _days(material: Material, histories: Iterable[WorkerHistory]) -> list[Document]:
    first = material.made_at.date() - timedelta(days=DAYS_SHOWN - 1)
    sums: dict[tuple[date, str], DayLine] = {}
    for history in histories:
        for key, line in history.lines.items():
            if key.day >= first:
                sums.setdefault((key.day, key.stream), DayLine()).add(line)
    return [
        {
            "date": day.isoformat(),
            "stream": stream,
            "jobs": line.jobs,
            "fees_wei": str(line.fees_wei),
            "commission_wei": str(line.commission_wei),
            "net_wei": str(line.net_wei),
        }
        for (day, stream), line in sorted(sums.items(), key=lambda one: one[0])
        if not line.empty
    ]
