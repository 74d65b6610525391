"""Posting what payouts do to accounts, and reading those accounts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select, text

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import AccountBook, account_heads
from openpool_management.adapters.sql.ledger import COMMISSION_LOCK
from openpool_management.domain.accounts import AccountKind, Entry
from openpool_management.domain.invariants import entries_sum_to_zero

_CHUNK = 500


def hold_batches(connection: Connection) -> None:
    """Let no batch be committed until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": COMMISSION_LOCK})


def post_once(connection: Connection, dated: Sequence[tuple[Entry, datetime]]) -> None:
    """Post entries of payouts, each with its time; those that are posted are passed over.

    Raises ValueError for entries that are out of balance.
    """
    if errors := entries_sum_to_zero(entry for entry, _ in dated):
        raise ValueError(" ".join(errors))
    key = schema.entry.c.posting_key
    posted: set[str] = set()
    keys = [entry.key for entry, _ in dated]
    for start in range(0, len(keys), _CHUNK):
        posted |= set(connection.scalars(select(key).where(key.in_(keys[start : start + _CHUNK]))))
    missing = [(entry, at) for entry, at in dated if entry.key not in posted and entry.postings]
    owners = {posting.account.worker for entry, _ in missing for posting in entry.postings}
    if not missing:
        return
    book = AccountBook(connection, _of_payouts(owners))
    for entry, at in missing:
        book.post(entry, None, at)


def owed_wei(connection: Connection, workers: Sequence[str]) -> dict[str, int]:
    """What each worker is owed over all streams and has not been set aside for a payout."""
    account = schema.account.c
    owed: dict[str, int] = {}
    for start in range(0, len(workers), _CHUNK):
        part = workers[start : start + _CHUNK]
        chosen = (account.kind == AccountKind.PAYABLE.value) & account.worker.in_(part)
        for of, head in account_heads(connection, chosen):
            owed[of.worker] = owed.get(of.worker, 0) + head.balance_wei
    return owed


def wallet_wei(connection: Connection, sender: str) -> int:
    """What a wallet holds by the ledger."""
    account = schema.account.c
    chosen = (account.kind == AccountKind.WALLET.value) & (account.worker == sender)
    return -sum(head.balance_wei for _, head in account_heads(connection, chosen))


def _of_payouts(owners: set[str]) -> ColumnElement[bool]:
    account = schema.account.c
    listed = sorted(owners)
    parts = [
        account.worker.in_(listed[start : start + _CHUNK])
        for start in range(0, len(listed), _CHUNK)
    ]
    return (account.stream == "") & or_(*parts)
