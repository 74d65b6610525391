"""Payouts: plans, intents, nonces, signed attempts, what came of them, leases, pauses, messages."""

import sqlalchemy as sa
from alembic import op

from openpool_management.adapters.sql import guards
from openpool_management.adapters.sql.payouts.guards import bound_attempts
from openpool_management.adapters.sql.types import Exact, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "payout_plan",
    "plan_approval",
    "payout_intent",
    "tx_slot",
    "tx_attempt",
    "tx_send",
    "payout_event",
    "sender_lease",
    "wallet_opening",
    "foreign_transaction",
    "payout_pause",
    "payout_threshold",
    "payout_block",
    "outbox",
    "outbox_delivery",
)


def upgrade() -> None:
    """Create the tables, then the guards."""
    op.create_table(
        "foreign_transaction",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("value_wei", Exact(), nullable=False),
        sa.Column("fee_wei", Exact(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "nonce", "chain_id", name=op.f("pk_foreign_transaction")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_dedupe_key")),
    )
    op.create_table(
        "payout_block",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("blocked", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_block")),
    )
    op.create_table(
        "payout_pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paused", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "asked_by IN ('operator', 'program')", name=op.f("ck_payout_pause_known_asker")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_pause")),
    )
    op.create_table(
        "payout_plan",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("total_wei", Exact(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_payout_plan")),
    )
    op.create_table(
        "payout_threshold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("threshold_wei", Exact(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_threshold")),
    )
    op.create_table(
        "sender_lease",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "fence", name=op.f("pk_sender_lease")),
    )
    op.create_table(
        "wallet_opening",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("balance_wei", Exact(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("sender", name=op.f("pk_wallet_opening")),
    )
    op.create_table(
        "outbox_delivery",
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("delivered_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["outbox.id"], name=op.f("fk_outbox_delivery_outbox_id")
        ),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_outbox_delivery")),
    )
    op.create_table(
        "payout_intent",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("amount_wei", Exact(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_hash"], ["payout_plan.hash"], name=op.f("fk_payout_intent_plan_hash")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_intent")),
        sa.UniqueConstraint("number", name=op.f("uq_payout_intent_number")),
        sa.UniqueConstraint(
            "run_key", "worker", "attempt", name=op.f("uq_payout_intent_run_key_worker_attempt")
        ),
    )
    op.create_index(op.f("ix_payout_intent_worker"), "payout_intent", ["worker"], unique=False)
    op.create_table(
        "plan_approval",
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_hash"], ["payout_plan.hash"], name=op.f("fk_plan_approval_plan_hash")
        ),
        sa.PrimaryKeyConstraint("plan_hash", name=op.f("pk_plan_approval")),
    )
    op.create_table(
        "tx_slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["payout_intent.id"], name=op.f("fk_tx_slot_intent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tx_slot")),
        sa.UniqueConstraint(
            "sender", "nonce", "chain_id", name=op.f("uq_tx_slot_sender_nonce_chain_id")
        ),
        sa.UniqueConstraint("intent_id", "turn", name=op.f("uq_tx_slot_intent_id_turn")),
    )
    op.create_table(
        "payout_event",
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=True),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["payout_intent.id"], name=op.f("fk_payout_event_intent_id")
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["tx_slot.id"], name=op.f("fk_payout_event_slot_id")),
        sa.PrimaryKeyConstraint("intent_id", "seq", name=op.f("pk_payout_event")),
    )
    op.create_index(
        "uq_payout_event_end",
        "payout_event",
        ["intent_id"],
        unique=True,
        sqlite_where=sa.text("mark IN ('settled', 'voided')"),
        postgresql_where=sa.text("mark IN ('settled', 'voided')"),
    )
    op.create_index(
        "uq_payout_event_nonce_end",
        "payout_event",
        ["slot_id"],
        unique=True,
        sqlite_where=sa.text("mark IN ('reverted', 'cancelled', 'superseded')"),
        postgresql_where=sa.text("mark IN ('reverted', 'cancelled', 'superseded')"),
    )
    op.create_table(
        "tx_attempt",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("value_wei", Exact(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("max_fee_wei", Exact(), nullable=False),
        sa.Column("max_priority_fee_wei", Exact(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("persisted_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('payout', 'cancel')", name=op.f("ck_tx_attempt_known_purpose")
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["tx_slot.id"], name=op.f("fk_tx_attempt_slot_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tx_attempt")),
        sa.UniqueConstraint("slot_id", "turn", name=op.f("uq_tx_attempt_slot_id_turn")),
    )
    op.create_table(
        "tx_send",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["tx_hash"], ["tx_attempt.hash"], name=op.f("fk_tx_send_tx_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tx_send")),
    )
    op.create_index(op.f("ix_tx_send_tx_hash"), "tx_send", ["tx_hash"], unique=False)

    dialect = op.get_bind().dialect.name
    for table in TABLES:
        for statement in guards.append_only(dialect, table):
            op.execute(statement)
    for statement in bound_attempts(dialect):
        op.execute(statement)


def downgrade() -> None:
    """What was paid can't be forgotten."""
    raise NotImplementedError(
        "The tables of payouts can't be taken away: restore the backup from before the upgrade."
    )
