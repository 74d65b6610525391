"""The tables of payouts. Append-only like all: where a payout stands is read from its rows."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from openpool_management.adapters.sql.schema import metadata
from openpool_management.adapters.sql.types import Exact, UtcTime


def _text(name: str) -> "Column[str]":
    return Column(name, Text, nullable=False)


def _number(name: str) -> "Column[int]":
    return Column(name, BigInteger, nullable=False)


def _wei(name: str) -> "Column[int]":
    return Column(name, Exact, nullable=False)


def _time(name: str) -> "Column[object]":
    return Column(name, UtcTime, nullable=False)


_ENDS_PAYOUT = text("mark IN ('settled', 'voided')")
_ENDS_NONCE = text("mark IN ('reverted', 'cancelled', 'superseded')")

payout_plan = Table(
    "payout_plan",
    metadata,
    Column("hash", Text, primary_key=True),
    _text("run_key"),
    _text("document"),
    _wei("total_wei"),
    _time("made_at"),
)

plan_approval = Table(
    "plan_approval",
    metadata,
    Column("plan_hash", Text, ForeignKey("payout_plan.hash"), primary_key=True),
    _text("reason"),
    _time("approved_at"),
)

payout_intent = Table(
    "payout_intent",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    _text("run_key"),
    _number("attempt"),
    _text("worker"),
    _text("to_address"),
    _wei("amount_wei"),
    _number("chain_id"),
    _text("sender"),
    Column("plan_hash", Text, ForeignKey("payout_plan.hash")),
    _time("created_at"),
    UniqueConstraint("run_key", "worker", "attempt"),
    Index(None, "worker"),
)
"""number counts payouts in the order in which they were set aside, which is that of paying."""

tx_slot = Table(
    "tx_slot",
    metadata,
    Column("id", Integer, primary_key=True),
    _number("chain_id"),
    _text("sender"),
    _number("nonce"),
    Column("intent_id", Text, ForeignKey("payout_intent.id"), nullable=False),
    _number("turn"),
    _time("opened_at"),
    UniqueConstraint("sender", "nonce", "chain_id"),
    UniqueConstraint("intent_id", "turn"),
)
"""turn counts the nonces of a payout from 1."""

tx_attempt = Table(
    "tx_attempt",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("slot_id", Integer, ForeignKey("tx_slot.id"), nullable=False),
    _number("turn"),
    _text("purpose"),
    Column("raw", LargeBinary, nullable=False),
    _text("to_address"),
    _wei("value_wei"),
    _number("gas"),
    _wei("max_fee_wei"),
    _wei("max_priority_fee_wei"),
    _number("fence"),
    _time("persisted_at"),
    CheckConstraint("purpose IN ('payout', 'cancel')", name="known_purpose"),
    UniqueConstraint("slot_id", "turn"),
)

tx_send = Table(
    "tx_send",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tx_hash", Text, ForeignKey("tx_attempt.hash"), nullable=False),
    _text("outcome"),
    _text("detail"),
    _time("sent_at"),
    Index(None, "tx_hash"),
)

payout_event = Table(
    "payout_event",
    metadata,
    Column("intent_id", Text, ForeignKey("payout_intent.id"), nullable=False),
    _number("seq"),
    Column("slot_id", Integer, ForeignKey("tx_slot.id")),
    _text("mark"),
    _text("tx_hash"),
    Column("block_number", BigInteger),
    _text("block_hash"),
    _text("detail"),
    _time("at"),
    PrimaryKeyConstraint("intent_id", "seq"),
    Index(
        "uq_payout_event_end",
        "intent_id",
        unique=True,
        sqlite_where=_ENDS_PAYOUT,
        postgresql_where=_ENDS_PAYOUT,
    ),
    Index(
        "uq_payout_event_nonce_end",
        "slot_id",
        unique=True,
        sqlite_where=_ENDS_NONCE,
        postgresql_where=_ENDS_NONCE,
    ),
)
"""A payout ends once, and so does each of its nonces."""

sender_lease = Table(
    "sender_lease",
    metadata,
    _text("sender"),
    _number("fence"),
    _text("owner"),
    _time("expires_at"),
    PrimaryKeyConstraint("sender", "fence"),
)
"""The row with the highest fence holds; each taking, renewal and release is a row of its own."""

wallet_opening = Table(
    "wallet_opening",
    metadata,
    Column("sender", Text, primary_key=True),
    _number("chain_id"),
    _number("nonce"),
    _wei("balance_wei"),
    _number("block_number"),
    _time("opened_at"),
)
"""Where a wallet stood, at a finalized block, when the ledger began to pay from it."""

foreign_transaction = Table(
    "foreign_transaction",
    metadata,
    _number("chain_id"),
    _text("sender"),
    _number("nonce"),
    _text("tx_hash"),
    _text("to_address"),
    _wei("value_wei"),
    _wei("fee_wei"),
    _number("block_number"),
    _text("reason"),
    _time("recorded_at"),
    PrimaryKeyConstraint("sender", "nonce", "chain_id"),
)
"""Transactions that the wallet's key signed elsewhere, accepted into the ledger."""

payout_pause = Table(
    "payout_pause",
    metadata,
    Column("id", Integer, primary_key=True),
    _number("paused"),
    _text("reason"),
    _text("asked_by"),
    _time("at"),
    CheckConstraint("asked_by IN ('operator', 'program')", name="known_asker"),
)
"""The last row holds."""

payout_threshold = Table(
    "payout_threshold",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("worker"),
    Column("threshold_wei", Exact),
    _text("reason"),
    _time("set_at"),
)
"""A worker's own threshold; the last row of a worker holds, null is the pool's."""

payout_block = Table(
    "payout_block",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("worker"),
    _number("blocked"),
    _text("reason"),
    _time("set_at"),
)
"""Workers who can't be paid, and why; the last row of a worker holds."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dedupe_key", Text, nullable=False, unique=True),
    _text("subject"),
    _text("document"),
    _time("made_at"),
)

outbox_delivery = Table(
    "outbox_delivery",
    metadata,
    Column("outbox_id", Integer, ForeignKey("outbox.id"), primary_key=True),
    _time("delivered_at"),
)

PAYOUT_TABLES = (
    payout_plan,
    plan_approval,
    payout_intent,
    tx_slot,
    tx_attempt,
    tx_send,
    payout_event,
    sender_lease,
    wallet_opening,
    foreign_transaction,
    payout_pause,
    payout_threshold,
    payout_block,
    outbox,
    outbox_delivery,
)
