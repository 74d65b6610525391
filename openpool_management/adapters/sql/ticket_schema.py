"""The tables of redeemed tickets. Append-only; no posting refers to them."""

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
)

from openpool_management.adapters.sql.schema import metadata
from openpool_management.adapters.sql.types import Exact, UtcTime

ticket_stretch = Table(
    "ticket_stretch",
    metadata,
    Column("stream_id", Integer, ForeignKey("stream.id"), nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("up_to_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("stream_id", "after_seq"),
    CheckConstraint("up_to_seq > after_seq", name="goes_forward"),
)
"""Batches of a stream whose tickets were collected. A stretch begins where the last one ended, so
the key lets one process collect it."""

redeemed_ticket = Table(
    "redeemed_ticket",
    metadata,
    Column("batch_id", Integer, ForeignKey("batch.id"), nullable=False),
    Column("lake_row", BigInteger, nullable=False),
    Column("stream_id", Integer, ForeignKey("stream.id"), nullable=False),
    Column("event_id", LargeBinary, nullable=False),
    Column("dt", UtcTime, nullable=False),
    Column("tx_hash", Text, nullable=False),
    Column("face_value_wei", Exact),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    PrimaryKeyConstraint("batch_id", "lake_row"),
)
"""ticket-redeemed events, good and bad, repeats too: what counts is worked out of all of them."""

ticket_check = Table(
    "ticket_check",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tx_hash", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("checked_at", UtcTime, nullable=False),
    CheckConstraint("outcome IN ('succeeded', 'reverted', 'missing')", name="known_outcome"),
    Index(None, "tx_hash"),
)

TICKET_TABLES = (ticket_stretch, redeemed_ticket, ticket_check)
