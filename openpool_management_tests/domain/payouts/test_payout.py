"""Where a payout stands, read from its facts alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import (
    Attempt,
    Event,
    Intent,
    Mark,
    Payout,
    PayoutState,
    Purpose,
    Send,
    Slot,
    intent_id,
)
from openpool_management.domain.payouts.transactions import SignedTransfer, Transfer

AT = datetime(2026, 12, 1, tzinfo=UTC)
INTENT = Intent("one", "2026-12-01", "W", "W", 5, 42161, "S", AT)
TRANSFER = Transfer(42161, 0, "W", 5, 30_000, 100, 0)
ATTEMPT = Attempt(SignedTransfer("0xab", "S", TRANSFER, b"secret bytes"), Purpose.PAYOUT, AT)
SENT = replace(ATTEMPT, sends=(Send(AT, SendOutcome.UNKNOWN, "no reply"),))
EMPTY, SIGNED, BROADCAST = Slot(1, 0), Slot(1, 0, (ATTEMPT,)), Slot(1, 0, (SENT,))
SECOND = Slot(2, 1)


def happened(*marks: Mark, slot: int = 1, detail: str = "") -> tuple[Event, ...]:
    """Events; those of a nonce are of the first one if nothing else is said."""
    of_payout = (Mark.CANCEL_ASKED, Mark.HELD, Mark.RETRIED, Mark.VOIDED)
    return tuple(
        Event(mark, AT, None if mark in of_payout else slot, detail=detail) for mark in marks
    )


@pytest.mark.parametrize(
    ("slots", "events", "state"),
    [
        ((), (), PayoutState.RESERVED),
        ((EMPTY,), (), PayoutState.SLOTTED),
        ((SIGNED,), (), PayoutState.SIGNED),
        ((BROADCAST,), (), PayoutState.SENT),
        ((BROADCAST,), happened(Mark.SEEN), PayoutState.SEEN),
        ((SIGNED,), happened(Mark.SEEN), PayoutState.SEEN),
        ((SIGNED,), happened(Mark.SEEN, Mark.LOST), PayoutState.SENT),
        ((SIGNED,), happened(Mark.SEEN, Mark.LOST, Mark.SEEN), PayoutState.SEEN),
        ((BROADCAST,), happened(Mark.FOREIGN), PayoutState.FOREIGN),
        ((EMPTY,), happened(Mark.FOREIGN), PayoutState.FOREIGN),
        ((EMPTY,), happened(Mark.FOREIGN, Mark.LOST), PayoutState.SLOTTED),
        ((BROADCAST,), happened(Mark.FOREIGN, Mark.LOST), PayoutState.SENT),
        ((BROADCAST,), happened(Mark.SEEN, Mark.SETTLED), PayoutState.SETTLED),
        ((BROADCAST,), happened(Mark.CANCEL_ASKED), PayoutState.SENT),
        ((BROADCAST,), happened(Mark.SEEN, Mark.REVERTED, Mark.VOIDED), PayoutState.VOIDED),
        ((BROADCAST,), happened(Mark.CANCELLED, Mark.VOIDED), PayoutState.VOIDED),
        ((BROADCAST,), happened(Mark.FOREIGN, Mark.SUPERSEDED), PayoutState.RESERVED),
        ((BROADCAST,), happened(Mark.SUPERSEDED, Mark.HELD), PayoutState.HELD),
        ((BROADCAST,), happened(Mark.SUPERSEDED, Mark.HELD, Mark.RETRIED), PayoutState.RESERVED),
        ((BROADCAST,), happened(Mark.SUPERSEDED, Mark.HELD, Mark.SETTLED), PayoutState.SETTLED),
        ((BROADCAST, SECOND), happened(Mark.SEEN, Mark.SUPERSEDED), PayoutState.SLOTTED),
    ],
)
def test_states(slots: tuple[Slot, ...], events: tuple[Event, ...], state: PayoutState) -> None:
    payout = Payout(INTENT, slots, events)
    assert payout.state is state
    assert payout.ended == (state in (PayoutState.SETTLED, PayoutState.VOIDED))


@pytest.mark.parametrize("mark", [Mark.REVERTED, Mark.CANCELLED, Mark.SUPERSEDED, Mark.SETTLED])
def test_a_nonce_that_is_used_up_is_no_longer_in_use(mark: Mark) -> None:
    ended = Payout(INTENT, (BROADCAST,), happened(Mark.SEEN, mark))
    assert ended.slot is None
    assert ended.sighting is None


@pytest.mark.parametrize(
    "mark", [Mark.SEEN, Mark.LOST, Mark.FOREIGN, Mark.CANCEL_ASKED, Mark.HELD, Mark.RETRIED]
)
def test_nothing_else_lets_go_of_a_nonce(mark: Mark) -> None:
    """The release rule: signed bytes are good for ever while their nonce is free."""
    assert Payout(INTENT, (BROADCAST,), happened(mark)).slot == BROADCAST


def test_what_was_seen_of_an_earlier_nonce_does_not_count() -> None:
    events = (*happened(Mark.SEEN, Mark.SUPERSEDED), *happened(Mark.FOREIGN, slot=2))
    payout = Payout(INTENT, (BROADCAST, SECOND), events)
    assert payout.slot == SECOND
    assert payout.sighting == events[-1]


def told(mark: Mark, tx_hash: str = "", slot: int | None = 1) -> Event:
    """An event with a transaction's hash."""
    return Event(mark, AT, slot, tx_hash)


AGAIN = Slot(
    2, 1, (Attempt(SignedTransfer("0xcd", "S", TRANSFER, b""), Purpose.PAYOUT, AT), ATTEMPT)
)
OTHER = told(Mark.SUPERSEDED, "0xother")
HELD = told(Mark.HELD, "0xother", None)


@pytest.mark.parametrize(
    ("slots", "events", "tx_hash"),
    [
        ((), (), None),
        ((EMPTY,), (), None),
        ((BROADCAST,), (), "0xab"),
        ((AGAIN,), (told(Mark.SEEN, "0xcd", 2),), "0xcd"),
        ((AGAIN,), (told(Mark.SEEN, "0xcd", 2), told(Mark.LOST, slot=2)), "0xab"),
        ((AGAIN,), (told(Mark.SEEN, "0xab", 2), told(Mark.SETTLED, "0xcd", 2)), "0xcd"),
        # What used up the nonce paid somebody else.
        ((BROADCAST,), (OTHER,), None),
        ((BROADCAST, SECOND), (OTHER,), None),
        ((SECOND, AGAIN), (told(Mark.SEEN, "0xab"), OTHER), "0xab"),
        ((BROADCAST,), (OTHER, HELD, told(Mark.RETRIED, slot=None)), None),
        # It may have paid this one, and then it did.
        ((BROADCAST,), (OTHER, HELD), "0xother"),
        ((BROADCAST,), (OTHER, HELD, told(Mark.SETTLED, "0xother", None)), "0xother"),
        # Accepted as paid, and no transaction is known that paid it.
        ((BROADCAST,), (told(Mark.SUPERSEDED), told(Mark.SETTLED, slot=None)), None),
        ((BROADCAST,), (told(Mark.CANCELLED, "0xno"), told(Mark.VOIDED, "0xno")), "0xno"),
    ],
)
def test_no_other_transaction_is_taken_for_its_own(
    slots: tuple[Slot, ...], events: tuple[Event, ...], tx_hash: str | None
) -> None:
    assert Payout(INTENT, slots, events).tx_hash == tx_hash


@pytest.mark.parametrize(
    ("marks", "cancelling"),
    [
        ((), False),
        ((Mark.CANCEL_ASKED,), True),
        ((Mark.CANCEL_ASKED, Mark.RETRIED), False),
        ((Mark.RETRIED, Mark.CANCEL_ASKED), True),
        ((Mark.CANCEL_ASKED, Mark.SEEN), True),
    ],
)
def test_the_last_order_holds(marks: tuple[Mark, ...], cancelling: bool) -> None:
    assert Payout(INTENT, (BROADCAST,), happened(*marks)).cancelling is cancelling


def test_the_detail_is_the_last_thing_that_was_said() -> None:
    assert Payout(INTENT, (BROADCAST,)).detail == "no reply"
    told = happened(Mark.FOREIGN, detail="used elsewhere")
    assert Payout(INTENT, (BROADCAST,), told).detail == "used elsewhere"
    assert Payout(INTENT).detail == ""


def test_the_id_follows_from_period_worker_and_try_alone() -> None:
    first = intent_id("2026-12-01", "W", 0)
    assert first == intent_id("2026-12-01", "W", 0)
    others = {
        intent_id("2026-12-02", "W", 0),
        intent_id("2026-12-01", "V", 0),
        intent_id("2026-12-01", "W", 1),
    }
    assert len({first, *others}) == 4


def test_nobody_reads_signed_bytes_in_a_payout() -> None:
    assert "secret bytes" not in repr(Payout(INTENT, (BROADCAST,)))
