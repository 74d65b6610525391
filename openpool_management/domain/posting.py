"""From attributed jobs to entries of the ledger: fees in wei, jobs and compute units."""

from collections import Counter
from collections.abc import Sequence

import polars as pl

from openpool_management.domain.accounts import (
    Account,
    AccountKind,
    Entry,
    Posting,
    WorkPosting,
    job_account,
)
from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.batch import Attribution, AttributionCause, UnattributedJob
from openpool_management.domain.commission import CommissionRate, with_commission
from openpool_management.domain.streams import Stream


class _Deltas:
    """What an entry adds to each account."""

    def __init__(self, stream: Stream) -> None:
        self.stream = str(stream)
        self.amounts_wei: Counter[Account] = Counter()
        self.jobs: Counter[Account] = Counter()
        self.compute_units: Counter[Account] = Counter()

    def post(self, jobs: pl.DataFrame, worker: str, sign: int) -> None:
        """Post jobs (with_commission applied), or with sign -1 take them back."""
        groups = jobs.group_by(worker, "pipeline", "model").agg(
            pl.len(),
            pl.col("compute_units", "fees_wei", "net_wei", "commission_wei").cast(pl.Int128).sum(),
        )
        for holder, pipeline, model, count, units, fees, net, commission in groups.iter_rows():
            account = job_account(self.stream, holder, pipeline, model)
            self.jobs[account] += sign * count
            self.compute_units[account] += sign * units
            self.amounts_wei[Account(AccountKind.REVENUE, self.stream)] -= sign * fees
            if account.kind is AccountKind.PAYABLE:
                cut = Account(AccountKind.COMMISSION, self.stream, holder, pipeline, model)
                self.amounts_wei[account] += sign * net
                self.amounts_wei[cut] += sign * commission
            else:
                self.amounts_wei[account] += sign * fees

    def entry(self, key: str) -> Entry:
        touched = sorted(account for account in self.jobs)
        return Entry(
            key,
            tuple(
                Posting(account, amount_wei)
                for account, amount_wei in sorted(self.amounts_wei.items())
                if amount_wei
            ),
            tuple(
                WorkPosting(account, self.jobs[account], self.compute_units[account])
                for account in touched
                if self.jobs[account] or self.compute_units[account]
            ),
        )


def entries_of(
    batch_id: str,
    stream: Stream,
    jobs: pl.DataFrame,
    moved: pl.DataFrame,
    rates: Sequence[CommissionRate],
) -> tuple[Entry, ...]:
    """The entries of a batch: what its jobs earned, and what moved between workers.

    jobs have with_commission's columns; moved has worker (the old one) and new_worker.
    """
    entries = []
    if jobs.height:
        earned = _Deltas(stream)
        earned.post(jobs, "worker", 1)
        entries.append(earned.entry(f"{batch_id}:earned"))
    if moved.height:
        change = _Deltas(stream)
        change.post(with_commission(moved, rates, "worker"), "worker", -1)
        change.post(with_commission(moved, rates, "new_worker"), "new_worker", 1)
        entries.append(change.entry(f"{batch_id}:moved"))
    return tuple(entries)


def attributions_of(
    moved: pl.DataFrame, cause: AttributionCause = AttributionCause.PAIR_ARRIVED
) -> tuple[Attribution, ...]:
    """The new workers of moved jobs, as rows for the ledger."""
    columns = ("event_id", "new_worker", "received_id", "pipeline", "model")
    return tuple(
        Attribution(event_id, worker, received_id, cause, pipeline, model)
        for event_id, worker, received_id, pipeline, model in moved.select(columns).iter_rows()
    )


def unattributed_of(jobs: pl.DataFrame) -> tuple[UnattributedJob, ...]:
    """The jobs that nobody who can be paid did, as rows for the ledger."""
    rows = jobs.filter(pl.col("worker").is_null() | (pl.col("worker") == ZERO_ADDRESS))
    return tuple(
        UnattributedJob(
            event_id=row["event_id"],
            dt=row["dt"],
            request_id=row["request_id"] or "",
            pipeline=row["pipeline"],
            model=row["model"],
            compute_units=row["compute_units"],
            fees_wei=row["fees_wei"],
            held=row["worker"] is not None,
            object_key=row["object_key"],
            object_version=row["object_version"],
            object_index=row["object_index"],
        )
        for row in rows.iter_rows(named=True)
    )
