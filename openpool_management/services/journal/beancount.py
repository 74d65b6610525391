"""The journal as a file of Beancount, whole wei of the commodity WEI.

Beancount writes what is owed and earned below zero and what is there above; the ledger does the
opposite, so every amount has the other sign. Beancount's arithmetic has 28 digits.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import BinaryIO

from openpool_management.domain.accounts import Account
from openpool_management.domain.journal import (
    JournalAccount,
    JournalEntry,
    JournalSize,
    NotExact,
)
from openpool_management.services.journal.beancount_accounts import account_name
from openpool_management.services.ports.journal import JournalSnapshot

COMMODITY = "WEI"
MAX_DIGITS = 28
"""Digits that Python's decimals, which Beancount adds with, keep; further ones are rounded."""

_HEAD = f"""\
option "title" "openpool: the pool's ledger in wei"
option "operating_currency" "{COMMODITY}"

1970-01-01 commodity {COMMODITY}
  name: "1 ETH is 1000000000000000000 WEI"

"""


def write_beancount(snapshot: JournalSnapshot, output: BinaryIO) -> JournalSize:
    """Write all entries, with the accounts they open before and their balances after them.

    Raises NotExact when the amounts have more digits together than Beancount adds up exactly.
    """
    accounts = snapshot.accounts()
    names = {one.account: account_name(one.account) for one in accounts}
    output.write(_HEAD.encode())
    for one in accounts:
        output.write(f"{_day(one.first_at)} open {names[one.account]} {COMMODITY}\n".encode())
    entries = postings = moved_wei = 0
    for entry in snapshot.entries():
        entries += 1
        postings += len(entry.postings)
        moved_wei += sum(abs(one.amount_wei) for one in entry.postings)
        # No balance and no part of a sum can be larger than all amounts together.
        if moved_wei >= 10**MAX_DIGITS:
            raise NotExact(
                f"Up to entry {entry.number} the journal moves {moved_wei} wei, and Beancount "
                f"rounds what has more than {MAX_DIGITS} digits: export csv instead."
            )
        output.write(("\n" + "\n".join(_transaction(entry, names)) + "\n").encode())
    output.write("".join(_balances(accounts, names)).encode())
    return JournalSize(entries, postings)


def _transaction(entry: JournalEntry, names: dict[Account, str]) -> Iterator[str]:
    facts = entry.facts
    links = [f"payout-{facts.payout_id}"] if facts.payout_id else []
    links += [f"tx-{entry.tx_hash}"] if entry.tx_hash else []
    tail = "".join(f" ^{link}" for link in links)
    yield f"{_day(entry.posted_at)} * {_quoted(facts.title)}{tail}"
    yield f"  posting_key: {_quoted(entry.key)}"
    yield f"  entry: {entry.number}"
    yield f"  posted_at: {_quoted(entry.posted_at.astimezone(UTC).isoformat())}"
    if entry.tx_hash:
        yield f"  tx_hash: {_quoted(entry.tx_hash)}"
    for one in entry.postings:
        yield f"  {names[one.account]}  {-one.amount_wei} {COMMODITY}"


def _balances(accounts: list[JournalAccount], names: dict[Account, str]) -> Iterator[str]:
    """An assertion for each account, which Beancount checks at the beginning of the day."""
    if not accounts:
        return
    day = _day(max(one.last_at for one in accounts)) + timedelta(days=1)
    yield "\n"
    for one in accounts:
        yield f"{day} balance {names[one.account]}  {-one.balance_wei} {COMMODITY}\n"


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
