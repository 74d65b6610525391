"""Redeemed tickets: what was told, how far it is collected, what the chain answered."""

import sqlalchemy as sa
from alembic import op

from openpool_management.adapters.sql import guards
from openpool_management.adapters.sql.types import Exact, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("ticket_stretch", "redeemed_ticket", "ticket_check")


def upgrade() -> None:
    """Create the tables, then the guards."""
    op.create_table(
        "ticket_stretch",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("up_to_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("up_to_seq > after_seq", name=op.f("ck_ticket_stretch_goes_forward")),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["stream.id"], name=op.f("fk_ticket_stretch_stream_id")
        ),
        sa.PrimaryKeyConstraint("stream_id", "after_seq", name=op.f("pk_ticket_stretch")),
    )
    op.create_table(
        "redeemed_ticket",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("lake_row", sa.BigInteger(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("dt", UtcTime(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("face_value_wei", Exact(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_redeemed_ticket_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["stream.id"], name=op.f("fk_redeemed_ticket_stream_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "lake_row", name=op.f("pk_redeemed_ticket")),
    )
    op.create_table(
        "ticket_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('succeeded', 'reverted', 'missing')",
            name=op.f("ck_ticket_check_known_outcome"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_check")),
    )
    op.create_index(op.f("ix_ticket_check_tx_hash"), "ticket_check", ["tx_hash"], unique=False)

    dialect = op.get_bind().dialect.name
    for table in TABLES:
        for statement in guards.append_only(dialect, table):
            op.execute(statement)


def downgrade() -> None:
    """What the chain answered can't be had again from the event log."""
    raise NotImplementedError(
        "The tables of tickets can't be taken away: restore the backup from before the upgrade."
    )
