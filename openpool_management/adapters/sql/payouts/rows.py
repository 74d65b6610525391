"""Payouts read from their rows."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from openpool_management.adapters.sql.payouts import tables
from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import (
    NONCE_ENDED,
    PAYOUT_ENDED,
    SIGHTINGS,
    Attempt,
    Event,
    Intent,
    Mark,
    Payout,
    Purpose,
    Send,
    Slot,
)
from openpool_management.domain.payouts.transactions import SignedTransfer, Transfer

_CHUNK = 500


def load_open(connection: Connection) -> list[Payout]:
    """Payouts that have not ended, in the order in which they were set aside."""
    event = tables.payout_event.c
    ended = select(event.intent_id).where(event.mark.in_([mark.value for mark in PAYOUT_ENDED]))
    return load(connection, tables.payout_intent.c.id.not_in(ended))


def unseen_payout(connection: Connection, sender: str) -> str | None:
    """The payout of the wallet's last nonce, unless a block holds it or it ended.

    The ones before it were seen when it was opened; those that a reorganization took away are sent
    again, in their order, before anybody asks for another nonce.
    """
    slot, event = tables.tx_slot.c, tables.payout_event.c
    last = connection.execute(
        select(slot.id, slot.intent_id)
        .where(slot.sender == sender)
        .order_by(slot.nonce.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    marks = connection.scalars(
        select(event.mark)
        .where(event.intent_id == last.intent_id, event.slot_id == last.id)
        .order_by(event.seq)
    ).all()
    told = [mark for mark in map(Mark, marks) if mark in SIGHTINGS | NONCE_ENDED]
    return None if told and told[-1] in NONCE_ENDED | {Mark.SEEN} else str(last.intent_id)


def load(connection: Connection, chosen: ColumnElement[bool]) -> list[Payout]:
    """Payouts that a condition on payout_intent chooses, in the order in which they were made."""
    table = tables.payout_intent
    query = select(table).where(chosen).order_by(table.c.number)
    intents = [_intent(row) for row in connection.execute(query)]
    payouts: list[Payout] = []
    for start in range(0, len(intents), _CHUNK):
        payouts += _with_facts(connection, intents[start : start + _CHUNK])
    return payouts


def _with_facts(connection: Connection, intents: Sequence[Intent]) -> list[Payout]:
    ids = [intent.id for intent in intents]
    slot = tables.tx_slot
    slot_rows = connection.execute(
        select(slot).where(slot.c.intent_id.in_(ids)).order_by(slot.c.turn)
    ).all()
    by_id = {intent.id: intent for intent in intents}
    senders = {row.id: (by_id[row.intent_id], row.nonce) for row in slot_rows}
    attempts = _attempts(connection, senders)
    slots: defaultdict[str, list[Slot]] = defaultdict(list)
    for row in slot_rows:
        slots[row.intent_id].append(Slot(row.id, row.nonce, tuple(attempts[row.id])))
    event = tables.payout_event
    events: defaultdict[str, list[Event]] = defaultdict(list)
    for row in connection.execute(
        select(event).where(event.c.intent_id.in_(ids)).order_by(event.c.seq)
    ):
        events[row.intent_id].append(
            Event(
                Mark(row.mark),
                row.at,
                row.slot_id,
                row.tx_hash,
                row.block_number,
                row.block_hash,
                row.detail,
            )
        )
    return [Payout(intent, tuple(slots[intent.id]), tuple(events[intent.id])) for intent in intents]


def _attempts(
    connection: Connection, senders: dict[int, tuple[Intent, int]]
) -> defaultdict[int, list[Attempt]]:
    table, send = tables.tx_attempt, tables.tx_send
    found: defaultdict[int, list[Attempt]] = defaultdict(list)
    if not senders:
        return found
    rows = connection.execute(
        select(table).where(table.c.slot_id.in_(list(senders))).order_by(table.c.turn)
    ).all()
    sends: defaultdict[str, list[Send]] = defaultdict(list)
    query = (
        select(send)
        .join(table, table.c.hash == send.c.tx_hash)
        .where(table.c.slot_id.in_(list(senders)))
        .order_by(send.c.id)
    )
    for row in connection.execute(query):
        sends[row.tx_hash].append(Send(row.sent_at, SendOutcome(row.outcome), row.detail))
    for row in rows:
        intent, nonce = senders[row.slot_id]
        transfer = Transfer(
            intent.chain_id,
            nonce,
            row.to_address,
            row.value_wei,
            row.gas,
            row.max_fee_wei,
            row.max_priority_fee_wei,
        )
        signed = SignedTransfer(row.hash, intent.sender, transfer, bytes(row.raw))
        found[row.slot_id].append(
            Attempt(signed, Purpose(row.purpose), row.persisted_at, tuple(sends[row.hash]))
        )
    return found


def _intent(row: Any) -> Intent:
    return Intent(
        row.id,
        row.run_key,
        row.worker,
        row.to_address,
        row.amount_wei,
        row.chain_id,
        row.sender,
        row.created_at,
    )
