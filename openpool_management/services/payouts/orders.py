"""What an operator may order: cancel, retry, accept, open a wallet, pause, resume."""

import json
from datetime import datetime

from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.payout import Event, Mark, Payout, PayoutState
from openpool_management.services.decisions import DecisionRefused, stated_reason
from openpool_management.services.payouts.drive import void_unsent
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.foreign import transaction_of
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.payouts.preflight import check_nodes, present_state
from openpool_management.services.payouts.sending import ask_to_cancel
from openpool_management.services.ports.payouts import Conclusion, Opening, Pause, PayoutBook

BY_THE_OPERATOR = "Blocked by the operator"
"""How the reason begins for which a person lets a worker not be paid."""


def cancel(book: PayoutBook, payout_id: str, reason: str, now: datetime) -> Payout:
    """Let a payout not be made. Raises DecisionRefused where that can't be any more.

    Without a nonce it is voided at once. With one, a drive uses the nonce up by a transfer of
    nothing; until that is final the payout may still be made, so what was set aside stays so.
    """
    reason = stated_reason(reason)
    payout = find_payout(book, payout_id)
    if payout.ended:
        raise DecisionRefused(f"Payout {payout.id} is {payout.state}: that is final.")
    if payout.state is PayoutState.HELD:
        raise DecisionRefused(
            f"Payout {payout.id} is held, since it may be paid already: accept it with openpool "
            "payouts accept, or pay it anew with openpool payouts retry."
        )
    if payout.state is PayoutState.SEEN:
        raise DecisionRefused(
            f"Payout {payout.id} is in a block already: it is paid as soon as that is final."
        )
    payout = ask_to_cancel(book, payout, f"Cancelled by the operator: {reason}", None, now)
    return void_unsent(book, payout, None, now) if payout.slot is None else payout


def retry(book: PayoutBook, payout_id: str, reason: str, now: datetime) -> Payout:
    """Try a payout again. Raises DecisionRefused where nothing stands in its way.

    One that is held, or that somebody asked to cancel, goes on. One that was voided because of its
    recipient stays so, and the worker is paid by the next plan again, unless an operator blocked
    them.
    """
    reason = stated_reason(reason)
    payout = find_payout(book, payout_id)
    if payout.state is PayoutState.VOIDED:
        worker = payout.intent.worker
        for why in book.block_reasons(worker):
            if why.startswith(BY_THE_OPERATOR):
                raise DecisionRefused(
                    f"{worker} is not paid. {why.rstrip('.')}. Lift that with openpool payouts "
                    "unblock."
                )
        why = f"Paid again by the operator: {reason}"
        book.set_block(worker, False, why, now)
        return payout
    if payout.state is not PayoutState.HELD and not payout.cancelling:
        raise DecisionRefused(
            f"Payout {payout.id} is {payout.state} and nothing holds it up: openpool payouts "
            "settle sees to it."
        )
    event = Event(Mark.RETRIED, now, detail=f"Tried again by the operator: {reason}")
    return book.conclude(payout, Conclusion((event,)), None)


def block(book: PayoutBook, worker: str, reason: str, now: datetime) -> list[Payout]:
    """Pay a worker no more, until unblocked. Raises DecisionRefused without a reason.

    Tells the payouts to the worker that are open: they go on, since each may have been sent. Who
    wants none of them cancels them.
    """
    book.set_block(worker, True, f"{BY_THE_OPERATOR}: {stated_reason(reason)}", now)
    return [one for one in book.open_payouts() if one.intent.worker == worker]


def accept(book: PayoutBook, payout_id: str, reason: str, now: datetime) -> Payout:
    """Take a held payout as paid by the transaction that used its nonce.

    Raises DecisionRefused for a payout that is not held.
    """
    reason = stated_reason(reason)
    payout = find_payout(book, payout_id)
    if payout.state is not PayoutState.HELD:
        raise DecisionRefused(f"Payout {payout.id} is {payout.state}, not held.")
    held = [one for one in payout.events if one.mark is Mark.HELD][-1]
    event = Event(
        Mark.SETTLED,
        now,
        None,
        held.tx_hash,
        held.block_number,
        held.block_hash,
        f"Accepted as paid by the operator: {reason}",
    )
    conclusion = Conclusion(
        (event,), (entries.settled_by_other(payout.intent),), "Payout accepted as paid"
    )
    return book.conclude(payout, conclusion, None)


def pause(book: PayoutBook, reason: str, now: datetime) -> Pause:
    """Sign and send nothing from this moment on. What was sent is followed all the same."""
    order = Pause(True, stated_reason(reason), "operator", now)
    book.set_pause(order)
    return order


def resume(book: PayoutBook, reason: str, now: datetime) -> Pause:
    """Let payouts go on. What made the program pause makes it pause again if it is still so."""
    last = book.pause()
    if last is None or not last.paused:
        raise DecisionRefused("Payouts are not paused.")
    order = Pause(False, stated_reason(reason), "operator", now)
    book.set_pause(order)
    return order


def open_at(paymaster: Paymaster, nonce: int | None, reason: str = "") -> Opening:
    """Let the ledger's account of a used wallet begin: now, or before the transaction of a nonce.

    A reason is kept in a message to the operator. Raises DecisionRefused when it has begun, or when
    no final transaction has that nonce.
    """
    book, sender = paymaster.book, paymaster.sender
    check_nodes(paymaster)
    if book.opening(sender) is not None:
        raise DecisionRefused(f"The ledger pays from {sender} already.")
    opening = present_state(paymaster)
    if nonce is not None and nonce != opening.nonce:
        first = transaction_of(paymaster, sender, nonce, Finality(paymaster))
        if first is None or not first.block_number:
            raise DecisionRefused(f"No final transaction of {sender} has nonce {nonce}.")
        block = first.block_number - 1
        before = paymaster.chain.nonce(sender, block)
        if before != nonce:
            raise DecisionRefused(
                f"Block {first.block_number} holds several transactions of {sender}: name nonce "
                f"{before}, which is the first of them."
            )
        balance_wei = paymaster.chain.balance_wei(sender, block)
        opening = Opening(sender, paymaster.chain_id, nonce, balance_wei, block)
    lease = paymaster.acquire()
    try:
        now = paymaster.clock()
        book.open_wallet(opening, lease, now)
        if reason:
            document = {"wallet": sender, "nonce": opening.nonce, "reason": reason}
            book.tell(f"opened:{sender}", "A used wallet pays", json.dumps(document), now)
    finally:
        book.release(lease, paymaster.clock())
    return opening


def find_payout(book: PayoutBook, payout_id: str) -> Payout:
    """A payout by its id. Raises DecisionRefused when there is none."""
    payout = book.payout(payout_id.strip().lower())
    if payout is None:
        raise DecisionRefused(
            f"There is no payout {payout_id}: see openpool payouts list for their ids."
        )
    return payout
