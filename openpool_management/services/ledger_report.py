"""The ledger as a document: what ``openpool ledger --json`` prints."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from openpool_management.domain.accounts import AccountKind, Standing
from openpool_management.services.ports import Books

JOB_ACCOUNTS = (AccountKind.PAYABLE, AccountKind.UNATTRIBUTED, AccountKind.HELD)


def ledger_document(books: Books) -> dict[str, Any]:
    """Streams with their workers, balances over all streams, and the number of held items.

    Wei is decimal text. A stream's ``held`` is there only when jobs of workers without an address
    have earned something, and its unattributed jobs are not among its workers.
    """
    standings = books.standings()
    streams: dict[str, dict[str, Any]] = {
        str(stream): {
            "events": totals,
            "unattributed": {"jobs": 0, "gross_wei": 0},
            "workers": {},
        }
        for stream, totals in sorted(books.event_totals().items())
    }
    for standing in standings:
        if standing.account.stream:
            _add(streams[standing.account.stream], standing)
    return {
        "streams": {name: _as_text(stream) for name, stream in streams.items()},
        "balances": worker_balances(standings),
        "held": books.open_holds(),
    }


def worker_balances(standings: Iterable[Standing]) -> dict[str, dict[str, str]]:
    """What each worker earned over all streams, was paid, and is owed, in wei as decimal text.

    earned = paid + in payout + payable: what is set aside for a payout that is not final is neither
    paid nor free to be paid. A worker whose jobs all moved to others is left out, as if they had
    never been its own.
    """
    sums_wei: dict[str, Counter[str]] = {}
    for standing in standings:
        account = standing.account
        if account.kind not in (AccountKind.PAYABLE, AccountKind.IN_PAYOUT):
            continue
        if not standing.balance_wei and not standing.jobs:
            continue
        sums = sums_wei.setdefault(account.worker, Counter())
        if account.kind is AccountKind.IN_PAYOUT:
            sums["in_payout"] += standing.balance_wei
            continue
        sums["payable"] += standing.balance_wei
        if account.stream:
            sums["earned"] += standing.balance_wei
    return {
        worker: {
            "earned_wei": str(sums["earned"]),
            "paid_wei": str(sums["earned"] - sums["payable"] - sums["in_payout"]),
            "in_payout_wei": str(sums["in_payout"]),
            "payable_wei": str(sums["payable"]),
        }
        for worker, sums in sorted(sums_wei.items())
    }


def _add(stream: dict[str, Any], standing: Standing) -> None:
    account = standing.account
    if account.kind is AccountKind.UNATTRIBUTED:
        stream["unattributed"]["jobs"] += standing.jobs
        stream["unattributed"]["gross_wei"] += standing.balance_wei
    elif account.kind is AccountKind.HELD:
        held = stream.setdefault("held", {"jobs": 0, "gross_wei": 0})
        held["jobs"] += standing.jobs
        held["gross_wei"] += standing.balance_wei
    elif account.kind in (AccountKind.PAYABLE, AccountKind.COMMISSION):
        worker = stream["workers"].setdefault(
            account.worker,
            {"jobs": 0, "compute_units": {}, "gross_wei": 0, "net_wei": 0, "commission_wei": 0},
        )
        part = "net_wei" if account.kind is AccountKind.PAYABLE else "commission_wei"
        worker[part] += standing.balance_wei
        worker["gross_wei"] += standing.balance_wei
        if account.kind is AccountKind.PAYABLE:
            worker["jobs"] += standing.jobs
            units = worker["compute_units"]
            units[account.pipeline] = units.get(account.pipeline, 0) + standing.compute_units


def _as_text(stream: dict[str, Any]) -> dict[str, Any]:
    """Wei to text; a worker whose jobs all moved away, and what is at nothing, is left out."""
    for part in ("unattributed", "held"):
        if part in stream:
            stream[part]["gross_wei"] = str(stream[part]["gross_wei"])
    if stream.get("held", {}).get("jobs") == 0:
        del stream["held"]
    stream["workers"] = {
        address: {
            "jobs": worker["jobs"],
            "compute_units": dict(sorted(worker["compute_units"].items())),
            "gross_wei": str(worker["gross_wei"]),
            "net_wei": str(worker["net_wei"]),
            "commission_wei": str(worker["commission_wei"]),
        }
        for address, worker in sorted(stream["workers"].items())
        if worker["jobs"]
    }
    return stream
