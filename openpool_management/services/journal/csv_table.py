"""The journal as CSV by RFC 4180, one row a posting, wei as whole decimal numbers."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import BinaryIO

from openpool_management.domain.journal import COLUMNS, Cells, JournalSize
from openpool_management.services.ports.journal import JournalSnapshot

GUARD = "'"
_STARTS_FORMULA = frozenset("=+-@\t\r\n＝＋－＠" + GUARD)


def write_csv(snapshot: JournalSnapshot, output: BinaryIO) -> JournalSize:
    """Write a line of names and a line for each posting, in UTF-8."""
    output.write(_lines([COLUMNS]))
    entries = postings = 0
    for entry in snapshot.entries():
        entries += 1
        postings += len(entry.postings)
        output.write(_lines(_cells(row) for row in entry.rows()))
    return JournalSize(entries, postings)


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula: one that might be gets a quote before it.

    So does one that begins with a quote, and unguarded gives back every text as it was.
    """
    starts = text[:1] in _STARTS_FORMULA or text.lstrip()[:1] in _STARTS_FORMULA
    return GUARD + text if text and starts else text


def unguarded(cell: str) -> str:
    """The text of a cell that guarded made."""
    return cell.removeprefix(GUARD)


def _cells(row: Cells) -> list[str]:
    number, posted_at, *texts, seq, amount_wei, balance_wei = row
    return [
        str(number),
        posted_at.astimezone(UTC).isoformat(),
        *(guarded(str(text)) for text in texts),
        *(str(seq), str(amount_wei), str(balance_wei)),
    ]


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
