"""Payouts and plans as JSON documents and as lines for people. Signed bytes are in none."""

from typing import TYPE_CHECKING, Any

from openpool_management.cli.documents import time_text

if TYPE_CHECKING:
    from openpool_management.domain.payouts.payout import Attempt, Event, Payout, Slot
    from openpool_management.services.payouts.run import RunReport


def payout_document(payout: "Payout") -> dict[str, Any]:
    """A payout as one row; wei is decimal text."""
    intent = payout.intent
    return {
        "id": payout.id,
        "state": payout.state.value,
        "period": intent.run_key,
        "worker": intent.worker,
        "to": intent.to_address,
        "amount_wei": str(intent.amount_wei),
        "sender": intent.sender,
        "chain_id": intent.chain_id,
        "created_at": time_text(intent.created_at),
        "nonce": payout.slots[-1].nonce if payout.slots else None,
        "tx_hash": payout.tx_hash,
        "detail": payout.detail,
        "next": next_step(payout),
    }


def whole_payout_document(payout: "Payout") -> dict[str, Any]:
    """A payout with its nonces, everything that was signed for them, and its events."""
    return payout_document(payout) | {
        "nonces": [_slot(slot) for slot in payout.slots],
        "events": [_event(event) for event in payout.events],
    }


def next_step(payout: "Payout") -> str:
    """What happens next to a payout, in a sentence."""
    if payout.cancelling and not payout.ended:
        return "It is cancelled as soon as a transfer of nothing has used up its nonce for good."
    return {
        "reserved": "It gets the next nonce when those before it are in a block.",
        "slotted": "The next run signs and sends it.",
        "signed": "The next run looks for it, and sends it if the chain has not seen it.",
        "sent": "The next run looks for it, and sends the same bytes again if need be.",
        "seen": "It is settled when its block is final.",
        "foreign": "It waits until the other transaction is final: openpool payouts settle.",
        "held": "Decide: openpool payouts accept if it was paid, openpool payouts retry if not.",
        "settled": "Nothing: it is paid.",
        "voided": "Nothing: what was set aside is owed again.",
    }[payout.state.value]


def cancel_command(payout: "Payout") -> str | None:
    """What to type to let a payout not be made; None where it is too late or done already."""
    too_late = payout.ended or payout.state.value in ("seen", "held")
    if too_late or payout.cancelling:
        return None
    return f"openpool payouts cancel {payout.id} --reason …"


def run_document(report: "RunReport") -> dict[str, Any]:
    """What a run planned and did."""
    from openpool_management.domain.payouts.plan_document import plan_document

    driven = report.driven.payouts.values() if report.driven else ()
    return {
        "period": report.run_key,
        "plan": plan_document(report.plan) if report.plan else None,
        "approved": [plan.hash for plan in report.approved],
        "payouts": [payout_document(payout) for payout in driven],
        "tried": [
            {
                "worker": one.payment.worker,
                "amount_wei": str(one.payment.amount_wei),
                "gas": one.transfer.gas if one.transfer else None,
                "max_fee_wei": str(one.transfer.max_fee_wei) if one.transfer else None,
                "problem": one.problem,
            }
            for one in report.tried
        ],
        "problems": report.problems,
    }


def _slot(slot: "Slot") -> dict[str, Any]:
    return {"nonce": slot.nonce, "signed": [_attempt(attempt) for attempt in slot.attempts]}


def _attempt(attempt: "Attempt") -> dict[str, Any]:
    transfer = attempt.signed.transfer
    return {
        "tx_hash": attempt.hash,
        "purpose": attempt.purpose.value,
        "to": transfer.to,
        "value_wei": str(transfer.value_wei),
        "gas": transfer.gas,
        "max_fee_wei": str(transfer.max_fee_wei),
        "max_priority_fee_wei": str(transfer.max_priority_fee_wei),
        "persisted_at": time_text(attempt.persisted_at),
        "answers": [
            {"at": time_text(send.at), "outcome": send.outcome.value, "detail": send.detail}
            for send in attempt.sends
        ],
    }


def _event(event: "Event") -> dict[str, Any]:
    return {
        "at": time_text(event.at),
        "mark": event.mark.value,
        "tx_hash": event.tx_hash,
        "block_number": event.block_number,
        "detail": event.detail,
    }
