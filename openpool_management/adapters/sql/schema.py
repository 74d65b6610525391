"""The ledger's tables. Every one is append-only: triggers refuse UPDATE and DELETE."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from openpool_management.adapters.sql.types import Exact, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str) -> "Column[str]":
    return Column(name, Text, nullable=False)


def _number(name: str) -> "Column[int]":
    return Column(name, BigInteger, nullable=False)


def _reference(name: str, target: str) -> "Column[int]":
    return Column(name, Integer, ForeignKey(target), nullable=False)


stream = Table(
    "stream",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("node_type"),
    _text("region"),
    UniqueConstraint("node_type", "region"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch_id", Text, nullable=False, unique=True),
    _reference("stream_id", "stream.id"),
    _number("seq"),
    _text("kind"),
    Column("read_at", UtcTime, nullable=False),
    _number("objects"),
    _number("events"),
    _number("duplicates"),
    _number("held"),
    Column("lake_file", Text),
    _number("lake_rows"),
    Column("dt_min", UtcTime),
    Column("dt_max", UtcTime),
    _text("counts_json"),
    _text("totals_json"),
    _text("subject"),
    _text("reason"),
    UniqueConstraint("stream_id", "seq"),
    Index(None, "stream_id", "dt_max"),
)

object_version = Table(
    "object_version",
    metadata,
    Column("id", Integer, primary_key=True),
    _reference("batch_id", "batch.id"),
    _number("object_no"),
    _reference("stream_id", "stream.id"),
    _text("key"),
    _text("version_id"),
    _text("etag"),
    _number("size_bytes"),
    Column("last_modified", UtcTime, nullable=False),
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    _number("events"),
    UniqueConstraint("stream_id", "key", "etag"),
    Index(None, "stream_id", "starts_at"),
    Index(None, "batch_id"),
)

account = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("kind"),
    _text("stream"),
    _text("worker"),
    _text("pipeline"),
    _text("model"),
    UniqueConstraint("kind", "stream", "worker", "pipeline", "model"),
)

entry = Table(
    "entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("posting_key", Text, nullable=False, unique=True),
    Column("batch_id", Integer, ForeignKey("batch.id")),
    Column("posted_at", UtcTime, nullable=False),
    Index(None, "batch_id"),
)

posting = Table(
    "posting",
    metadata,
    _reference("entry_id", "entry.id"),
    _reference("account_id", "account.id"),
    _number("account_seq"),
    Column("amount_wei", Exact, nullable=False),
    Column("balance_wei", Exact, nullable=False),
    PrimaryKeyConstraint("account_id", "account_seq"),
    UniqueConstraint("entry_id", "account_id"),
    CheckConstraint("account_seq > 0", name="account_seq_from_one"),
)

work_posting = Table(
    "work_posting",
    metadata,
    _reference("entry_id", "entry.id"),
    _reference("account_id", "account.id"),
    _number("account_seq"),
    _number("jobs"),
    Column("compute_units", Exact, nullable=False),
    _number("jobs_total"),
    Column("compute_units_total", Exact, nullable=False),
    PrimaryKeyConstraint("account_id", "account_seq"),
    UniqueConstraint("entry_id", "account_id"),
    CheckConstraint("jobs_total >= 0", name="no_negative_jobs"),
)

held = Table(
    "held",
    metadata,
    Column("id", Text, primary_key=True),
    _reference("batch_id", "batch.id"),
    _reference("object_id", "object_version.id"),
    _number("event_index"),
    _text("reason"),
    _text("detail"),
    Column("event_id", Text),
    Column("event_type", Text),
    Column("raw", Text),
    UniqueConstraint("object_id", "event_index"),
)

held_decision = Table(
    "held_decision",
    metadata,
    Column("held_id", Text, ForeignKey("held.id"), primary_key=True),
    _text("decision"),
    _text("reason"),
    Column("decided_at", UtcTime, nullable=False),
    Column("batch_id", Integer, ForeignKey("batch.id")),
    CheckConstraint("decision IN ('release', 'dismiss')", name="known_decision"),
)

unattributed_job = Table(
    "unattributed_job",
    metadata,
    _reference("stream_id", "stream.id"),
    Column("event_id", LargeBinary, nullable=False),
    _reference("batch_id", "batch.id"),
    Column("dt", UtcTime, nullable=False),
    _text("request_id"),
    _text("pipeline"),
    _text("model"),
    Column("compute_units", Exact, nullable=False),
    Column("fees_wei", Exact, nullable=False),
    _number("held"),
    _text("object_key"),
    _text("object_version"),
    _number("object_index"),
    PrimaryKeyConstraint("stream_id", "event_id"),
)

attribution = Table(
    "attribution",
    metadata,
    Column("id", Integer, primary_key=True),
    _reference("stream_id", "stream.id"),
    Column("event_id", LargeBinary, nullable=False),
    _reference("batch_id", "batch.id"),
    Column("worker", Text),
    Column("received_id", LargeBinary),
    _text("cause"),
    _text("pipeline"),
    _text("model"),
    UniqueConstraint("stream_id", "event_id", "batch_id"),
    Index(None, "batch_id"),
)

commission_rate = Table(
    "commission_rate",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("worker"),
    Column("fee_bps", Integer),
    Column("effective_from", UtcTime, nullable=False),
    Column("set_at", UtcTime, nullable=False),
    _text("reason"),
    UniqueConstraint("worker", "effective_from"),
    CheckConstraint("fee_bps BETWEEN 0 AND 10000", name="basis_points"),
)

presence = Table(
    "presence",
    metadata,
    _reference("object_id", "object_version.id"),
    _number("object_index"),
    _reference("stream_id", "stream.id"),
    Column("dt", UtcTime, nullable=False),
    _text("kind"),
    _text("worker"),
    _text("connection"),
    PrimaryKeyConstraint("object_id", "object_index"),
    Index(None, "stream_id"),
)
"""Connections opened and closed, and resets."""

worker = Table(
    "worker",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", Text, nullable=False, unique=True),
)

proof_of_life = Table(
    "proof_of_life",
    metadata,
    _reference("object_id", "object_version.id"),
    _number("object_index"),
    _reference("worker_id", "worker.id"),
    _number("dt_ms"),
    PrimaryKeyConstraint("object_id", "object_index"),
    sqlite_with_rowid=False,
)
"""The last job of each run of a worker's jobs inside an object. Each object has a row for each of
its workers, so rows are narrow: a worker by number, DT in milliseconds since 1970."""

LEDGER_TABLES = tuple(metadata.tables)
"""Names of the tables above; those of payouts are beside them, in payouts/tables.py."""
