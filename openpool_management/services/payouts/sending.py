"""Sending one payout: nonce, signature, durable bytes, broadcast, and in trouble the same nonce.

Whatever happens after the bytes are durable, the next step is decided by what the chain says; a
node's reply only hints at what to try.
"""

from datetime import datetime

from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.chain import SendOutcome, SendReply
from openpool_management.domain.payouts.fees import TooExpensive, higher_price
from openpool_management.domain.payouts.payout import (
    Attempt,
    Event,
    Mark,
    Payout,
    PayoutState,
    Purpose,
)
from openpool_management.domain.payouts.transactions import (
    Transfer,
    WrongSignature,
    signed_as_asked,
)
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.paymaster import Paymaster, PayoutsStopped
from openpool_management.services.payouts.quotes import (
    NOT_IN_A_POOL,
    REFUSED,
    RecipientRefuses,
    quote,
)
from openpool_management.services.payouts.sightings import look_up
from openpool_management.services.ports.chain import SignerError
from openpool_management.services.ports.payouts import (
    Conclusion,
    Lease,
    PayoutBook,
    PayoutConflict,
)

MAX_TRIES = 6
POLL_SECONDS = 0.05
NEEDS_ANOTHER = frozenset({SendOutcome.UNDERPRICED, SendOutcome.GAS_TOO_LOW})
"""Replies that the same bytes would get again, whatever the base fee does."""


def begin(paymaster: Paymaster, payout: Payout, under_way_wei: int, lease: Lease) -> Payout:
    """Give a payout that is set aside its nonce and sign it; void it if it can't be received.

    under_way_wei is what was sent and is not final. Raises PayoutsStopped, before a nonce is given,
    when anything speaks against sending.
    """
    nonce = paymaster.book.next_nonce(paymaster.sender)
    try:
        quoted = quote(paymaster, payout.intent, nonce)
    except RecipientRefuses as error:
        return _reject(paymaster, payout, str(error), lease)
    _room_to_send(paymaster, payout, under_way_wei)
    _expect_nonce(paymaster, nonce, quoted.next_nonce, lease)
    paymaster.stop_for_pause()
    payout = paymaster.book.open_slot(payout, nonce, lease, paymaster.clock())
    return _sign(paymaster, payout, quoted.transfer, Purpose.PAYOUT, lease)


def push(paymaster: Paymaster, payout: Payout, finality: Finality, lease: Lease) -> Payout:
    """Sign and send what the payout's nonce needs until the chain has seen it, or patience ends.

    Raises PayoutsStopped when something has to change before it can go on.
    """
    for _ in range(MAX_TRIES):
        lease = paymaster.renewed(lease)
        payout, attempt = _with_attempt(paymaster, payout, lease)
        # Pausing acts at once: between signing and sending too.
        paymaster.stop_for_pause()
        paymaster.book.check_lease(lease)
        reply = paymaster.chain.send(attempt.signed.raw)
        [payout] = look_up(paymaster, [payout], finality, lease)
        if not _done(payout):
            # Where a block holds it at once, that says more than any reply.
            payout = paymaster.book.record_send(payout, attempt.hash, reply, paymaster.clock())
            payout = _await(paymaster, payout, reply, finality, lease)
        if _done(payout):
            return payout
        payout = _react(paymaster, payout, attempt, reply, lease)
        if reply.outcome is SendOutcome.NONCE_TOO_LOW:
            return payout
    return payout


def _with_attempt(paymaster: Paymaster, payout: Payout, lease: Lease) -> tuple[Payout, Attempt]:
    """The payout with the bytes to send: those it has, or others where they can't do."""
    slot = payout.slot
    if slot is None:
        raise PayoutConflict(f"Payout {payout.id} has no nonce in use.")
    purpose = Purpose.CANCEL if payout.cancelling else Purpose.PAYOUT
    last = slot.attempts[-1] if slot.attempts else None
    if last is not None and last.purpose is purpose and not _must_bump(paymaster, last):
        return payout, last
    try:
        transfer = quote(paymaster, payout.intent, slot.nonce, purpose, last).transfer
    except RecipientRefuses as error:
        payout = _to_cancel(paymaster, payout, str(error), lease)
        return _with_attempt(paymaster, payout, lease)
    for attempt in slot.attempts:
        # Signing is deterministic, so the same transfer has the same bytes: they are there.
        if attempt.signed.transfer == transfer:
            return payout, attempt
    payout = _sign(paymaster, payout, transfer, purpose, lease)
    return payout, payout.slots[-1].attempts[-1]


def _must_bump(paymaster: Paymaster, last: Attempt) -> bool:
    if not last.sends:
        return False
    outcome = last.sends[-1].outcome
    # At the cap they are sent as they are: what was in their place may be gone from the pool.
    at_the_cap = outcome is SendOutcome.UNDERPRICED and _too_expensive(paymaster, last)
    if outcome in NEEDS_ANOTHER and not at_the_cap:
        return True
    if paymaster.gas.priority_fee_wei > last.signed.transfer.max_priority_fee_wei:
        return True
    return paymaster.chain.latest().base_fee_wei > last.signed.transfer.max_fee_wei


def _too_expensive(paymaster: Paymaster, last: Attempt) -> str:
    """Why an attempt can't be offered at a higher price, empty where it can."""
    base_fee_wei = paymaster.chain.latest().base_fee_wei
    try:
        higher_price(base_fee_wei, paymaster.gas, last.signed.transfer)
    except TooExpensive as error:
        return str(error)
    return ""


def _sign(
    paymaster: Paymaster, payout: Payout, transfer: Transfer, purpose: Purpose, lease: Lease
) -> Payout:
    paymaster.stop_for_pause()
    if paymaster.load_signer is None:
        raise PayoutsStopped(
            "There is no key to sign with: payouts are sent where OPENPOOL_PAYOUTS is live."
        )
    try:
        signer = paymaster.load_signer()
        signed = signed_as_asked(signer.sign(transfer), transfer, paymaster.sender)
    except SignerError as error:
        raise PayoutsStopped(str(error)) from error
    except WrongSignature as error:
        paymaster.halt(str(error), payout)
        raise PayoutsStopped(str(error)) from error
    return paymaster.book.add_attempt(payout, signed, purpose, lease, paymaster.clock())


def _await(
    paymaster: Paymaster, payout: Payout, reply: SendReply, finality: Finality, lease: Lease
) -> Payout:
    """Look for the receipt as long as the reply leaves hope."""
    waited = 0.0
    patience = paymaster.limits.receipt_seconds
    if reply.outcome in NOT_IN_A_POOL or reply.outcome in NEEDS_ANOTHER:
        patience = 0.0
    while waited < patience and not _done(payout):
        pause_seconds = min(max(POLL_SECONDS, waited / 2), patience - waited)
        paymaster.sleep(pause_seconds)
        waited += pause_seconds
        [payout] = look_up(paymaster, [payout], finality, lease)
    return payout


def _done(payout: Payout) -> bool:
    return payout.ended or payout.slot is None or payout.state is PayoutState.SEEN


def _react(
    paymaster: Paymaster, payout: Payout, last: Attempt, reply: SendReply, lease: Lease
) -> Payout:
    """What a reply asks for before the next try. Raises PayoutsStopped when trying won't help."""
    if reply.outcome is SendOutcome.UNDERPRICED and (why := _too_expensive(paymaster, last)):
        raise PayoutsStopped(why)
    if reply.outcome is SendOutcome.REVERTED:
        return _to_cancel(paymaster, payout, f"{REFUSED}: {reply.detail}", lease)
    if reply.outcome is SendOutcome.INSUFFICIENT_FUNDS:
        raise PayoutsStopped(
            f"{paymaster.chain.name} says that the wallet {paymaster.sender} has too little for "
            f"payout {payout.id}, which takes up to {last.signed.transfer.most_wei} wei: top it "
            f"up, then the next run sends the same bytes again ({reply.detail})."
        )
    if reply.outcome is SendOutcome.REFUSED:
        reason = (
            f"{paymaster.chain.name} refuses transfers of this wallet: {reply.detail}. Check "
            "ETH_RPC_ENDPOINT, CHAIN_ID and the key, then openpool payouts resume."
        )
        paymaster.halt(reason, payout)
        raise PayoutsStopped(reason)
    if reply.outcome is SendOutcome.NONCE_TOO_HIGH:
        raise PayoutsStopped(
            f"{paymaster.chain.name} has not seen the transactions before payout {payout.id}: "
            "they are sent again with the next run."
        )
    return payout


def ask_to_cancel(
    book: PayoutBook, payout: Payout, reason: str, lease: Lease | None, at: datetime
) -> Payout:
    """Note that the payout's nonce is to be used up by a transfer of nothing."""
    if payout.cancelling:
        return payout
    event = Event(Mark.CANCEL_ASKED, at, detail=reason)
    return book.conclude(payout, Conclusion((event,)), lease)


def _to_cancel(paymaster: Paymaster, payout: Payout, reason: str, lease: Lease) -> Payout:
    return ask_to_cancel(paymaster.book, payout, reason, lease, paymaster.clock())


def _reject(paymaster: Paymaster, payout: Payout, reason: str, lease: Lease) -> Payout:
    """Void a payout that has no nonce, since its recipient can't be paid."""
    event = Event(Mark.VOIDED, paymaster.clock(), detail=reason)
    return paymaster.book.conclude(
        payout,
        Conclusion(
            (event,),
            (entries.voided(payout.intent),),
            "Payout refused by its recipient",
            blocked=reason,
        ),
        lease,
    )


def _room_to_send(paymaster: Paymaster, payout: Payout, under_way_wei: int) -> None:
    together_wei = under_way_wei + payout.intent.amount_wei
    if under_way_wei and together_wei > paymaster.limits.unfinal_max_wei:
        raise PayoutsStopped(
            f"{under_way_wei} wei are sent and not final, and with the next payout it would be "
            f"more than OPENPOOL_PAYOUT_UNFINAL_MAX_WEI, {paymaster.limits.unfinal_max_wei} wei: "
            "the rest follows when they are final."
        )


def _expect_nonce(paymaster: Paymaster, nonce: int, told: int, lease: Lease) -> None:
    """Raises PayoutsStopped unless every node expects this nonce next. The first one told its."""
    for node in paymaster.nodes:
        count = told if node is paymaster.chain else node.nonce(paymaster.sender)
        if count < nonce:
            raise PayoutsStopped(
                f"{node.name} has seen {count} transactions of {paymaster.sender}, the ledger "
                f"{nonce}: the node is behind or the chain was reorganized. Nothing is sent until "
                "they agree."
            )
        if count > nonce and node is paymaster.chain:
            # Whoever took the lease over may have used the nonces.
            paymaster.book.check_lease(lease)
            reason = (
                f"{count - nonce} transactions of {paymaster.sender}, from nonce {nonce}, are not "
                "in this ledger: the key is used elsewhere, or the ledger is older than the "
                "chain. See openpool payouts reconcile."
            )
            paymaster.halt(reason)
            raise PayoutsStopped(reason)
        if count > nonce:
            raise PayoutsStopped(
                f"{node.name} has seen {count} transactions of {paymaster.sender}, "
                f"{paymaster.chain.name} only {nonce}: wait until the nodes agree."
            )
