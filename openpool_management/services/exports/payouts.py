"""Payouts as they are published: ``payouts.json``, and a payout's row in other documents."""

from datetime import datetime

from openpool_management.domain.payouts.payout import Event, Mark, Payout, PayoutState, Purpose
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.values import Document, time_text


def payouts_document(material: Material) -> Document:
    """All payouts, the newest first."""
    return {
        "export_timestamp": time_text(material.made_at),
        "payouts": [payout_row(material, one) for one in reversed(material.ledger.payouts)],
    }


def payout_row(material: Material, payout: Payout) -> Document:
    """A payout with its transaction, how final that is, and its shares by stream."""
    intent = payout.intent
    return {
        "id": payout.id,
        "period": intent.run_key,
        "worker": intent.worker,
        "to": intent.to_address,
        "amount_wei": str(intent.amount_wei),
        "shares": [
            {"stream": stream, "amount_wei": str(share_wei)}
            for stream, share_wei in sorted(material.shares_of(payout).items())
        ],
        "created_at": time_text(intent.created_at),
        **chain_details(material, payout),
    }


def chain_details(material: Material, payout: Payout) -> Document:
    """Where a payout stands on the chain. A voided one has no transaction that paid anything, and
    one that cancels a payout pays nothing either."""
    seen = _last_sighting(payout)
    pays = payout.state is not PayoutState.VOIDED and payout.tx_hash not in _cancellations(payout)
    tx_hash = payout.tx_hash if pays else None
    # One that was paid by hand, or restored from the chain, never had a nonce of its own.
    given = payout.slots[-1] if payout.slots else None
    slot = given if payout.state is PayoutState.SETTLED else payout.slot
    return {
        "state": payout.state.value,
        "final": payout.ended,
        "settled_at": time_text(settled_at(payout)),
        "chain_id": payout.intent.chain_id,
        "sender": payout.intent.sender,
        "nonce": slot.nonce if slot else None,
        "transaction_hash": tx_hash,
        "block_number": seen.block_number if seen and tx_hash else None,
        "explorer_url": material.explorer.link(payout.intent.chain_id, tx_hash),
    }


def _cancellations(payout: Payout) -> set[str]:
    attempts = [attempt for slot in payout.slots for attempt in slot.attempts]
    return {one.hash for one in attempts if one.purpose is Purpose.CANCEL}


def settled_at(payout: Payout) -> datetime | None:
    """When the ledger learned that the payment is final, None before that."""
    return next((one.at for one in payout.events if one.mark is Mark.SETTLED), None)


def _last_sighting(payout: Payout) -> Event | None:
    """The event that says which block holds the transaction, None where none does."""
    if payout.state not in (PayoutState.SEEN, PayoutState.SETTLED):
        return None
    held = [one for one in payout.events if one.mark in (Mark.SEEN, Mark.SETTLED)]
    return next((one for one in reversed(held) if one.block_number is not None), None)
