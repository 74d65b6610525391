"""``pool.json``: the pool at a glance."""

from dataclasses import fields

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.commission import DEFAULT_WORKER, rate_at
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.domain.streams import Stream
from openpool_management.services.exports.days import pool_days
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.values import Document, share_text, time_text
from openpool_management.services.exports.worker import balance_of

_AMOUNTS = {
    AccountKind.PAYABLE: "earned_wei",
    AccountKind.COMMISSION: "commission_wei",
    AccountKind.UNATTRIBUTED: "unattributed_wei",
    AccountKind.HELD: "held_wei",
}


def pool_document(material: Material) -> Document:
    """What was earned, redeemed, paid and is owed, by the pool and by stream, and its workers."""
    solvency = material.solvency
    return {
        "export_timestamp": time_text(material.made_at),
        "commission_rate": share_text(
            rate_at(material.ledger.rates, DEFAULT_WORKER, material.made_at)
        ),
        "money": {
            one.name: _text(getattr(solvency, one.name))
            for one in fields(solvency)
            if one.name.endswith("_wei")
        },
        "solvency": {
            "covered": solvency.covered,
            "shortfall_wei": _text(solvency.shortfall_wei),
            "chain_block": solvency.chain_block,
            "sentence": solvency.sentence,
        },
        "payouts": {
            "mode": material.payout_mode,
            "paused": material.payouts_paused,
            "made": sum(one.state is PayoutState.SETTLED for one in material.ledger.payouts),
            "under_way": len(material.ledger.under_way),
        },
        "workers_online": len(material.online),
        "workers": [
            {
                "address": worker,
                "online": worker in material.online,
                **balance_of(material, worker),
            }
            for worker in material.workers
        ],
        "streams": [_stream(material, stream) for stream in material.streams],
        "days": pool_days(material),
    }


def _stream(material: Material, stream: Stream) -> Document:
    own = [one for one in material.ledger.standings if one.account.stream == str(stream)]
    sums_wei = {
        name: sum(one.balance_wei for one in own if one.account.kind is kind)
        for kind, name in _AMOUNTS.items()
    }
    shares = [one for of in material.shares.get(str(stream), {}).values() for one in of]
    paid_wei = sum(one.amount_wei for one in shares if one.payout.state is PayoutState.SETTLED)
    amounts_wei = {
        "fees_wei": sum(sums_wei.values()),
        **sums_wei,
        "paid_wei": paid_wei,
        "owed_wei": sums_wei["earned_wei"] - paid_wei,
    }
    return {
        "stream": str(stream),
        "region": stream.region,
        "node_type": stream.node_type,
        "read_at": time_text(material.ledger.read_at[stream]),
        "jobs": sum(one.jobs for one in own),
        "workers": len({one.account.worker for one in own if one.jobs and one.account.worker}),
        "workers_online": sum(stream in streams for streams in material.online.values()),
        **{name: str(amount_wei) for name, amount_wei in amounts_wei.items()},
    }


def _text(amount_wei: int | None) -> str | None:
    return None if amount_wei is None else str(amount_wei)
