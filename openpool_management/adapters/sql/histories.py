"""Histories of workers, brought on from one reading of the ledger to the next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import Head
from openpool_management.domain.accounts import Account, AccountKind
from openpool_management.domain.worker_history import WorkerHistory

_ROWS_AT_ONCE = 10_000
_KINDS = (AccountKind.PAYABLE, AccountKind.COMMISSION)


class PostingsDiffer(Exception):
    """Accounts do not come to what their postings say; the message says what to do."""


@dataclass(slots=True)
class _Read:
    """What was read of a ledger up to an entry, whose key and time tell it from another ledger."""

    newest: tuple[int, str, datetime] | None = None
    histories: dict[str, WorkerHistory] = field(default_factory=dict)
    sums: dict[int, Head] = field(default_factory=dict)


class SqlHistories:
    """Keeps what it read, so that the next reading costs what was posted since.

    Entries are read on from the greatest number that was read. PostgreSQL gives numbers before the
    commit, so one with a lower number may appear later: then an account does not come to what its
    newest posting says, and all is read anew. So it is where another ledger took the place of this
    one. A history that was given out is never changed. For one thread at a time.
    """

    def __init__(self) -> None:
        self._read = _Read()

    def read(
        self, connection: Connection, heads: Sequence[tuple[Account, Head]]
    ) -> dict[str, WorkerHistory]:
        """The histories by worker. heads are those of all accounts, of the same transaction.

        Raises PostingsDiffer.
        """
        own = [one for one in heads if one[0].kind in _KINDS]
        before, self._read = self._read, _Read()
        found = None
        if before.newest is not None and _goes_on(connection, before.newest):
            found = _brought_on(connection, before, own)
        if found is None:
            found = _brought_on(connection, _Read(), own)
        if found is None:
            raise PostingsDiffer(
                "The running totals of accounts are not the sums of their postings: rows were "
                "changed by hand. Run `openpool verify`, and restore the ledger from a backup."
            )
        self._read = found
        return found.histories


def _goes_on(connection: Connection, newest: tuple[int, str, datetime]) -> bool:
    """Whether this is the ledger whose newest entry was that when it was read."""
    number, key, at = newest
    entry = schema.entry.c
    query = select(entry.posting_key, entry.posted_at).where(entry.id == number)
    row = connection.execute(query).one_or_none()
    return row is not None and tuple(row) == (key, at)


def _brought_on(
    connection: Connection, before: _Read, heads: Sequence[tuple[Account, Head]]
) -> _Read | None:
    """What was read with what was posted since; None where accounts come to something else."""
    after = before.newest[0] if before.newest else 0
    entries = _entries(connection, after)
    days = {at.date() for _, at in entries.values()}
    accounts = {head.account_id: account for account, head in heads}
    changed: dict[str, WorkerHistory] = {}
    sums: dict[int, Head] = {}

    def touched(number: int) -> tuple[WorkerHistory, Head]:
        worker = accounts[number].worker
        if number not in sums:
            sums[number] = replace(before.sums.get(number) or Head(number))
            if worker not in changed:
                known = before.histories.get(worker)
                changed[worker] = known.copied(days) if known else WorkerHistory()
        return changed[worker], sums[number]

    money = schema.posting
    for entry, number, amount_wei in _postings(connection, money, after, money.c.amount_wei):
        if number in accounts:
            history, one = touched(number)
            history.post(accounts[number], *entries[entry], amount_wei)
            one.seq += 1
            one.balance_wei += amount_wei
    work = schema.work_posting
    columns = work.c.jobs, work.c.compute_units
    for entry, number, jobs, compute_units in _postings(connection, work, after, *columns):
        if number in accounts:
            history, one = touched(number)
            history.work(accounts[number], entries[entry][1], jobs, compute_units)
            one.work_seq += 1
            one.jobs += jobs
            one.compute_units += compute_units

    sums = before.sums | sums
    if any(head != sums.get(head.account_id, Head(head.account_id)) for _, head in heads):
        return None
    newest = max(entries, default=None)
    return _Read(
        newest=before.newest if newest is None else (newest, *entries[newest]),
        histories={account.worker: WorkerHistory() for account in accounts.values()}
        | before.histories
        | changed,
        sums=sums,
    )


def _entries(connection: Connection, after: int) -> dict[int, tuple[str, datetime]]:
    entry = schema.entry.c
    query = select(entry.id, entry.posting_key, entry.posted_at).where(entry.id > after)
    return {number: (key, at) for number, key, at in connection.execute(query)}


def _postings(
    connection: Connection, table: Table, after: int, *columns: Any
) -> Iterator[Sequence[Any]]:
    query = (
        select(table.c.entry_id, table.c.account_id, *columns)
        .where(table.c.entry_id > after)
        .order_by(table.c.entry_id)
    )
    yield from connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
