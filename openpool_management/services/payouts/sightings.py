"""What became of payouts, asked of the chain alone: seen, lost again, or final.

Reads the chain and writes the book; it signs and sends nothing, so it needs no key.
"""

from collections.abc import Sequence

from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.chain import Receipt
from openpool_management.domain.payouts.payout import Attempt, Event, Mark, Payout, Purpose
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.paymaster import Paymaster, PayoutsStopped
from openpool_management.services.payouts.quotes import REFUSED
from openpool_management.services.ports.payouts import Conclusion, Lease

HASHES_PER_REQUEST = 50


def look_up(
    paymaster: Paymaster, payouts: Sequence[Payout], finality: Finality, lease: Lease
) -> list[Payout]:
    """The payouts, brought up to what the chain says. Those without a signed transfer stay."""
    receipts = _receipts(paymaster, payouts)
    looked: list[Payout] = []
    for payout in payouts:
        found = [receipts[one] for one in _hashes(payout) if one in receipts]
        looked.append(_look_up(paymaster, payout, found, finality, lease))
    return looked


def _look_up(
    paymaster: Paymaster,
    payout: Payout,
    receipts: Sequence[Receipt],
    finality: Finality,
    lease: Lease,
) -> Payout:
    slot, sighting = payout.slot, payout.sighting
    if slot is None:
        return payout
    if not receipts:
        if sighting is not None and sighting.mark is Mark.SEEN:
            event = _event(
                paymaster,
                Mark.LOST,
                slot.id,
                detail=f"No longer in block {sighting.block_number}: the chain was reorganized.",
            )
            payout = paymaster.book.conclude(payout, Conclusion((event,)), lease)
        return payout
    receipt = receipts[0]
    attempt = next(one for one in slot.attempts if one.hash == receipt.tx_hash)
    if finality.reached(receipt) and _told_alike(paymaster, payout, attempt, finality):
        return paymaster.book.conclude(
            payout, _conclusion(paymaster, payout, slot.id, attempt, receipt), lease
        )
    seen = (Mark.SEEN, receipt.tx_hash, receipt.block_hash)
    if sighting is None or (sighting.mark, sighting.tx_hash, sighting.block_hash) != seen:
        event = _event(paymaster, Mark.SEEN, slot.id, receipt)
        payout = paymaster.book.conclude(payout, Conclusion((event,)), lease)
    return payout


def _conclusion(
    paymaster: Paymaster, payout: Payout, slot_id: int, attempt: Attempt, receipt: Receipt
) -> Conclusion:
    """How a payout ends whose nonce was used, for good, by one of its own transfers."""
    intent = payout.intent
    gas = entries.gas(intent.sender, receipt.tx_hash, receipt.fee_wei)
    if attempt.purpose is Purpose.PAYOUT and receipt.succeeded:
        event = _event(paymaster, Mark.SETTLED, slot_id, receipt)
        return Conclusion((event,), (entries.settled(intent), gas), "Payout settled")
    if attempt.purpose is Purpose.PAYOUT:
        reason = (
            f"{intent.to_address} refused the transfer: transaction {receipt.tx_hash} reverted, "
            "and no value moved."
        )
        mark, blocked, subject = Mark.REVERTED, reason, "Payout refused by its recipient"
    else:
        reason, blocked = _why_cancelled(payout)
        mark, subject = Mark.CANCELLED, "Payout cancelled"
    return Conclusion(
        (
            _event(paymaster, mark, slot_id, receipt, reason),
            _event(paymaster, Mark.VOIDED, None, receipt, reason),
        ),
        (gas, entries.voided(intent)),
        subject,
        blocked,
    )


def _why_cancelled(payout: Payout) -> tuple[str, str]:
    """(detail, reason to block the worker or nothing) of a payout that was cancelled."""
    asked = [one.detail for one in payout.events if one.mark is Mark.CANCEL_ASKED]
    reason = asked[-1] if asked else "Cancelled."
    return reason, reason if reason.startswith(REFUSED) else ""


def _told_alike(paymaster: Paymaster, payout: Payout, attempt: Attempt, finality: Finality) -> bool:
    """Whether the node tells of the transfer that was signed; False while it tells of none.

    Raises PayoutsStopped when it tells of another one.
    """
    found = paymaster.chain.transaction(attempt.hash)
    if found is None:
        # A node that is behind, or forgets, is no reason to pause.
        finality.doubt(
            f"{paymaster.chain.name} has the receipt of {attempt.hash}, which is final, and no "
            f"transaction of that hash: payout {payout.id} is settled when it has both. If that "
            "stays so, name another node in ETH_RPC_ENDPOINT."
        )
        return False
    transfer = attempt.signed.transfer
    told = (found.sender, found.nonce, found.to, found.value_wei)
    if told != (payout.intent.sender, transfer.nonce, transfer.to, transfer.value_wei):
        reason = (
            f"{paymaster.chain.name} tells of another transfer under {attempt.hash} than was "
            f"signed for payout {payout.id}: the node can't be trusted, use another."
        )
        paymaster.halt(reason, payout)
        raise PayoutsStopped(reason)
    return True


def _receipts(paymaster: Paymaster, payouts: Sequence[Payout]) -> dict[str, Receipt]:
    hashes = [one for payout in payouts for one in _hashes(payout)]
    found: dict[str, Receipt] = {}
    for start in range(0, len(hashes), HASHES_PER_REQUEST):
        for receipt in paymaster.chain.receipts(hashes[start : start + HASHES_PER_REQUEST]):
            found[receipt.tx_hash] = receipt
    return found


def _hashes(payout: Payout) -> list[str]:
    return payout.slot.hashes if payout.slot else []


def _event(
    paymaster: Paymaster,
    mark: Mark,
    slot_id: int | None,
    receipt: Receipt | None = None,
    detail: str = "",
) -> Event:
    at = paymaster.clock()
    if receipt is None:
        return Event(mark, at, slot_id, detail=detail)
    return Event(
        mark, at, slot_id, receipt.tx_hash, receipt.block_number, receipt.block_hash, detail
    )
