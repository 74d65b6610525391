"""What must hold of every ledger, as one tuple of functions from balances and entries to errors.

The same functions run in unit tests, before each commit, in asset checks and in ``verify``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from openpool_management.domain.accounts import Account, AccountKind, Entry
from openpool_management.domain.addresses import ZERO_ADDRESS

Balances = Mapping[Account, int]
"""Balance in wei of each account."""


def entries_sum_to_zero(entries: Iterable[Entry]) -> list[str]:
    """Every entry's amounts add up to zero, and no entry posts twice to one account."""
    errors = []
    for entry in entries:
        total_wei = sum(posting.amount_wei for posting in entry.postings)
        if total_wei:
            errors.append(f"Entry {entry.key} is out of balance by {total_wei} wei.")
        counts = Counter(posting.account for posting in entry.postings)
        errors.extend(
            f"Entry {entry.key} posts {count} times to {account.name}."
            for account, count in counts.items()
            if count > 1
        )
    return errors


def trial_balance_is_zero(balances: Balances) -> list[str]:
    """All balances together are zero."""
    total_wei = sum(balances.values())
    return [f"The trial balance is {total_wei} wei instead of 0."] if total_wei else []


def earned_equals_distributed(balances: Balances) -> list[str]:
    """In each stream, what was earned is what workers, pool, unattributed and held were given."""
    totals_wei: Counter[str] = Counter()
    for account, balance_wei in balances.items():
        if account.stream:
            totals_wei[account.stream] += balance_wei
    return [
        f"Stream {stream} is out of balance by {total_wei} wei."
        for stream, total_wei in sorted(totals_wei.items())
        if total_wei
    ]


def only_revenue_is_negative(balances: Balances) -> list[str]:
    """What a stream posted to an account is never below zero, but for what it took from revenue."""
    return [
        f"Account {account.name} is at {balance_wei} wei, below zero."
        for account, balance_wei in sorted(balances.items())
        if account.stream and balance_wei < 0 and account.kind is not AccountKind.REVENUE
    ]


def zero_address_is_owed_nothing(balances: Balances) -> list[str]:
    """No wei is payable to the zero address, nor to nobody."""
    return [
        f"Account {account.name} owes {balance_wei} wei to nobody who can be paid."
        for account, balance_wei in sorted(balances.items())
        if account.kind is AccountKind.PAYABLE
        and account.worker in ("", ZERO_ADDRESS)
        and balance_wei
    ]


def no_payout_is_overdrawn(balances: Balances) -> list[str]:
    """No more was settled or given back than was set aside for a worker's payouts."""
    return [
        f"Account {account.name} is at {balance_wei} wei, below zero."
        for account, balance_wei in sorted(balances.items())
        if account.kind is AccountKind.IN_PAYOUT and balance_wei < 0
    ]


LEDGER_INVARIANTS: tuple[Callable[[Balances], list[str]], ...] = (
    trial_balance_is_zero,
    earned_equals_distributed,
    only_revenue_is_negative,
    zero_address_is_owed_nothing,
    no_payout_is_overdrawn,
)


def broken_invariants(balances: Balances) -> Sequence[str]:
    """The sentences of all LEDGER_INVARIANTS that don't hold; empty for a sound ledger."""
    return [error for invariant in LEDGER_INVARIANTS for error in invariant(balances)]
