"""The chart of accounts, and entries that post to it.

An amount is what an account gains in wei; the amounts of an entry add up to zero. What the pool has
or has spent stands below zero, what it owes or was given above: REVENUE is minus everything that
its orchestrators earned, WALLET minus what the wallet holds, GAS minus what gas cost; PAYABLE is
owed to a worker, IN_PAYOUT is set aside for a payout to them that is not final.

Earning belongs to a stream. Paying is done over all streams together, so accounts of payouts have
no stream: PAYABLE without one is minus what was taken out of a worker's balance to be paid. The
worker of WALLET, GAS, FUNDING and UNEXPLAINED is the wallet's address.
"""

from dataclasses import dataclass
from enum import StrEnum

from openpool_management.domain.addresses import ZERO_ADDRESS


class AccountKind(StrEnum):
    """What an account stands for."""

    REVENUE = "revenue"
    PAYABLE = "payable"
    COMMISSION = "commission"
    UNATTRIBUTED = "unattributed"
    HELD = "held"
    IN_PAYOUT = "in_payout"
    WALLET = "wallet"
    GAS = "gas"
    FUNDING = "funding"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, order=True, slots=True)
class Account:
    """One account. stream is ``nodeType|region``; a part that does not apply is empty."""

    kind: AccountKind
    stream: str = ""
    worker: str = ""
    pipeline: str = ""
    model: str = ""

    @property
    def name(self) -> str:
        """The account as one line of text, unique: ``payable:ai|us-east:0x…:upscale:model``."""
        parts = (self.kind.value, self.stream, self.worker, self.pipeline, self.model)
        return ":".join(parts).rstrip(":")


@dataclass(frozen=True, slots=True)
class Posting:
    """What one account gains by an entry, in wei; negative for what it gives."""

    account: Account
    amount_wei: int


@dataclass(frozen=True, slots=True)
class WorkPosting:
    """What one account gains in jobs and compute units; negative for what it gives."""

    account: Account
    jobs: int
    compute_units: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A set of postings that belong together. key is unique for ever, so none is posted twice."""

    key: str
    postings: tuple[Posting, ...]
    work: tuple[WorkPosting, ...] = ()


def job_account(stream: str, worker: str | None, pipeline: str, model: str) -> Account:
    """The account that a job's fee and work go to: its worker's, or the one that stands in.

    Nobody known did the job: unattributed. The worker declared no address: held, since the zero
    address is never paid.
    """
    if worker is None:
        return Account(AccountKind.UNATTRIBUTED, stream, pipeline=pipeline, model=model)
    if worker == ZERO_ADDRESS:
        return Account(AccountKind.HELD, stream, pipeline=pipeline, model=model)
    return Account(AccountKind.PAYABLE, stream, worker, pipeline, model)


@dataclass(frozen=True, slots=True)
class Standing:
    """An account with what stands on it: wei, and for accounts that jobs go to, its work."""

    account: Account
    balance_wei: int
    jobs: int = 0
    compute_units: int = 0
