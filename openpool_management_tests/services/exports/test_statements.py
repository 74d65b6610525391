"""Statements as tables for spreadsheets."""

import csv

from openpool_management.services.exports.statements import COLUMNS, statement_csv
from openpool_management.services.exports.values import Document


def line(day: str, net_wei: str, model: str = "m") -> Document:
    """A line of a statement."""
    return {
        "date": day,
        "stream": "ai|a",
        "pipeline": "=1+1",
        "model": model,
        "jobs": 1,
        "compute_units": "-5",
        "fees_wei": net_wei,
        "commission_wei": "0",
        "net_wei": net_wei,
    }


def test_rows_are_by_date_and_carry_the_balance() -> None:
    payout = {
        "at": "2026-11-02T23:00:00+00:00",
        "kind": "payout",
        "payout_id": "p",
        "amount_wei": "-9007199254740993",
        "state": "seen",
        "final": False,
        "transaction_hash": "0x0",
        "explorer_url": None,
    }
    statement = {
        "opening_wei": "-3",
        "closing_wei": "11",
        "lines": [
            line("2026-11-01", "9007199254741000", " @model"),
            line("2026-11-02", "-1"),
            line("2026-11-03", "8"),
        ],
        "payouts": [payout],
    }
    rows = list(csv.DictReader(statement_csv(statement).splitlines()))
    assert tuple(rows[0]) == COLUMNS
    told = [(row["date"], row["kind"], row["amount_wei"], row["balance_wei"]) for row in rows]
    assert told == [
        ("", "opening", "", "-3"),
        ("2026-11-01", "earned", "9007199254741000", "9007199254740997"),
        ("2026-11-02", "earned", "-1", "9007199254740996"),
        ("2026-11-02", "payout", "-9007199254740993", "3"),
        ("2026-11-03", "earned", "8", "11"),
        ("", "closing", "", "11"),
    ]
    # What a spreadsheet would compute is text; numbers stay numbers.
    assert (rows[1]["pipeline"], rows[1]["model"]) == ("'=1+1", "' @model")
    assert rows[1]["compute_units"] == "-5"
