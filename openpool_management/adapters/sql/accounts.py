"""Posting to accounts: every row carries its account's running balance."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, insert, select

from openpool_management.adapters.sql import schema
from openpool_management.domain.accounts import Account, AccountKind, Entry, Standing


@dataclass(slots=True)
class Head:
    """The last row of an account, in money and in work; zeros where it has none."""

    account_id: int
    seq: int = 0
    balance_wei: int = 0
    work_seq: int = 0
    jobs: int = 0
    compute_units: int = 0


class AccountBook:
    """Some accounts inside one transaction: those that a condition on schema.account chooses."""

    def __init__(self, connection: Connection, chosen: ColumnElement[bool]) -> None:
        self.connection = connection
        self.heads = dict(account_heads(connection, chosen))

    def post(self, entry: Entry, batch_id: int | None, posted_at: datetime) -> None:
        """Write one entry with its postings; accounts are opened as they are needed."""
        self._open(
            [posting.account for posting in entry.postings] + [work.account for work in entry.work]
        )
        statement = insert(schema.entry).returning(schema.entry.c.id)
        entry_id = self.connection.scalars(
            statement.values(posting_key=entry.key, batch_id=batch_id, posted_at=posted_at)
        ).one()
        self._insert(schema.posting, [self._money(entry_id, one) for one in entry.postings])
        self._insert(schema.work_posting, [self._work(entry_id, one) for one in entry.work])

    def _money(self, entry_id: int, posting: Any) -> dict[str, int]:
        head = self.heads[posting.account]
        head.seq += 1
        head.balance_wei += posting.amount_wei
        return {
            "entry_id": entry_id,
            "account_id": head.account_id,
            "account_seq": head.seq,
            "amount_wei": posting.amount_wei,
            "balance_wei": head.balance_wei,
        }

    def _work(self, entry_id: int, work: Any) -> dict[str, int]:
        head = self.heads[work.account]
        head.work_seq += 1
        head.jobs += work.jobs
        head.compute_units += work.compute_units
        return {
            "entry_id": entry_id,
            "account_id": head.account_id,
            "account_seq": head.work_seq,
            "jobs": work.jobs,
            "compute_units": work.compute_units,
            "jobs_total": head.jobs,
            "compute_units_total": head.compute_units,
        }

    def _open(self, accounts: list[Account]) -> None:
        missing = sorted(set(accounts) - set(self.heads))
        if not missing:
            return
        table = schema.account
        self._insert(table, [_row(account) for account in missing])
        opened = select(table).where(table.c.stream.in_({account.stream for account in missing}))
        for row in self.connection.execute(opened):
            self.heads.setdefault(account_of(row), Head(row.id))

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(insert(table), rows)


def account_heads(
    connection: Connection, chosen: ColumnElement[bool] | None = None
) -> list[tuple[Account, Head]]:
    """The heads of the chosen accounts, or of all.

    Reads each account's last row by its index, so the cost does not grow with the postings.
    """
    table = schema.account
    money = schema.posting
    work = schema.work_posting
    last_money = (
        select(money.c.account_seq)
        .where(money.c.account_id == table.c.id)
        .order_by(money.c.account_seq.desc())
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )
    last_work = (
        select(work.c.account_seq)
        .where(work.c.account_id == table.c.id)
        .order_by(work.c.account_seq.desc())
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )
    query = (
        select(
            table,
            money.c.account_seq,
            money.c.balance_wei,
            work.c.account_seq,
            work.c.jobs_total,
            work.c.compute_units_total,
        )
        .outerjoin(money, (money.c.account_id == table.c.id) & (money.c.account_seq == last_money))
        .outerjoin(work, (work.c.account_id == table.c.id) & (work.c.account_seq == last_work))
    )
    if chosen is not None:
        query = query.where(chosen)
    return [
        (account_of(row), Head(row.id, *(value or 0 for value in row[6:])))
        for row in connection.execute(query)
    ]


def standings_of(heads: Iterable[tuple[Account, Head]]) -> list[Standing]:
    """What stands on the accounts, in the order of their heads."""
    return [
        Standing(account, head.balance_wei, head.jobs, head.compute_units)
        for account, head in heads
    ]


def account_of(row: Any) -> Account:
    """The account of a row of schema.account."""
    return Account(AccountKind(row.kind), row.stream, row.worker, row.pipeline, row.model)


def _row(account: Account) -> dict[str, str]:
    return {
        "kind": account.kind.value,
        "stream": account.stream,
        "worker": account.worker,
        "pipeline": account.pipeline,
        "model": account.model,
    }
