"""``{region}/{node_type}/worker_summary.json``: fees and payments of a stream's workers."""

from dataclasses import dataclass

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.commission import DEFAULT_WORKER, rate_at
from openpool_management.domain.money import format_eth
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.domain.payouts.plan import Verdict
from openpool_management.domain.streams import Stream
from openpool_management.services.exports.material import Material, Share
from openpool_management.services.exports.payouts import chain_details, settled_at
from openpool_management.services.exports.values import (
    Document,
    number_and_text,
    percent_text,
    share_text,
    time_text,
)


@dataclass(slots=True)
class _Worker:
    """A worker on one stream: net + commission is what the jobs earned, in wei."""

    shares: list[Share]
    jobs: int = 0
    net_wei: int = 0
    commission_wei: int = 0

    @property
    def settled(self) -> list[Share]:
        return [one for one in self.shares if one.payout.state is PayoutState.SETTLED]

    @property
    def paid_wei(self) -> int:
        return sum(one.amount_wei for one in self.settled)

    @property
    def pending_wei(self) -> int:
        return self.net_wei - self.paid_wei


def worker_summary(material: Material, stream: Stream) -> Document:
    """The summary of a stream. Wei stands as a number and as text; ETH is exact text."""
    found = _workers(material, stream)
    rows = {worker: _row(material, stream, worker, found[worker]) for worker in sorted(found)}
    return {
        "export_timestamp": time_text(material.made_at),
        "data": {
            "node_type": stream.node_type,
            "region": stream.region,
            "timestamp": time_text(material.ledger.read_at[stream]),
            "workers": rows,
            "aggregates": _aggregates(material, found, rows),
        },
    }


def _workers(material: Material, stream: Stream) -> dict[str, _Worker]:
    """Workers with jobs, money, payments or connections on the stream."""
    shares = material.shares.get(str(stream), {})
    found = {worker: _Worker(own) for worker, own in shares.items()}
    for one in material.ledger.standings:
        account = one.account
        if account.stream != str(stream) or not (one.jobs or one.balance_wei):
            continue
        if account.kind is AccountKind.PAYABLE:
            row = found.setdefault(account.worker, _Worker([]))
            row.jobs += one.jobs
            row.net_wei += one.balance_wei
        elif account.kind is AccountKind.COMMISSION:
            found.setdefault(account.worker, _Worker([])).commission_wei += one.balance_wei
    for interval in material.connections.get(stream, ()):
        found.setdefault(interval.worker, _Worker([]))
    return found


def _row(material: Material, stream: Stream, address: str, worker: _Worker) -> Document:
    connections = list(material.connections_of(address, stream))
    opened = sum(one["state"] == "open" for one in connections)
    decision = material.decisions.get(address)
    due = decision is not None and decision.verdict is Verdict.PAY and worker.pending_wei > 0
    dates = [at for one in worker.settled if (at := settled_at(one.payout))]
    return {
        "eth_address": address,
        "node_type": stream.node_type,
        "region": stream.region,
        **number_and_text("total_fees", worker.net_wei + worker.commission_wei),
        **number_and_text("worker_earnings", worker.net_wei),
        **number_and_text("pool_commission", worker.commission_wei),
        "connections": connections,
        "connection_count": opened,
        "active": opened > 0,
        "payment_count": len(worker.settled),
        "payment_history": [_payment(material, one) for one in reversed(worker.shares)],
        "last_payment_date": time_text(max(dates, default=None)),
        **number_and_text("total_fees_paid", worker.paid_wei),
        **number_and_text("pending_fees", worker.pending_wei),
        "pending_eth": format_eth(worker.pending_wei),
        "payment_due": due,
    }


def _payment(material: Material, share: Share) -> Document:
    intent = share.payout.intent
    details = chain_details(material, share.payout)
    return {
        "payment_id": share.payout.id,
        "eth_address": intent.to_address,
        **number_and_text("amount", share.amount_wei),
        "timestamp": time_text(intent.created_at),
        "transaction_hash": details.pop("transaction_hash"),
        "status": details.pop("state"),
        "blockchain_details": details | {"payout_amount_wei": str(intent.amount_wei)},
    }


def _aggregates(
    material: Material, workers: dict[str, _Worker], rows: dict[str, Document]
) -> Document:
    fees_wei = sum(one.net_wei + one.commission_wei for one in workers.values())
    paid_wei = sum(one.paid_wei for one in workers.values())
    pending_wei = sum(one.pending_wei for one in workers.values())
    active = sum(row["active"] for row in rows.values())
    fee_bps = rate_at(material.ledger.rates, DEFAULT_WORKER, material.made_at)
    return {
        "total_workers": len(workers),
        "active_workers": active,
        **number_and_text("total_fees", fees_wei),
        **number_and_text("total_fees_paid", paid_wei),
        **number_and_text("total_pending_fees", pending_wei),
        "total_connections": sum(row["connection_count"] for row in rows.values()),
        "total_payments": sum(row["payment_count"] for row in rows.values()),
        **number_and_text(
            "total_pool_commission", sum(one.commission_wei for one in workers.values())
        ),
        **number_and_text("total_worker_earnings", sum(one.net_wei for one in workers.values())),
        "pool_commission_rate": share_text(fee_bps),
        "workers_eligible_for_payment": sum(row["payment_due"] for row in rows.values()),
        "total_pending_eth": format_eth(pending_wei),
        "total_fees_eth": format_eth(fees_wei),
        "total_fees_paid_eth": format_eth(paid_wei),
        "active_worker_percentage": percent_text(active, len(workers)),
    }
