"""``workers/{address}.json``: all that the pool publishes of one worker."""

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.domain.payouts.plan import Verdict
from openpool_management.domain.streams import Stream
from openpool_management.domain.worker_history import months
from openpool_management.services.exports.days import worker_days
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.payouts import payout_row
from openpool_management.services.exports.values import Document, time_text

NOTHING_OWED = "nothing-owed"
_STOPPED = "The pool does not pay this address: ask its operator."
_NOT_LIVE = "Due, but the pool's payouts are not switched on: nothing is sent until they are."
_PAUSED = "Due, but the pool's payouts are paused: nothing is sent until its operator resumes them."
_UNAPPROVED = "Due, but a run that pays so much waits until the pool's operator has approved it."
_UNKNOWN_WALLET = (
    "Due at the next run if the wallet covers it; what it holds is not known at this moment."
)
_PRIVATE = (Verdict.DENIED, Verdict.NOT_ALLOWED, Verdict.BLOCKED)
"""Verdicts whose reason is the operator's own words, or names what operators type."""

_NOTHING = dict.fromkeys(("earned_wei", "paid_wei", "in_payout_wei", "payable_wei"), "0")


def worker_document(material: Material, worker: str) -> Document:
    """A worker's balance, the reason why it is not paid, earnings, payouts, connections."""
    own = material.payouts_of.get(worker, [])
    history = material.ledger.histories.get(worker)
    return {
        "export_timestamp": time_text(material.made_at),
        "address": worker,
        "online": worker in material.online,
        "balance": balance_of(material, worker),
        "next_payment": _next_payment(material, worker),
        "earnings": earnings_of(material, worker),
        "days": worker_days(material, worker),
        "payouts": [payout_row(material, one) for one in reversed(own)],
        "connections": [
            {"stream": str(stream), **one}
            for stream in material.streams
            for one in material.connections_of(worker, stream)
        ],
        "statements": [month.name for month in months(history)] if history else [],
    }


def balance_of(material: Material, worker: str) -> dict[str, str]:
    """earned = paid + in payout + payable, over all streams."""
    return material.balances.get(worker, _NOTHING)


def earnings_of(material: Material, worker: str) -> list[Document]:
    """What a worker's jobs earned: fees = net + commission, by stream, pipeline and model."""
    own = [
        one
        for one in material.standings_of.get(worker, ())
        if one.account.stream and (one.jobs or one.balance_wei)
    ]
    commission_wei = {
        (one.account.stream, one.account.pipeline, one.account.model): one.balance_wei
        for one in own
        if one.account.kind is AccountKind.COMMISSION
    }
    rows = []
    for one in sorted(own, key=lambda one: one.account):
        account = one.account
        if account.kind is AccountKind.PAYABLE:
            stream = Stream.parse(account.stream)
            kept_wei = commission_wei.get((account.stream, account.pipeline, account.model), 0)
            rows.append(
                {
                    "stream": account.stream,
                    "region": stream.region,
                    "node_type": stream.node_type,
                    "pipeline": account.pipeline,
                    "model": account.model,
                    "jobs": one.jobs,
                    "compute_units": str(one.compute_units),
                    "fees_wei": str(one.balance_wei + kept_wei),
                    "commission_wei": str(kept_wei),
                    "net_wei": str(one.balance_wei),
                }
            )
    return rows


def _next_payment(material: Material, worker: str) -> Document:
    decision = material.decisions.get(worker)
    if decision is None:
        return {"verdict": NOTHING_OWED, "reason": "Nothing is owed."}
    reason = _STOPPED if decision.verdict in _PRIVATE else decision.reason
    if decision.verdict is Verdict.PAY:
        # A plan is made whatever the mode is; it would promise what nobody carries out.
        if material.payout_mode != PayoutMode.LIVE.value:
            reason = _NOT_LIVE
        elif material.payouts_paused:
            reason = _PAUSED
        elif worker in material.unapproved:
            reason = _UNAPPROVED
        elif material.solvency.chain_wei is None:
            reason = f"{_UNKNOWN_WALLET} {reason}"
        else:
            reason = f"Due at the next run: {reason}"
    return {"verdict": decision.verdict.value, "reason": reason}
