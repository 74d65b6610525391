"""The lines of the ledger that one job is part of."""

from dataclasses import dataclass

from openpool_management.domain.accounts import Account, AccountKind, job_account
from openpool_management.domain.audit import AttributionRecord, BatchRecord
from openpool_management.domain.commission import rate_at
from openpool_management.domain.money import split_fee
from openpool_management.domain.streams import Stream
from openpool_management.services.audit_trail import AuditTrail, Row


@dataclass(frozen=True, slots=True)
class JobLine:
    """A line of the ledger that a job is part of; share_wei is the job's part of amount_wei."""

    posting_key: str
    account: Account
    share_wei: int
    amount_wei: int
    balance_wei: int | None


def job_lines(
    trail: AuditTrail, row: Row, batch: BatchRecord, changes: list[AttributionRecord]
) -> list[JobLine]:
    """The lines of the ledger that a job is part of, oldest first.

    row and batch: the job in the lake; changes: those of its worker, oldest first.
    """
    worker: str | None = row["worker"]
    posted = {f"{batch.id}:earned": _shares(batch.stream, row, worker, row["fee_bps"], 1)}
    batches = {batch.number}
    for change in changes:
        shares = _moved_shares(trail, row, worker, -1, change)
        for account, share_wei in _moved_shares(trail, row, change.worker, 1, change).items():
            shares[account] = shares.get(account, 0) + share_wei
        posted[f"{change.batch.id}:moved"] = shares
        batches.add(change.batch.number)
        worker = change.worker
    return [
        JobLine(
            line.posting_key,
            line.account,
            posted[line.posting_key][line.account],
            line.amount_wei,
            line.balance_wei,
        )
        for number in sorted(batches)
        for line in trail.records.lines(number)
        if line.account in posted.get(line.posting_key, {})
    ]


def _moved_shares(
    trail: AuditTrail, row: Row, worker: str | None, sign: int, change: AttributionRecord
) -> dict[Account, int]:
    stream = change.batch.stream
    return _shares(stream, row, worker, fee_bps_of(trail, stream, row, worker), sign)


def _shares(
    stream: Stream, row: Row, worker: str | None, fee_bps: int, sign: int
) -> dict[Account, int]:
    """What a job gives each account, in wei."""
    fees_wei = int(row["fees_wei"])
    account = job_account(str(stream), worker, row["pipeline"], row["model"])
    revenue = Account(AccountKind.REVENUE, str(stream))
    if account.kind is not AccountKind.PAYABLE:
        return {revenue: -sign * fees_wei, account: sign * fees_wei}
    net_wei, commission_wei = split_fee(fees_wei, fee_bps)
    cut = Account(AccountKind.COMMISSION, str(stream), worker or "", row["pipeline"], row["model"])
    return {revenue: -sign * fees_wei, account: sign * net_wei, cut: sign * commission_wei}


def fee_bps_of(trail: AuditTrail, stream: Stream, row: Row, worker: str | None) -> int:
    """The commission in basis points in force for a worker at a job's DT."""
    return rate_at(trail.ledger.head(stream).rates, worker or "", row["dt"])
