"""Running totals of the SQL ledger, held against what was posted."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.domain.accounts import Account, AccountKind

ROWS_PER_FETCH = 10_000


class SqlTotals:
    """Adds up every posting; the cost grows with the ledger, its memory does not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def wrong(self) -> list[str]:
        """A sentence for each account whose running total is not the sum of what was posted."""
        money, work = schema.posting, schema.work_posting
        with reading(self.engine) as connection:
            return [
                *_wrong(connection, money, [money.c.amount_wei], [money.c.balance_wei]),
                *_wrong(
                    connection,
                    work,
                    [work.c.jobs, work.c.compute_units],
                    [work.c.jobs_total, work.c.compute_units_total],
                ),
            ]


def _wrong(
    connection: Connection, table: Any, amounts: Sequence[Any], totals: Sequence[Any]
) -> Iterator[str]:
    account = schema.account.c
    query = (
        select(
            account.kind,
            account.stream,
            account.worker,
            account.pipeline,
            account.model,
            table.c.account_seq,
            *amounts,
            *totals,
        )
        .join(schema.account, account.id == table.c.account_id)
        .order_by(table.c.account_id, table.c.account_seq)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    names = [column.name for column in totals]
    last: tuple[Any, ...] = ()
    sums: list[int] = []
    reported: set[tuple[Any, ...]] = set()
    for row in connection.execute(query):
        parts, seq, given, kept = _cut(row, len(amounts))
        if parts != last:
            last, sums, expected_seq = parts, [0] * len(amounts), 0
        expected_seq += 1
        sums = [total + amount for total, amount in zip(sums, given, strict=True)]
        if (sums != kept or seq != expected_seq) and parts not in reported:
            reported.add(parts)
            name = Account(AccountKind(parts[0]), *parts[1:]).name
            stated = ", ".join(f"{title} {value}" for title, value in zip(names, kept, strict=True))
            posted = ", ".join(str(value) for value in sums)
            yield (
                f"Posting {seq} of account {name} states {stated}, "
                f"but the {expected_seq} postings up to it add up to {posted}."
            )


def _cut(row: Row[Any], width: int) -> tuple[tuple[Any, ...], int, list[int], list[int]]:
    values = tuple(row)
    return values[:5], values[5], list(values[6 : 6 + width]), list(values[6 + width :])
