"""The pool as one object: the services wired to the technology that the settings name."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import Engine

from openpool_management.adapters.directory_lake import DirectoryLake
from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.s3_archive import S3Archive
from openpool_management.adapters.s3_client import s3_client
from openpool_management.adapters.s3_clock import server_time
from openpool_management.adapters.s3_event_log import S3EventLog
from openpool_management.adapters.s3_lake import S3Lake
from openpool_management.adapters.sql.attribution import SqlUnattributedJobs
from openpool_management.adapters.sql.audit import SqlAudit
from openpool_management.adapters.sql.books import SqlBooks
from openpool_management.adapters.sql.commissions import SqlCommissionHistory
from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.health import ledger_health
from openpool_management.adapters.sql.holds import SqlHolds
from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.adapters.sql.prepare import (
    NO_LEDGER,
    LedgerNotReady,
    prepare_ledger,
    require_ledger,
)
from openpool_management.adapters.sql.presence import SqlPresence
from openpool_management.adapters.sql.quality import SqlRewrittenKeys
from openpool_management.adapters.sql.record import SqlRecord
from openpool_management.adapters.sql.tickets import SqlTickets
from openpool_management.adapters.sql.totals import SqlTotals
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.streams import Stream
from openpool_management.services.archived_source import ArchivedSource
from openpool_management.services.archiving import Archiver
from openpool_management.services.audit_trail import AuditTrail
from openpool_management.services.ingest import BatchLimits, Ingest
from openpool_management.services.ports import EventSource, Lake, LedgerHealth
from openpool_management.services.ports.chain import Chain
from openpool_management.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class _Keys(TypedDict):
    """Credentials of the store, None where boto3 looks for them itself."""

    access_key_id: str | None
    secret_access_key: str | None
    session_token: str | None


SQLITE = "sqlite:///"

NOTHING_TO_READ = (
    "There is nothing to read: set S3_BUCKET to the bucket of the event log "
    "(with S3_ENDPOINT where it is not AWS), or OPENPOOL_EVENTS_DIR to a directory laid out "
    "like it."
)

NO_ARCHIVE = (
    "There is no archive: set S3_ARCHIVE_BUCKET to a bucket for it, and S3_BUCKET to that of the "
    "event log. A directory is not archived."
)


class NoSourceError(Exception):
    """No event log, or no archive, is configured; the message says what to set."""


def utc_now() -> datetime:
    """The time on this machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Pool:
    """What commands, assets and pages work with. Parts are made when they are first asked for.

    read_only: its sessions of the database can't change anything.
    """

    settings: Settings
    read_only: bool = False

    @cached_property
    def engine(self) -> Engine:
        """The ledger's database, its schema made or brought up to date.

        Where it is only read, raises LedgerNotReady unless it is there and up to date.
        """
        url = self.settings.ledger_url
        path = Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None
        if self.read_only:
            if path is not None and not path.exists():
                raise LedgerNotReady(NO_LEDGER)
            engine = ledger_engine(url, read_only=True)
            try:
                require_ledger(engine)
            except BaseException:
                engine.dispose()
                raise
            return engine
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        engine = ledger_engine(url)
        prepare_ledger(engine, self.settings.fee_bps)
        return engine

    @cached_property
    def ledger(self) -> SqlLedger:
        """The ledger, to be written."""
        return SqlLedger(self.engine)

    @cached_property
    def books(self) -> SqlBooks:
        """The ledger, to be read."""
        return SqlBooks(self.engine)

    @property
    def holds(self) -> SqlHolds:
        """Held items and the decisions on them."""
        return SqlHolds(self.engine)

    @property
    def unattributed(self) -> SqlUnattributedJobs:
        """Jobs that are nobody's."""
        return SqlUnattributedJobs(self.engine)

    @property
    def commissions(self) -> SqlCommissionHistory:
        """The commission's history."""
        return SqlCommissionHistory(self.engine)

    @property
    def presence(self) -> SqlPresence:
        """What is known of connections."""
        return SqlPresence(self.engine)

    @property
    def totals(self) -> SqlTotals:
        """Running totals, held against what was posted."""
        return SqlTotals(self.engine)

    @property
    def rewritten_keys(self) -> SqlRewrittenKeys:
        """Keys of the event log that were overwritten."""
        return SqlRewrittenKeys(self.engine)

    @property
    def tickets(self) -> SqlTickets:
        """Redeemed tickets."""
        return SqlTickets(self.engine)

    @cached_property
    def chain(self) -> Chain | None:
        """The first node of the chain, None when none is named."""
        if not self.settings.rpc_urls:
            return None
        # Imported here: web3 takes a second to load, and most commands ask no chain.
        from openpool_management.adapters.chain.rpc_chain import RpcChain

        return RpcChain(self.settings.rpc_urls[0])

    def health(self) -> LedgerHealth:
        """The state of the ledger's database."""
        return ledger_health(self.engine)

    def store_time(self) -> datetime | None:
        """What time the event log's store thinks it is, None for a directory."""
        if self.settings.s3_bucket is None:
            return None
        return server_time(self.s3, self.settings.s3_bucket)

    @cached_property
    def trail(self) -> AuditTrail:
        """Ledger and lake, to follow events and statements through."""
        return AuditTrail(SqlAudit(self.engine), self.ledger, self.lake, self.pair_rules)

    @cached_property
    def lake(self) -> Lake:
        """The event lake."""
        url = self.settings.lake_url
        if url.startswith("s3://"):
            return S3Lake(self.s3, url, **self._keys)
        return DirectoryLake(Path(url))

    @cached_property
    def source(self) -> EventSource:
        """The event log. Raises NoSourceError when none is configured."""
        if self.settings.events_dir is not None:
            return DirectorySource(self.settings.events_dir)
        if self.settings.s3_bucket is not None:
            threads = self.settings.fetch_threads
            log = S3EventLog(self.s3, self.settings.s3_bucket, threads=threads)
            archive = self._archive()
            return log if archive is None else ArchivedSource(log, archive, threads=threads)
        raise NoSourceError(NOTHING_TO_READ)

    @property
    def archiver(self) -> Archiver:
        """Archiving what was read. Raises NoSourceError where there is no archive."""
        source = self.source
        if not isinstance(source, ArchivedSource):
            raise NoSourceError(NO_ARCHIVE)
        return Archiver(SqlRecord(self.engine), source.log, source.archive, threads=source.threads)

    def place(self, stream: Stream, key: str, version: str) -> str | None:
        """Where an object version that was read is, in the event log or in its archive.

        None where there is no archive to look at, and for what is gone. Raises OSError.
        """
        if self.settings.s3_archive_bucket is None or self.settings.s3_bucket is None:
            return None
        source = self.source
        if not isinstance(source, ArchivedSource):
            return None
        # Without versions, several contents under one key can't be told apart.
        read = SqlRecord(self.engine).contents(stream, key)
        places = (source.place(ref) for ref in read if (ref.version_id or "") == version)
        return " or ".join(place for place in places if place) or None

    @property
    def pair_rules(self) -> PairRules:
        """How AI jobs are paired."""
        return PairRules(
            timedelta(seconds=self.settings.pair_window_seconds),
            timedelta(days=self.settings.late_pair_days),
        )

    @cached_property
    def ingest(self) -> Ingest:
        """Reading the event log into the ledger. Raises NoSourceError as source does."""
        limits = BatchLimits(
            self.settings.max_files_per_batch,
            self.settings.max_batch_mib * 2**20,
            timedelta(hours=self.settings.lateness_hours),
        )
        return Ingest(self.source, self.ledger, self.lake, utc_now, self.pair_rules, limits)

    @cached_property
    def s3(self) -> "S3Client":
        """The client for buckets."""
        return self._s3_client()

    def _archive(self) -> S3Archive | None:
        if self.settings.s3_bucket is None or self.settings.s3_archive_bucket is None:
            return None
        # A client of its own: both buckets are read at the same time by as many threads each.
        client, prefix = self._s3_client(), self.settings.s3_archive_prefix
        return S3Archive(client, self.settings.s3_archive_bucket, prefix)

    def _s3_client(self) -> "S3Client":
        return s3_client(
            endpoint_url=self.settings.s3_endpoint,
            region_name=self.settings.aws_region,
            threads=self.settings.fetch_threads,
            **self._keys,
        )

    @property
    def _keys(self) -> _Keys:
        secret, token = self.settings.aws_secret_access_key, self.settings.aws_session_token
        return {
            "access_key_id": self.settings.aws_access_key_id,
            "secret_access_key": secret.get_secret_value() if secret else None,
            "session_token": token.get_secret_value() if token else None,
        }
