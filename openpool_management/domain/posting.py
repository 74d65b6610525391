"""From attributed jobs to entries of the ledger: fees in wei, jobs and compute units."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(slots=True)
class _Delta:
    """What an entry adds to one account."""

    amount_wei: int = 0
    jobs: int = 0
    compute_units: int = 0


class _Deltas:
    """What an entry adds to each account of a stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = str(stream)
        self.revenue = Account(AccountKind.REVENUE, self.stream)
        self.of: defaultdict[Account, _Delta] = defaultdict(_Delta)

    def post(self, jobs: pl.DataFrame, worker: str, sign: int) -> None:
        """Post jobs (with_commission applied), or with sign -1 take them back."""
        sums = ("compute_units", "fees_wei", "net_wei", "commission_wei")
        groups = jobs.group_by(worker, "pipeline", "model", maintain_order=True).agg(
            pl.len(), pl.col(*sums).cast(pl.Int128).sum()
        )
        for holder, pipeline, model, count, units, fees, net, commission in groups.iter_rows():
            account = job_account(self.stream, holder, pipeline, model)
            delta = self.of[account]
            delta.jobs += sign * count
            delta.compute_units += sign * units
            self.of[self.revenue].amount_wei -= sign * fees
            if account.kind is AccountKind.PAYABLE:
                cut = Account(AccountKind.COMMISSION, self.stream, holder, pipeline, model)
                delta.amount_wei += sign * net
                self.of[cut].amount_wei += sign * commission
            else:
                delta.amount_wei += sign * fees

    def entry(self, key: str) -> Entry:
        """The entry, without what comes to nothing."""
        return Entry(
            key,
            tuple(
                Posting(account, delta.amount_wei)
                for account, delta in self.of.items()
                if delta.amount_wei
            ),
            tuple(
                WorkPosting(account, delta.jobs, delta.compute_units)
                for account, delta in self.of.items()
                if delta.jobs or delta.compute_units
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
