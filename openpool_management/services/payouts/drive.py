"""Driving payouts on: what is under way first, in the order of its nonces, then what is set aside.

One payout at a time is signed and sent, and the next one waits until it is seen in a block. A drive
may end anywhere, by a crash too: the next one begins with what the ledger and the chain say.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.payout import Event, Mark, Payout, PayoutState
from openpool_management.services.payouts.audit import audit_wallet
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.foreign import settle_foreign
from openpool_management.services.payouts.paymaster import Paymaster, PayoutsStopped
from openpool_management.services.payouts.preflight import check_nodes, check_sender, open_wallet
from openpool_management.services.payouts.sending import begin, push
from openpool_management.services.payouts.sightings import look_up
from openpool_management.services.ports.payouts import (
    Conclusion,
    Lease,
    PayoutBook,
    PayoutConflict,
)


@dataclass(slots=True)
class DriveReport:
    """What a drive did and what stands in the way, in sentences.

    payouts are those it dealt with, as they stand at its end.
    """

    payouts: dict[str, Payout] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def with_state(self, *states: PayoutState) -> list[Payout]:
        """Payouts in one of some states."""
        return [one for one in self.payouts.values() if one.state in states]

    def keep(self, payout: Payout) -> Payout:
        """Remember how a payout stands."""
        self.payouts[payout.id] = payout
        return payout


def drive(
    paymaster: Paymaster,
    *,
    send: bool,
    set_aside: Callable[[Lease], None] = lambda lease: None,
) -> DriveReport:
    """Bring every payout of the wallet as far as it goes.

    send False only looks at the chain and settles what is final: that needs no key. set_aside is
    called once the nodes are found good, to reserve what a plan says. Raises LeaseHeld while
    another process works on the wallet, and OSError when the first node can't be asked.
    """
    report = DriveReport()
    lease = paymaster.acquire()
    try:
        _drive(paymaster, report, lease, send, set_aside)
    except (PayoutsStopped, PayoutConflict) as stop:
        report.problems.append(str(stop))
    finally:
        paymaster.book.release(lease, paymaster.clock())
    return report


def _drive(
    paymaster: Paymaster,
    report: DriveReport,
    lease: Lease,
    send: bool,
    set_aside: Callable[[Lease], None],
) -> None:
    check_nodes(paymaster)
    if send:
        open_wallet(paymaster, lease)
    finality = Finality(paymaster)
    under_way = [one for one in paymaster.open_payouts() if one.slot is not None]
    for payout in look_up(paymaster, under_way, finality, lease):
        kept = report.keep(payout)
        if not kept.ended and kept.state is not PayoutState.SEEN:
            report.keep(settle_foreign(paymaster, kept, finality, lease))
    report.problems += finality.doubts
    report.problems += audit_wallet(paymaster, finality, lease)
    report.problems += _of_other_wallets(paymaster)
    if not send:
        return
    check_sender(paymaster)
    _push_unseen(paymaster, report, finality, lease)
    paymaster.stop_for_pause()
    set_aside(lease)
    _begin_reserved(paymaster, report, finality, lease)


def _push_unseen(
    paymaster: Paymaster, report: DriveReport, finality: Finality, lease: Lease
) -> None:
    """Send again what is signed or has a nonce, the lowest nonce first. Raises PayoutsStopped."""
    unseen = [one for one in report.payouts.values() if _unseen(one)]
    for payout in sorted(unseen, key=_nonce):
        if payout.state is PayoutState.FOREIGN:
            raise PayoutsStopped(f"Payout {payout.id} waits: {payout.detail}")
        _push(paymaster, report, payout, finality, lease)


def _begin_reserved(
    paymaster: Paymaster, report: DriveReport, finality: Finality, lease: Lease
) -> None:
    payouts = paymaster.open_payouts()
    under_way_wei = sum(one.intent.amount_wei for one in payouts if one.slot is not None)
    for payout in payouts:
        if payout.state is not PayoutState.RESERVED:
            report.keep(payout)
            continue
        lease = paymaster.renewed(lease)
        if payout.cancelling:
            report.keep(void_unsent(paymaster.book, payout, lease, paymaster.clock()))
            continue
        begun = report.keep(begin(paymaster, payout, under_way_wei, lease))
        if begun.slot is not None:
            _push(paymaster, report, begun, finality, lease)
            under_way_wei += payout.intent.amount_wei


def _push(
    paymaster: Paymaster, report: DriveReport, payout: Payout, finality: Finality, lease: Lease
) -> None:
    pushed = report.keep(push(paymaster, payout, finality, lease))
    if pushed.ended or pushed.state is PayoutState.SEEN:
        return
    pushed = report.keep(settle_foreign(paymaster, pushed, finality, lease))
    raise PayoutsStopped(
        f"Payout {payout.id} was sent and no block holds it yet ({pushed.detail or 'no reply'}): "
        "the next run looks again, and sends the same bytes while there is need."
    )


def void_unsent(book: PayoutBook, payout: Payout, lease: Lease | None, at: datetime) -> Payout:
    """Give back what was set aside for a payout that has no nonce: nothing was ever signed."""
    reason = next(
        (one.detail for one in payout.events[::-1] if one.mark is Mark.CANCEL_ASKED), "Cancelled."
    )
    event = Event(Mark.VOIDED, at, detail=reason)
    conclusion = Conclusion((event,), (entries.voided(payout.intent),), "Payout cancelled")
    return book.conclude(payout, conclusion, lease)


def _of_other_wallets(paymaster: Paymaster) -> list[str]:
    others = {
        one.intent.sender
        for one in paymaster.book.open_payouts()
        if one.intent.sender != paymaster.sender
    }
    return [
        f"Payouts from {other} are open, and this run pays from {paymaster.sender}: run with the "
        "key of the other wallet, or cancel them with openpool payouts cancel."
        for other in sorted(others)
    ]


def _unseen(payout: Payout) -> bool:
    return payout.slot is not None and payout.state is not PayoutState.SEEN


def _nonce(payout: Payout) -> int:
    return payout.slot.nonce if payout.slot is not None else 0
