"""The journal as other tools get it: entries in the order of their numbers, with their postings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from openpool_management.domain.accounts import Account

COLUMNS = (
    *("entry", "posted_at", "posting_key", "payout_id", "tx_hash"),
    *("kind", "stream", "worker", "pipeline", "model"),
    *("account_seq", "amount_wei", "balance_wei"),
)
"""The columns of a posting, where the journal is a table."""

Cells = tuple[int, datetime, str, str, str, str, str, str, str, str, int, int, int]

_KEYS = (
    (re.compile(r".+:earned"), "Fees of jobs"),
    (re.compile(r".+:moved"), "Fees of jobs that moved"),
    (re.compile(r"payout:(?P<payout>.+):reserved"), "Payout set aside"),
    (re.compile(r"payout:(?P<payout>.+):settled"), "Payout settled"),
    (re.compile(r"payout:(?P<payout>.+):voided"), "Payout voided, owed again"),
    (re.compile(r"gas:(?P<tx>.+)"), "Gas"),
    (re.compile(r"foreign:(?P<tx>.+)"), "Transaction that this ledger did not make"),
    (re.compile(r"funding:.+"), "Money put into the wallet"),
    (re.compile(r"outflow:.+"), "Money that left the wallet, not explained"),
)


class NotExact(Exception):
    """A format can't hold the journal exactly; the sentence names the amount and the remedy."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the key of an entry says of it; a part that it does not say is empty."""

    title: str
    payout_id: str = ""
    tx_hash: str = ""


def key_facts(key: str) -> KeyFacts:
    """What a posting key says; one of an unknown form is its own title."""
    for form, title in _KEYS:
        if match := form.fullmatch(key):
            parts = match.groupdict()
            return KeyFacts(title, parts.get("payout", ""), parts.get("tx", ""))
    return KeyFacts(key)


@dataclass(frozen=True, slots=True)
class JournalPosting:
    """What an entry adds to an account, and the account's balance after it, in wei."""

    account: Account
    account_seq: int
    amount_wei: int
    balance_wei: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry. One that moved work alone has no postings.

    tx_hash is the transaction that settled a payout, or whose gas or value is posted, else empty.
    """

    number: int
    key: str
    posted_at: datetime
    tx_hash: str
    postings: tuple[JournalPosting, ...]

    @property
    def facts(self) -> KeyFacts:
        """What its key says."""
        return key_facts(self.key)

    def rows(self) -> Iterator[Cells]:
        """Its postings as values of COLUMNS."""
        payout_id = self.facts.payout_id
        for one in self.postings:
            account = one.account
            yield (
                *(self.number, self.posted_at, self.key, payout_id, self.tx_hash),
                *(account.kind.value, account.stream, account.worker),
                *(account.pipeline, account.model),
                *(one.account_seq, one.amount_wei, one.balance_wei),
            )


@dataclass(frozen=True, slots=True)
class JournalAccount:
    """An account that was posted to: between which times, and the balance it has in the end."""

    account: Account
    first_at: datetime
    last_at: datetime
    balance_wei: int


@dataclass(frozen=True, slots=True)
class JournalSize:
    """How much of a journal was written."""

    entries: int
    postings: int
