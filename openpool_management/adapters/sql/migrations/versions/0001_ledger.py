"""The ledger: streams, batches, objects, entries, held items, attributions and presence."""

import sqlalchemy as sa
from alembic import op

from openpool_management.adapters.sql import guards
from openpool_management.adapters.sql.types import Exact, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "stream",
    "batch",
    "object_version",
    "account",
    "entry",
    "posting",
    "work_posting",
    "held",
    "held_decision",
    "unattributed_job",
    "attribution",
    "commission_rate",
    "presence",
    "worker",
    "proof_of_life",
)


def upgrade() -> None:
    """Create the tables, then the guards."""
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "kind",
            "stream",
            "worker",
            "pipeline",
            "model",
            name=op.f("uq_account_kind_stream_worker_pipeline_model"),
        ),
    )
    op.create_table(
        "commission_rate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("fee_bps", sa.Integer(), nullable=True),
        sa.Column("effective_from", UtcTime(), nullable=False),
        sa.Column("set_at", UtcTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "fee_bps BETWEEN 0 AND 10000", name=op.f("ck_commission_rate_basis_points")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_rate")),
        sa.UniqueConstraint(
            "worker", "effective_from", name=op.f("uq_commission_rate_worker_effective_from")
        ),
    )
    op.create_table(
        "stream",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("node_type", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream")),
        sa.UniqueConstraint("node_type", "region", name=op.f("uq_stream_node_type_region")),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
        sa.UniqueConstraint("address", name=op.f("uq_worker_address")),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("read_at", UtcTime(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("lake_file", sa.Text(), nullable=True),
        sa.Column("lake_rows", sa.BigInteger(), nullable=False),
        sa.Column("dt_min", UtcTime(), nullable=True),
        sa.Column("dt_max", UtcTime(), nullable=True),
        sa.Column("counts_json", sa.Text(), nullable=False),
        sa.Column("totals_json", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], name=op.f("fk_batch_stream_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_batch_batch_id")),
        sa.UniqueConstraint("stream_id", "seq", name=op.f("uq_batch_stream_id_seq")),
    )
    op.create_index(
        op.f("ix_batch_stream_id_dt_max"), "batch", ["stream_id", "dt_max"], unique=False
    )
    op.create_table(
        "attribution",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("received_id", sa.LargeBinary(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_attribution_batch_id")),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["stream.id"], name=op.f("fk_attribution_stream_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attribution")),
        sa.UniqueConstraint(
            "stream_id",
            "event_id",
            "batch_id",
            name=op.f("uq_attribution_stream_id_event_id_batch_id"),
        ),
    )
    op.create_index(op.f("ix_attribution_batch_id"), "attribution", ["batch_id"], unique=False)
    op.create_table(
        "entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("posting_key", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("posted_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_entry_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("posting_key", name=op.f("uq_entry_posting_key")),
    )
    op.create_index(op.f("ix_entry_batch_id"), "entry", ["batch_id"], unique=False)
    op.create_table(
        "object_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("object_no", sa.BigInteger(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("last_modified", UtcTime(), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=True),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_object_version_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["stream.id"], name=op.f("fk_object_version_stream_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object_version")),
        sa.UniqueConstraint(
            "stream_id", "key", "etag", name=op.f("uq_object_version_stream_id_key_etag")
        ),
    )
    op.create_index(
        op.f("ix_object_version_batch_id"), "object_version", ["batch_id"], unique=False
    )
    op.create_index(
        op.f("ix_object_version_stream_id_starts_at"),
        "object_version",
        ["stream_id", "starts_at"],
        unique=False,
    )
    op.create_table(
        "unattributed_job",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("dt", UtcTime(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("compute_units", Exact(), nullable=False),
        sa.Column("fees_wei", Exact(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("object_version", sa.Text(), nullable=False),
        sa.Column("object_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_unattributed_job_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["stream.id"], name=op.f("fk_unattributed_job_stream_id")
        ),
        sa.PrimaryKeyConstraint("stream_id", "event_id", name=op.f("pk_unattributed_job")),
    )
    op.create_table(
        "held",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.Column("event_index", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_held_batch_id")),
        sa.ForeignKeyConstraint(
            ["object_id"], ["object_version.id"], name=op.f("fk_held_object_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held")),
        sa.UniqueConstraint("object_id", "event_index", name=op.f("uq_held_object_id_event_index")),
    )
    op.create_table(
        "posting",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("account_seq", sa.BigInteger(), nullable=False),
        sa.Column("amount_wei", Exact(), nullable=False),
        sa.Column("balance_wei", Exact(), nullable=False),
        sa.CheckConstraint("account_seq > 0", name=op.f("ck_posting_account_seq_from_one")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_posting_account_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_posting_entry_id")),
        sa.PrimaryKeyConstraint("account_id", "account_seq", name=op.f("pk_posting")),
        sa.UniqueConstraint("entry_id", "account_id", name=op.f("uq_posting_entry_id_account_id")),
    )
    op.create_table(
        "presence",
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.Column("object_index", sa.BigInteger(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("dt", UtcTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["object_id"], ["object_version.id"], name=op.f("fk_presence_object_id")
        ),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], name=op.f("fk_presence_stream_id")),
        sa.PrimaryKeyConstraint("object_id", "object_index", name=op.f("pk_presence")),
    )
    op.create_index(op.f("ix_presence_stream_id"), "presence", ["stream_id"], unique=False)
    op.create_table(
        "proof_of_life",
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.Column("object_index", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.Integer(), nullable=False),
        sa.Column("dt_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["object_id"], ["object_version.id"], name=op.f("fk_proof_of_life_object_id")
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["worker.id"], name=op.f("fk_proof_of_life_worker_id")
        ),
        sa.PrimaryKeyConstraint("object_id", "object_index", name=op.f("pk_proof_of_life")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "work_posting",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("account_seq", sa.BigInteger(), nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("compute_units", Exact(), nullable=False),
        sa.Column("jobs_total", sa.BigInteger(), nullable=False),
        sa.Column("compute_units_total", Exact(), nullable=False),
        sa.CheckConstraint("jobs_total >= 0", name=op.f("ck_work_posting_no_negative_jobs")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_work_posting_account_id")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_work_posting_entry_id")),
        sa.PrimaryKeyConstraint("account_id", "account_seq", name=op.f("pk_work_posting")),
        sa.UniqueConstraint(
            "entry_id", "account_id", name=op.f("uq_work_posting_entry_id_account_id")
        ),
    )
    op.create_table(
        "held_decision",
        sa.Column("held_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "decision IN ('release', 'dismiss')", name=op.f("ck_held_decision_known_decision")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_held_decision_batch_id")),
        sa.ForeignKeyConstraint(["held_id"], ["held.id"], name=op.f("fk_held_decision_held_id")),
        sa.PrimaryKeyConstraint("held_id", name=op.f("pk_held_decision")),
    )

    dialect = op.get_bind().dialect.name
    for statement in guards.functions(dialect):
        op.execute(statement)
    for table in TABLES:
        for statement in guards.append_only(dialect, table):
            op.execute(statement)
    for statement in guards.balanced_entries(dialect):
        op.execute(statement)


def downgrade() -> None:
    """There is nothing before the first schema."""
    raise NotImplementedError("The first schema can't be downgraded: delete the database instead.")
