"""Documents as pandas frames, for tables: every cell is a value of a published document.

Columns hold objects. Wei and compute units are text, and what is not known is None, never NaN.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.exports.publication import Publication
from openpool_management.services.exports.values import Document

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, tuple[str, str]]
"""(type, description) by column name."""

WORKER_COLUMNS: Columns = {
    "worker": ("string", "Ethereum address."),
    "online": ("bool", "Whether a connection to some stream is open."),
    "jobs": ("int", "Jobs done, over all streams."),
    "compute_units": ("string", "JSON: work by pipeline, in units of each pipeline."),
    "fees_wei": ("string", "Fees before commission."),
    "commission_wei": ("string", "What the pool keeps of them."),
    "earned_wei": ("string", "What is the worker's: paid, in payout and payable together."),
    "paid_wei": ("string", "Paid, and final on the chain."),
    "in_payout_wei": ("string", "Set aside for a payout that is not final."),
    "payable_wei": ("string", "Owed and not set aside."),
    "last_payment_at": ("string", "When the last payment became final (UTC)."),
    "verdict": ("string", "What the plan of the day says: pay, or what stands in the way."),
    "reason": ("string", "The same in a sentence."),
}

STREAM_COLUMNS: Columns = {
    "stream": ("string", "nodeType|region."),
    "jobs": ("int", "Jobs done, those of nobody included."),
    "workers_online": ("int", "Workers with an open connection."),
    "fees_wei": ("string", "Fees before commission: the next four together."),
    "earned_wei": ("string", "Earned by workers, after commission."),
    "commission_wei": ("string", "What the pool keeps."),
    "unattributed_wei": ("string", "Fees of jobs whose worker nobody knows."),
    "held_wei": ("string", "Fees of jobs of workers without an address."),
    "paid_wei": ("string", "Part of earned_wei that is paid and final."),
    "owed_wei": ("string", "Part of earned_wei that is not."),
}

DAY_COLUMNS: Columns = {
    "date": ("string", "Day by UTC on which the jobs were posted."),
    "stream": ("string", "nodeType|region."),
    "jobs": ("int", "Jobs of workers; less than nothing where jobs moved to others."),
    "fees_wei": ("string", "Fees of workers' jobs before commission."),
}

DAYS = 30


def workers_frame(publication: Publication) -> "pd.DataFrame":
    """A row a worker over all streams, who earned most first."""
    rows = [_worker(publication.worker(worker)) for worker in publication.workers]
    rows.sort(key=lambda row: (-int(row["earned_wei"]), row["worker"]))
    return _frame(WORKER_COLUMNS, rows)


def streams_frame(publication: Publication) -> "pd.DataFrame":
    """A row a stream, by name."""
    return _frame(STREAM_COLUMNS, publication.pool["streams"])


def days_frame(publication: Publication) -> "pd.DataFrame":
    """A row for each of the last DAYS days and stream on which workers earned, oldest first."""
    first = publication.material.made_at.date() - timedelta(days=DAYS - 1)
    days = publication.pool["days"]
    return _frame(DAY_COLUMNS, [one for one in days if one["date"] >= first.isoformat()])


def _worker(document: Document) -> Document:
    earnings = document["earnings"]
    units = Counter[str]()
    for one in earnings:
        units[one["pipeline"]] += int(one["compute_units"])
    settled = [one for one in document["payouts"] if one["state"] == PayoutState.SETTLED.value]
    return {
        "worker": document["address"],
        "online": document["online"],
        "jobs": sum(one["jobs"] for one in earnings),
        "compute_units": json.dumps({name: str(units[name]) for name in sorted(units)}),
        "fees_wei": str(sum(int(one["fees_wei"]) for one in earnings)),
        "commission_wei": str(sum(int(one["commission_wei"]) for one in earnings)),
        **document["balance"],
        "last_payment_at": max((one["settled_at"] for one in settled), default=None),
        **document["next_payment"],
    }


def _frame(columns: Columns, rows: Iterable[Document]) -> "pd.DataFrame":
    # Loaded here: it takes a second, and only tables need it.
    import pandas as pd

    records = [[row[name] for name in columns] for row in rows]
    # Columns of objects: pandas would make NaN of None, and floats of integers beside it.
    return pd.DataFrame(records, columns=list(columns), dtype=object)
