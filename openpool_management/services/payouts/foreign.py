"""Nonces that a transaction used which the ledger did not make: found, named, and held.

The key is in use elsewhere, so payouts are paused as soon as it is noticed. Money is released only
when the other transaction is final.
"""

from dataclasses import replace
from datetime import datetime

from openpool_management.domain.payouts.chain import ChainTransaction
from openpool_management.domain.payouts.payout import Event, Mark, Payout, PayoutState
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.ports.chain import ChainUnavailable
from openpool_management.services.ports.payouts import (
    Conclusion,
    ForeignTransaction,
    Lease,
    PayoutConflict,
)

NO_TRANSACTION = ""
"""The hash of what used up a nonce without being a transaction of the wallet."""


def settle_foreign(
    paymaster: Paymaster, payout: Payout, finality: Finality, lease: Lease
) -> Payout:
    """The payout, marked FOREIGN or ended if another transaction used up its nonce.

    None of its own transfers has a receipt: the caller has looked.
    """
    slot, sighting = payout.slot, payout.sighting
    if slot is None:
        return payout
    known = sighting is not None and sighting.mark is Mark.FOREIGN
    if not _used(paymaster, slot.nonce):
        return _unused_again(paymaster, payout, slot.id, lease) if known else payout
    hashes = slot.hashes
    if not known:
        # A node may know the count before the receipt: look twice before saying such a thing.
        paymaster.sleep(paymaster.limits.foreign_delay_seconds)
        if not _used(paymaster, slot.nonce) or _any_receipt(paymaster, hashes):
            return payout
        _expect_unmoved(paymaster, payout, hashes, lease)
        reason = (
            f"Nonce {slot.nonce} of {payout.intent.sender} was used by a transaction that this "
            "ledger did not make: the key is used elsewhere, or the ledger is older than the "
            "chain. See openpool payouts reconcile."
        )
        event = Event(Mark.FOREIGN, paymaster.clock(), slot.id, detail=reason)
        paymaster.halt(reason, payout)
        payout = paymaster.book.conclude(payout, Conclusion((event,)), lease)
    if finality.nonce(payout.intent.sender) <= slot.nonce or _any_receipt(paymaster, hashes):
        return payout
    used_by = transaction_of(paymaster, payout.intent.sender, slot.nonce, finality)
    if used_by is None or used_by.hash in hashes:
        return payout
    return _supersede(paymaster, payout, slot.id, used_by, lease)


def _expect_unmoved(paymaster: Paymaster, payout: Payout, hashes: list[str], lease: Lease) -> None:
    """Raises PayoutConflict when the ledger has moved on: then the other one may be ours."""
    # Who slept past its lease knows less than the ledger, and has no reason to pause payouts.
    paymaster.book.check_lease(lease)
    kept = paymaster.book.payout(payout.id)
    if kept is None or kept.slot is None or kept.slot.hashes != hashes:
        raise PayoutConflict(f"Payout {payout.id} has moved on: another process deals with it.")


def _unused_again(paymaster: Paymaster, payout: Payout, slot_id: int, lease: Lease) -> Payout:
    """A reorganization took the other transaction away: the nonce is the payout's again."""
    detail = "The transaction that had used the nonce is gone: the chain was reorganized."
    event = Event(Mark.LOST, paymaster.clock(), slot_id, detail=detail)
    return paymaster.book.conclude(payout, Conclusion((event,)), lease)


def transaction_of(
    paymaster: Paymaster, sender: str, nonce: int, finality: Finality
) -> ChainTransaction | None:
    """What used a nonce, None while that is not final.

    A nonce that no transaction of the wallet used has an empty hash: an authorization of EIP-7702
    uses one up. Searches blocks by halves, so the node has to know the wallet's past nonces: raises
    ChainUnavailable where it does not.
    """
    opening = paymaster.book.opening(sender)
    low, high = (opening.block_number if opening else 0), finality.number
    if paymaster.chain.nonce(sender, high) <= nonce:
        return None
    while low < high:
        middle = (low + high) // 2
        if paymaster.chain.nonce(sender, middle) > nonce:
            high = middle
        else:
            low = middle + 1
    sent = paymaster.chain.sent_in_block(sender, high)
    nothing = ChainTransaction(NO_TRANSACTION, sender, nonce, None, 0, high)
    return next((one for one in sent if one.nonce == nonce), nothing)


def foreign_transaction(
    paymaster: Paymaster, transaction: ChainTransaction, reason: str
) -> ForeignTransaction:
    """A transaction with what it cost and moved. Raises ChainUnavailable for one with no receipt.

    A reverted one moved nothing, and neither did one from the wallet to itself.
    """
    if transaction.hash == NO_TRANSACTION:
        return ForeignTransaction(transaction, 0, reason)
    receipts = paymaster.chain.receipts([transaction.hash])
    if not receipts:
        raise ChainUnavailable(
            f"{paymaster.chain.name} has no receipt of {transaction.hash}, which a final block "
            "holds: name another node in ETH_RPC_ENDPOINT."
        )
    if not receipts[0].succeeded or transaction.to == transaction.sender:
        transaction = replace(transaction, value_wei=0)
    return ForeignTransaction(transaction, receipts[0].fee_wei, reason)


def hold_alike(paymaster: Paymaster, transaction: ChainTransaction, lease: Lease) -> None:
    """Hold payouts that have no nonce and that a transaction of the wallet may have made by hand.

    Those are the ones to its recipient, of the amount that it moved.
    """
    moved = (transaction.to, transaction.value_wei)
    for payout in paymaster.open_payouts():
        wanted = (payout.intent.to_address, payout.intent.amount_wei)
        if payout.state is PayoutState.RESERVED and wanted == moved:
            event = _held(transaction, paymaster.clock())
            subject = "A payout may have been made by hand"
            paymaster.book.conclude(payout, Conclusion((event,), subject=subject), lease)


def _supersede(
    paymaster: Paymaster, payout: Payout, slot_id: int, used_by: ChainTransaction, lease: Lease
) -> Payout:
    intent, now = payout.intent, paymaster.clock()
    foreign = foreign_transaction(paymaster, used_by, f"Used the nonce of payout {payout.id}.")
    hold_alike(paymaster, foreign.transaction, lease)
    if used_by.nonce not in paymaster.book.foreign_nonces(intent.sender):
        paymaster.book.record_foreign(intent.sender, intent.chain_id, foreign, lease, now)
    same = foreign.transaction
    detail = f"Nonce {used_by.nonce} was used by {_named(used_by)}."
    marks = [Event(Mark.SUPERSEDED, now, slot_id, used_by.hash, used_by.block_number, "", detail)]
    paid_alike = (same.to, same.value_wei) == (intent.to_address, intent.amount_wei)
    if paid_alike or used_by.hash == NO_TRANSACTION:
        marks.append(_held(used_by, now))
    return paymaster.book.conclude(
        payout, Conclusion(tuple(marks), subject="Nonce of a payout used elsewhere"), lease
    )


def _held(used_by: ChainTransaction, at: datetime) -> Event:
    """Wait for a person, since the payout may be made already."""
    paid = (
        f"{used_by.hash} paid the same amount to the same address"
        if used_by.hash != NO_TRANSACTION
        else f"Nonce {used_by.nonce} was used by {_named(used_by)}"
    )
    detail = (
        f"{paid}, so this payout may be paid already: openpool payouts accept if it is, openpool "
        "payouts retry if it is not."
    )
    return Event(Mark.HELD, at, None, used_by.hash, used_by.block_number, "", detail)


def _named(used_by: ChainTransaction) -> str:
    if used_by.hash == NO_TRANSACTION:
        return f"no transaction of block {used_by.block_number} (an EIP-7702 authorization does so)"
    return f"{used_by.hash}, which this ledger did not make"


def _used(paymaster: Paymaster, nonce: int) -> bool:
    return all(node.nonce(paymaster.sender) > nonce for node in paymaster.nodes)


def _any_receipt(paymaster: Paymaster, hashes: list[str]) -> bool:
    return any(node.receipts(hashes) for node in paymaster.nodes) if hashes else False
