"""The whole journal read from SQL: pages of entries by their numbers, in one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import account_heads
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.payouts import tables
from openpool_management.domain.accounts import Account
from openpool_management.domain.journal import (
    JournalAccount,
    JournalEntry,
    JournalPosting,
    key_facts,
)
from openpool_management.domain.payouts.payout import Mark

ENTRIES_PER_PAGE = 500
ROWS_PER_FETCH = 5_000


class SqlJournal:
    """Implements the Journal port; reads only."""

    def __init__(self, engine: Engine, entries_per_page: int = ENTRIES_PER_PAGE) -> None:
        self.engine = engine
        self.entries_per_page = entries_per_page

    @contextmanager
    def at_one_moment(self) -> Iterator["SqlJournalSnapshot"]:
        """See the port."""
        with reading(self.engine) as connection:
            yield SqlJournalSnapshot(connection, self.entries_per_page)


class SqlJournalSnapshot:
    """Implements the JournalSnapshot port inside one transaction."""

    def __init__(self, connection: Connection, entries_per_page: int) -> None:
        self.connection = connection
        self.entries_per_page = entries_per_page

    @cached_property
    def _heads(self) -> dict[int, tuple[Account, int]]:
        """(account, balance_wei) by the number of the account."""
        return {
            head.account_id: (account, head.balance_wei)
            for account, head in account_heads(self.connection)
        }

    def accounts(self) -> list[JournalAccount]:
        """See the port."""
        posting, entry = schema.posting.c, schema.entry.c
        query = (
            select(posting.account_id, func.min(entry.posted_at), func.max(entry.posted_at))
            .join(schema.entry, entry.id == posting.entry_id)
            .group_by(posting.account_id)
        )
        found = []
        for account_id, first_at, last_at in self.connection.execute(query):
            account, balance_wei = self._heads[account_id]
            found.append(JournalAccount(account, first_at, last_at, balance_wei))
        return sorted(found, key=lambda one: one.account)

    def entries(self) -> Iterator[JournalEntry]:
        """See the port."""
        entry = schema.entry.c
        after = 0
        while True:
            query = (
                select(entry.id, entry.posting_key, entry.posted_at)
                .where(entry.id > after)
                .order_by(entry.id)
                .limit(self.entries_per_page)
            )
            page = self.connection.execute(query).all()
            if not page:
                return
            after = page[-1].id
            yield from self._page(page)

    def _page(self, page: Sequence[Any]) -> Iterator[JournalEntry]:
        facts = {row.id: key_facts(row.posting_key) for row in page}
        settled_by = self._settling([one.payout_id for one in facts.values() if one.payout_id])
        grouped = groupby(self._postings(page[0].id, page[-1].id), key=lambda one: one[0])
        entry_id, postings = next(grouped, (0, iter(())))
        for row in page:
            own: tuple[JournalPosting, ...] = ()
            if entry_id == row.id:
                own = tuple(posting for _, posting in postings)
                entry_id, postings = next(grouped, (0, iter(())))
            tx_hash = facts[row.id].tx_hash
            if row.posting_key.endswith(":settled"):
                tx_hash = settled_by.get(facts[row.id].payout_id, "")
            yield JournalEntry(row.id, row.posting_key, row.posted_at, tx_hash, own)

    def _postings(self, first: int, last: int) -> Iterator[tuple[int, JournalPosting]]:
        posting = schema.posting.c
        query = (
            select(
                posting.entry_id,
                posting.account_id,
                posting.account_seq,
                posting.amount_wei,
                posting.balance_wei,
            )
            .where(posting.entry_id.between(first, last))
            .order_by(posting.entry_id, posting.account_id)
            .execution_options(yield_per=ROWS_PER_FETCH)
        )
        for entry_id, account_id, seq, amount_wei, balance_wei in self.connection.execute(query):
            account = self._heads[account_id][0]
            yield entry_id, JournalPosting(account, seq, amount_wei, balance_wei)

    def _settling(self, payout_ids: Sequence[str]) -> dict[str, str]:
        """The hash of the transaction that settled each payout that is settled."""
        if not payout_ids:
            return {}
        event = tables.payout_event.c
        query = select(event.intent_id, event.tx_hash).where(
            event.intent_id.in_(payout_ids), event.mark == Mark.SETTLED.value
        )
        return {row.intent_id: row.tx_hash for row in self.connection.execute(query)}
