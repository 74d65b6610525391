"""Journals written to memory, and what they have to agree with."""

import io
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

from openpool_management.adapters.sql.journal import SqlJournal
from openpool_management.adapters.sql.payouts.postings import post_once
from openpool_management.domain.accounts import Account, Entry
from openpool_management.domain.journal import JournalSize
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.services.ports.journal import JournalSnapshot
from openpool_management_tests.ledgers import ScratchLedger

HOSTILE_NAMES = (
    '=cmd|"/c calc"!A1',
    "+1",
    "-1",
    "@sum(A1)",
    " \t=1+1",
    "\tx",
    "\rx",
    "'=1",
    "'",
    "-",
    "-x2F",
    "--x2Fx",
    "/",
    'a"b,c\r\nd\\',
    "A:B",
    ";no comment",
    "NoModel",
    "WEI",
    "lower",
    "Lower",
    "ünï ☃ 模型",
    "＝1",
    "\x1b[31m\x7f",
    "",
)


def written(
    scratch: ScratchLedger,
    write: Callable[[JournalSnapshot, BinaryIO], JournalSize],
    entries_per_page: int = 500,
) -> tuple[bytes, JournalSize]:
    """The journal of a ledger in one of its forms."""
    output = io.BytesIO()
    with SqlJournal(scratch.engine, entries_per_page).at_one_moment() as snapshot:
        size = write(snapshot, output)
    return output.getvalue(), size


def standing_wei(scratch: ScratchLedger) -> dict[Account, int]:
    """The balances that an export must come to, of accounts that are not at zero."""
    return {
        one.account: one.balance_wei for one in scratch.books.standings() if one.balance_wei != 0
    }


def post(scratch: ScratchLedger, entry: Entry, at: datetime = EPOCH) -> None:
    """Post an entry of payouts."""
    with scratch.engine.begin() as connection:
        post_once(connection, [(entry, at)])
