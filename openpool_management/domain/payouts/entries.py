"""The entries of payouts: set aside, paid, given back, gas, and what else moved the wallet."""

from openpool_management.domain.accounts import Account, AccountKind, Entry, Posting
from openpool_management.domain.payouts.payout import Intent


def reserved(intent: Intent) -> Entry:
    """Take a payout out of what the worker is owed, and set it aside."""
    return _entry(
        f"payout:{intent.id}:reserved",
        {_payable(intent): -intent.amount_wei, _in_payout(intent): intent.amount_wei},
    )


def voided(intent: Intent) -> Entry:
    """Owe again what was set aside."""
    return _entry(
        f"payout:{intent.id}:voided",
        {_in_payout(intent): -intent.amount_wei, _payable(intent): intent.amount_wei},
    )


def settled(intent: Intent) -> Entry:
    """What was set aside has left the wallet."""
    return _entry(
        f"payout:{intent.id}:settled",
        {
            _in_payout(intent): -intent.amount_wei,
            Account(AccountKind.WALLET, worker=intent.sender): intent.amount_wei,
        },
    )


def settled_by_other(intent: Intent) -> Entry:
    """What was set aside was paid by a transfer that is posted as unexplained."""
    return _entry(
        f"payout:{intent.id}:settled",
        {
            _in_payout(intent): -intent.amount_wei,
            Account(AccountKind.UNEXPLAINED, worker=intent.sender): intent.amount_wei,
        },
    )


def gas(sender: str, tx_hash: str, fee_wei: int) -> Entry:
    """What the gas of a transaction of ours cost."""
    return _entry(
        f"gas:{tx_hash}",
        {
            Account(AccountKind.GAS, worker=sender): -fee_wei,
            Account(AccountKind.WALLET, worker=sender): fee_wei,
        },
    )


def foreign(sender: str, tx_hash: str, value_wei: int, fee_wei: int) -> Entry:
    """A transaction that the wallet's key signed elsewhere: its value is not explained."""
    return _entry(
        f"foreign:{tx_hash}",
        {
            Account(AccountKind.WALLET, worker=sender): value_wei + fee_wei,
            Account(AccountKind.UNEXPLAINED, worker=sender): -value_wei,
            Account(AccountKind.GAS, worker=sender): -fee_wei,
        },
    )


def funding(sender: str, block_number: int, amount_wei: int) -> Entry:
    """Money that came into the wallet, known by its balance at a finalized block."""
    return _entry(
        f"funding:{sender}:{block_number}",
        {
            Account(AccountKind.WALLET, worker=sender): -amount_wei,
            Account(AccountKind.FUNDING, worker=sender): amount_wei,
        },
    )


def outflow(sender: str, block_number: int, amount_wei: int) -> Entry:
    """Money that left the wallet without a transaction of its own, accepted by an operator."""
    return _entry(
        f"outflow:{sender}:{block_number}",
        {
            Account(AccountKind.WALLET, worker=sender): amount_wei,
            Account(AccountKind.UNEXPLAINED, worker=sender): -amount_wei,
        },
    )


def _payable(intent: Intent) -> Account:
    return Account(AccountKind.PAYABLE, worker=intent.worker)


def _in_payout(intent: Intent) -> Account:
    return Account(AccountKind.IN_PAYOUT, worker=intent.worker)


def _entry(key: str, amounts_wei: dict[Account, int]) -> Entry:
    return Entry(
        key, tuple(Posting(account, amount) for account, amount in amounts_wei.items() if amount)
    )
