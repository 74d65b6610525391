"""``statements/{address}/{YYYY-MM}``: a worker's statement of a month, as JSON and as CSV."""

import csv
import io
from typing import Any

from openpool_management.domain.payouts.payout import Payout
from openpool_management.domain.worker_history import Month
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.payouts import chain_details
from openpool_management.services.exports.values import Document, time_text
from openpool_management.services.journal.csv_table import guarded

COLUMNS = (
    *("date", "kind", "stream", "pipeline", "model", "jobs", "compute_units", "fees_wei"),
    *("commission_wei", "amount_wei", "balance_wei", "payout_id", "state", "transaction_hash"),
)


def statement_document(material: Material, worker: str, month: Month) -> Document:
    """The statement: closing = opening + earned + the amounts of the payouts, to the wei."""
    return {
        "export_timestamp": time_text(material.made_at),
        "worker": worker,
        "month": month.name,
        "opening_wei": str(month.opening_wei),
        "earned_wei": str(month.earned_wei),
        "closing_wei": str(month.closing_wei),
        "lines": [
            {
                "date": key.day.isoformat(),
                "stream": key.stream,
                "pipeline": key.pipeline,
                "model": key.model,
                "jobs": line.jobs,
                "compute_units": str(line.compute_units),
                "fees_wei": str(line.fees_wei),
                "commission_wei": str(line.commission_wei),
                "net_wei": str(line.net_wei),
            }
            for key, line in month.lines
        ],
        "payouts": [
            {
                "at": time_text(change.at),
                "kind": "payout" if change.amount_wei < 0 else "given-back",
                "payout_id": change.payout_id,
                "amount_wei": str(change.amount_wei),
                **_payment(material, material.payouts_by_id[change.payout_id]),
            }
            for change in month.changes
        ],
    }


def statement_csv(statement: Document) -> str:
    """The statement as a table, one row a line, by date: earnings of a day before its payouts.

    balance_wei is the balance after the row. Text that a spreadsheet would take for a formula gets
    an apostrophe before it.
    """
    opening = {"kind": "opening", "balance_wei": statement["opening_wei"]}
    rows = [
        {"kind": "earned", "amount_wei": line["net_wei"], **line} for line in statement["lines"]
    ] + [{"date": it["at"][:10], **it} for it in statement["payouts"]]
    rows.sort(key=lambda row: row["date"])
    balance_wei = int(statement["opening_wei"])
    for row in rows:
        balance_wei += int(row["amount_wei"])
        row["balance_wei"] = str(balance_wei)
    closing = {"kind": "closing", "balance_wei": statement["closing_wei"]}
    output = io.StringIO(newline="")
    table = csv.DictWriter(output, COLUMNS, restval="", extrasaction="ignore")
    table.writeheader()
    table.writerows(_cells(row) for row in (opening, *rows, closing))
    return output.getvalue()


def _payment(material: Material, payout: Payout) -> Document:
    details = chain_details(material, payout)
    shown = ("state", "final", "transaction_hash", "explorer_url")
    return {name: details[name] for name in shown}


def _cells(row: Document) -> dict[str, Any]:
    texts = ("stream", "pipeline", "model")
    return row | {name: guarded(row[name]) for name in texts if name in row}
