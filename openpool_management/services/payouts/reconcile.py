"""The wallet's whole history on the chain held against the ledger, and what to do about it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from openpool_management.domain.payouts.chain import ChainTransaction
from openpool_management.domain.payouts.entries import outflow
from openpool_management.domain.payouts.payout import (
    Intent,
    Mark,
    Payout,
    PayoutState,
    intent_id,
)
from openpool_management.services.decisions import DecisionRefused, stated_reason
from openpool_management.services.payouts.audit import unknown_nonces, wallet_difference_wei
from openpool_management.services.payouts.drive import drive, void_unsent
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.foreign import (
    NO_TRANSACTION,
    foreign_transaction,
    hold_alike,
    transaction_of,
)
from openpool_management.services.payouts.orders import accept
from openpool_management.services.payouts.paymaster import Paymaster, PayoutsStopped
from openpool_management.services.payouts.preflight import check_nodes, expect_unused
from openpool_management.services.payouts.sending import ask_to_cancel
from openpool_management.services.payouts.sightings import HASHES_PER_REQUEST
from openpool_management.services.ports.payouts import ForeignTransaction, Lease

ALL_PAYOUTS = 10**9


@dataclass(slots=True)
class Reconciliation:
    """Where the chain and the ledger differ, in sentences.

    missing: final transactions of the wallet that the ledger does not know. unfinal: nonces used
    that are not final yet. difference_wei: what the wallet holds more than the ledger says, None
    where that can't be told.
    """

    block_number: int
    differences: list[str] = field(default_factory=list)
    missing: list[ChainTransaction] = field(default_factory=list)
    unfinal: int = 0
    difference_wei: int | None = None


def reconcile(paymaster: Paymaster) -> Reconciliation:
    """Compare every nonce, every settled payout and the balance. Changes nothing.

    Raises OSError when the chain can't be asked, PayoutsStopped when the nodes are no good or the
    ledger does not pay from the wallet.
    """
    check_nodes(paymaster)
    finality = Finality(paymaster)
    found = Reconciliation(finality.number)
    opening = paymaster.book.opening(paymaster.sender)
    if opening is None:
        expect_unused(paymaster.sender, paymaster.chain.nonce(paymaster.sender))
        raise PayoutsStopped(
            f"This ledger has not paid from {paymaster.sender} yet, so there is nothing to compare."
        )
    sender = paymaster.sender
    known = paymaster.book.slot_nonces(sender) | paymaster.book.foreign_nonces(sender)
    final_nonce = finality.nonce(sender)
    for nonce in sorted(set(range(opening.nonce, final_nonce)) - known):
        transaction = transaction_of(paymaster, sender, nonce, finality)
        if transaction is None:
            found.differences.append(f"Nonce {nonce} was used, but no block tells by what.")
            continue
        found.missing.append(transaction)
        found.differences.append(_told(transaction))
    latest = max(node.nonce(sender) for node in paymaster.nodes)
    found.unfinal = latest - final_nonce
    found.differences += [
        f"Nonce {nonce} was used by a transaction that is not in the ledger and not final yet."
        for nonce in sorted(set(range(final_nonce, latest)) - known)
    ]
    found.differences += _used_otherwise(paymaster, finality, final_nonce)
    found.differences += _settled_otherwise(paymaster)
    unknown = unknown_nonces(paymaster, finality)
    if unknown is None:
        found.differences.append(
            "The balance was not compared, since something final is not settled or a node is "
            "behind: run openpool payouts settle, then look again."
        )
    # Gas and values of what is missing would show up here once more.
    if unknown == "":
        found.difference_wei = wallet_difference_wei(paymaster, finality)
        if found.difference_wei:
            found.differences.append(
                f"The wallet holds {found.difference_wei:+} wei against what the ledger says at "
                f"block {finality.number}."
            )
    return found


def accept_missing(
    paymaster: Paymaster, workers: Collection[str], reason: str, *, not_payouts: bool = False
) -> Reconciliation:
    """Record what the chain has and the ledger does not, as not explained. Payouts stay paused.

    workers are those whom the ledger knows. Raises DecisionRefused for a transfer to one, unless
    not_payouts says that it was for something else; a payout of the same amount is held even then.
    """
    reason = stated_reason(reason)
    lease = paymaster.acquire()
    try:
        found = reconcile(paymaster)
        foreigns = [foreign_transaction(paymaster, one, reason) for one in found.missing]
        if not not_payouts:
            _refuse_payouts(foreigns, workers)
        for foreign in foreigns:
            hold_alike(paymaster, foreign.transaction, lease)
            paymaster.book.record_foreign(
                paymaster.sender, paymaster.chain_id, foreign, lease, paymaster.clock()
            )
        if found.difference_wei is not None and found.difference_wei < 0:
            entry = outflow(paymaster.sender, found.block_number, -found.difference_wei)
            paymaster.book.post(entry, lease, paymaster.clock())
        return reconcile(paymaster)
    finally:
        paymaster.book.release(lease, paymaster.clock())


def rebuild(paymaster: Paymaster, workers: Collection[str], reason: str) -> list[str]:
    """Restore payouts from the chain into a ledger that is older than it, before anything is sent.

    workers are those whom the ledger knows: a transfer to one is a payout of theirs. What was set
    aside and has no nonce is owed again, since the lost ledger may have paid it. Returns a sentence
    for everything that was restored. Raises PayoutsStopped while transactions are not final.
    """
    reason = stated_reason(reason)
    if paymaster.paused() is None:
        paymaster.halt("Payouts are being rebuilt from the chain.")
    told: list[str] = []
    drive(paymaster, send=False)
    lease = paymaster.acquire()
    try:
        found = reconcile(paymaster)
        if found.unfinal:
            raise PayoutsStopped(
                f"{found.unfinal} transactions of {paymaster.sender} are not final yet: run "
                "openpool payouts rebuild again in half an hour."
            )
        for payout in paymaster.open_payouts():
            told += _close(paymaster, payout, reason, lease)
        for transaction in [*_superseding(paymaster, workers), *found.missing]:
            told.append(_restore(paymaster, transaction, workers, reason, lease))
        return told
    finally:
        paymaster.book.release(lease, paymaster.clock())


def _close(paymaster: Paymaster, payout: Payout, reason: str, lease: Lease) -> list[str]:
    now = paymaster.clock()
    if payout.state is PayoutState.HELD:
        held = [one for one in payout.events if one.mark is Mark.HELD][-1]
        accept(paymaster.book, payout.id, f"rebuilt from the chain: {reason}", now)
        return [f"Payout {payout.id} was paid by {held.tx_hash}."]
    if payout.slot is None:
        asked = ask_to_cancel(
            paymaster.book, payout, f"Rebuilt from the chain: {reason}", lease, now
        )
        void_unsent(paymaster.book, asked, lease, now)
        return [f"Payout {payout.id} had no nonce: its {payout.intent.amount_wei} wei are owed."]
    return [f"Payout {payout.id} is {payout.state}: it is settled or sent by the next run."]


def _restore(
    paymaster: Paymaster,
    transaction: ChainTransaction,
    workers: Collection[str],
    reason: str,
    lease: Lease,
) -> str:
    foreign = foreign_transaction(paymaster, transaction, f"Rebuilt from the chain: {reason}")
    now, moved_wei = paymaster.clock(), foreign.transaction.value_wei
    worker = transaction.to or ""
    settles = None
    if worker in workers and moved_wei:
        run_key = f"rebuilt:{transaction.hash}"
        settles = Intent(
            intent_id(run_key, worker, 0),
            run_key,
            worker,
            worker,
            moved_wei,
            paymaster.chain_id,
            paymaster.sender,
            now,
        )
    paymaster.book.record_foreign(
        paymaster.sender, paymaster.chain_id, foreign, lease, now, settles
    )
    what = f"payout {settles.id} to {worker}" if settles else "not a payout, and not explained"
    name = transaction.hash or "no transaction"
    return f"Nonce {transaction.nonce}, {name}, {moved_wei} wei: {what}."


def _superseding(paymaster: Paymaster, workers: Collection[str]) -> list[ChainTransaction]:
    """Transfers to workers that used the nonces of other payouts, and are nobody's payout yet.

    Bytes of the lost ledger may still have arrived. Those that a person has decided on stay so.
    """
    marks: dict[Mark, set[str]] = {mark: set() for mark in Mark}
    for payout in paymaster.book.payouts(limit=ALL_PAYOUTS):
        if payout.intent.sender == paymaster.sender:
            for event in payout.events:
                marks[event.mark].add(event.tx_hash)
    hashes = marks[Mark.SUPERSEDED] - marks[Mark.SETTLED] - marks[Mark.HELD] - {NO_TRANSACTION}
    found = [paymaster.chain.transaction(one) for one in sorted(hashes)]
    told = [one for one in found if one is not None and one.to in workers]
    return sorted(told, key=lambda one: one.nonce)


def _refuse_payouts(foreigns: Sequence[ForeignTransaction], workers: Collection[str]) -> None:
    for foreign in foreigns:
        one = foreign.transaction
        if one.to in workers and one.value_wei:
            raise DecisionRefused(
                f"{one.hash} moved {one.value_wei} wei to the worker {one.to}. If that paid them, "
                "run openpool payouts rebuild, which makes a payout of it; if it was for something "
                "else, add --not-payouts."
            )


def _told(transaction: ChainTransaction) -> str:
    if transaction.hash == NO_TRANSACTION:
        return (
            f"Nonce {transaction.nonce} was used in block {transaction.block_number} without a "
            "transaction of the wallet (an EIP-7702 authorization does so), and the ledger does "
            "not know of it."
        )
    return (
        f"Nonce {transaction.nonce} was used by {transaction.hash}, which moved "
        f"{transaction.value_wei} wei to {transaction.to or 'a new contract'} and is not in the "
        "ledger."
    )


def _used_otherwise(paymaster: Paymaster, finality: Finality, final_nonce: int) -> list[str]:
    """Open payouts whose nonce is used up, for good, by what was not signed for them."""
    told = []
    for payout in paymaster.open_payouts():
        slot = payout.slot
        if slot is None or slot.nonce >= final_nonce:
            continue
        used_by = transaction_of(paymaster, paymaster.sender, slot.nonce, finality)
        if used_by is not None and used_by.hash not in slot.hashes:
            told.append(
                f"Nonce {slot.nonce} of payout {payout.id} was used by "
                f"{used_by.hash or 'an EIP-7702 authorization'}, which was not signed for it: "
                "openpool payouts settle decides what becomes of the payout."
            )
    return told


def _settled_otherwise(paymaster: Paymaster) -> list[str]:
    """Settled payouts whose transaction the chain does not hold as the ledger says."""
    settled = {
        event.tx_hash: payout
        for payout in paymaster.book.payouts(limit=ALL_PAYOUTS)
        for event in payout.events
        if event.mark is Mark.SETTLED and event.tx_hash != NO_TRANSACTION
    }
    hashes = list(settled)
    fine: set[str] = set()
    for start in range(0, len(hashes), HASHES_PER_REQUEST):
        receipts = paymaster.chain.receipts(hashes[start : start + HASHES_PER_REQUEST])
        fine |= {one.tx_hash for one in receipts if one.succeeded}
    return [
        f"Payout {payout.id} is settled by {tx_hash}, which the chain does not hold as a success."
        for tx_hash, payout in settled.items()
        if tx_hash not in fine
    ]
