"""What documents say of a payout's transaction."""

from dataclasses import replace
from datetime import UTC, datetime

from openpool_management.domain.explorer import Explorer
from openpool_management.domain.payouts.payout import (
    Attempt,
    Event,
    Intent,
    Mark,
    Payout,
    Purpose,
    Slot,
)
from openpool_management.domain.payouts.transactions import SignedTransfer, Transfer
from openpool_management.domain.tickets import Redeemed
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.payouts import chain_details
from openpool_management.services.ports.exports import LedgerSnapshot
from openpool_management.services.solvency import solvency

AT = datetime(2026, 12, 1, tzinfo=UTC)
INTENT = Intent("one", "2026-12-01", "W", "W", 5, 42161, "S", AT)
SIGNED = SignedTransfer("0xab", "S", Transfer(42161, 7, "W", 5, 30_000, 100, 0), b"")
FIRST = Slot(1, 7, (Attempt(SIGNED, Purpose.PAYOUT, AT),))
MATERIAL = Material(
    ledger=LedgerSnapshot((), {}, (), (), {}),
    made_at=AT,
    solvency=solvency((), Redeemed((), 0), None),
    explorer=Explorer(42161, "https://explorer/tx/"),
)


def told(*events: Event, slots: tuple[Slot, ...] = (FIRST,)) -> tuple[object, ...]:
    """State, finality, nonce, transaction, block and link of a payout."""
    found = chain_details(MATERIAL, Payout(INTENT, slots, events))
    names = ("state", "final", "nonce", "transaction_hash", "block_number", "explorer_url")
    return tuple(found[name] for name in names)


def happened(mark: Mark, tx_hash: str = "", block: int | None = None, slot: int = 1) -> Event:
    """An event of a nonce, or of the payout where that is 0."""
    return Event(mark, AT, slot or None, tx_hash, block)


def test_a_payout_on_its_way() -> None:
    seen = happened(Mark.SEEN, "0xab", 3)
    link = "https://explorer/tx/0xab"
    assert told() == ("signed", False, 7, "0xab", None, link)
    assert told(seen) == ("seen", False, 7, "0xab", 3, link)
    assert told(seen, happened(Mark.LOST)) == ("sent", False, 7, "0xab", None, link)
    settled = happened(Mark.SETTLED, "0xab", 4)
    assert told(seen, settled) == ("settled", True, 7, "0xab", 4, link)


def test_what_used_up_the_nonce_is_not_the_payouts() -> None:
    other = happened(Mark.SUPERSEDED, "0xother", 3)
    assert told(other) == ("reserved", False, None, None, None, None)
    slots = (FIRST, Slot(2, 8))
    assert told(other, slots=slots) == ("slotted", False, 8, None, None, None)


def test_what_cancels_a_payout_is_not_what_pays_it() -> None:
    cancel = Attempt(replace(SIGNED, hash="0xcd"), Purpose.CANCEL, AT)
    slots = (replace(FIRST, attempts=(*FIRST.attempts, cancel)),)
    assert told(slots=slots) == ("signed", False, 7, None, None, None)
    seen = happened(Mark.SEEN, "0xcd", 3)
    assert told(seen, slots=slots) == ("seen", False, 7, None, None, None)
    # The payment was faster.
    paid = happened(Mark.SETTLED, "0xab", 3)
    assert told(paid, slots=slots)[:5] == ("settled", True, 7, "0xab", 3)


def test_a_voided_payout_has_no_transaction() -> None:
    cancelled = happened(Mark.CANCELLED, "0xcd", 3), happened(Mark.VOIDED, "0xcd", 3, 0)
    assert told(*cancelled) == ("voided", True, None, None, None, None)
    assert told(happened(Mark.VOIDED, slot=0), slots=()) == ("voided", True, *[None] * 4)


def test_a_payout_made_by_hand() -> None:
    settled = happened(Mark.SETTLED, "0xby-hand", 3, 0)
    link = "https://explorer/tx/0xby-hand"
    assert told(settled, slots=()) == ("settled", True, None, "0xby-hand", 3, link)
    # Accepted, and nobody knows what paid it.
    used = happened(Mark.SUPERSEDED, "", 3), happened(Mark.SETTLED, "", 3, 0)
    assert told(*used) == ("settled", True, 7, None, None, None)


def test_a_payout_on_another_chain_has_no_link() -> None:
    """An explorer of one chain says of another's transaction that there is none."""
    elsewhere = Payout(replace(INTENT, chain_id=1), (FIRST,), ())
    found = chain_details(MATERIAL, elsewhere)
    assert (found["chain_id"], found["transaction_hash"]) == (1, "0xab")
    assert found["explorer_url"] is None
