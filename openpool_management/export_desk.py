"""Exports wired to the technology that the settings name."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain

from openpool_management.adapters.documents import DirectoryDocuments, S3Documents
from openpool_management.adapters.sql.exports import SqlExports
from openpool_management.adapters.sql.histories import SqlHistories
from openpool_management.domain.payouts.plan import Plan
from openpool_management.domain.streams import Stream
from openpool_management.pages.files import site_files
from openpool_management.payout_desk import PayoutDesk
from openpool_management.performance_desk import performance_sources
from openpool_management.pool import utc_now
from openpool_management.services.connections import connections
from openpool_management.services.exports.documents import all_documents
from openpool_management.services.exports.material import Material, StreamQuality
from openpool_management.services.exports.publication import Publication
from openpool_management.services.exports.publish import PublishReport, publish
from openpool_management.services.payouts.approvals import unapproved
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management.services.performance.report import (
    PerformanceRow,
    Window,
    performance_windows,
)
from openpool_management.services.ports.chain import ChainUnavailable
from openpool_management.services.ports.documents import DocumentStore
from openpool_management.services.ports.exports import LedgerSnapshot
from openpool_management.services.ports.tickets import Tickets
from openpool_management.services.solvency import (
    Solvency,
    WalletLook,
    look_at_wallets,
    solvency,
    wallets_of,
)
from openpool_management.services.stream_checks import gaps, recent_times, silence
from openpool_management.services.tickets import look_at_tickets
from openpool_management.services.unwritten_tickets import Unwritten, UnwrittenTickets

NOWHERE = (
    "There is nowhere to publish to: set S3_METRICS_BUCKET to a bucket, or OPENPOOL_METRICS_DIR to "
    "a directory."
)


class NoStoreError(Exception):
    """No place for documents is configured; the message says what to set."""


@dataclass
class ExportDesk:
    """What commands and assets publish with.

    unwritten: what is found of tickets where the pool is only read. histories: what earlier
    readings of the same pool read.
    """

    desk: PayoutDesk
    clock: Callable[[], datetime] = utc_now
    unwritten: Unwritten = field(default_factory=Unwritten, repr=False)
    histories: SqlHistories = field(default_factory=SqlHistories, repr=False)

    @property
    def store(self) -> DocumentStore:
        """Where documents go. Raises NoStoreError where no place is named."""
        settings = self.desk.pool.settings
        if settings.metrics_dir is not None:
            return DirectoryDocuments(settings.metrics_dir)
        if settings.s3_metrics_bucket is not None:
            return S3Documents(self.desk.pool.s3, settings.s3_metrics_bucket)
        raise NoStoreError(NOWHERE)

    def publish(self) -> PublishReport:
        """Publish all documents and pages. Raises NoStoreError, and OSError as publish does."""
        store = self.store
        publication = self.publication()
        threads = self.desk.pool.settings.fetch_threads
        written = chain(all_documents(publication), site_files(publication, self.desk.pool.trail))
        return publish(written, store, publication.material.made_at, threads)

    def publication(self) -> Publication:
        """All documents as of this moment."""
        return Publication(self.material())

    def material(self) -> Material:
        """What documents are made of: the ledger at one moment, and what there is beside it."""
        pool, made_at = self.desk.pool, self.clock()
        ledger = SqlExports(pool.engine, self.histories).snapshot()
        pause = self.desk.book.pause()
        plan = self._plan(made_at)
        return Material(
            ledger=ledger,
            made_at=made_at,
            solvency=self._solvency(ledger, made_at),
            decisions={one.worker: one for one in plan.decisions},
            unapproved=unapproved(self.desk.planner, plan, made_at),
            connections={one: connections(pool.presence, one) for one in ledger.read_at},
            performance=self._performance(ledger, made_at),
            held=Counter(one.reason.value for one in pool.holds.items(decided=False)),
            quality={one: self._quality(one, made_at) for one in ledger.read_at},
            explorer=self.desk.explorer,
            payout_mode=self.desk.mode.value,
            payouts_paused=pause is not None and pause.paused,
        )

    def _performance(
        self, ledger: LedgerSnapshot, now: datetime
    ) -> dict[Window, list[PerformanceRow]]:
        sources, streams = performance_sources(self.desk.pool), sorted(ledger.read_at)
        return performance_windows(sources, Window, now, streams)

    def _quality(self, stream: Stream, now: datetime) -> StreamQuality:
        pool = self.desk.pool
        times = recent_times(pool.ledger, stream, now)
        longest = timedelta(minutes=pool.settings.freshness_minutes)
        return StreamQuality(
            newest_object_at=max((one.end for one in times), default=None),
            gaps=tuple(gaps(stream, times, pool.settings.gap_factor)),
            silence=tuple(silence(stream, times, longest, now)),
        )

    def _solvency(self, ledger: LedgerSnapshot, now: datetime) -> Solvency:
        pool, sender = self.desk.pool, self.desk.sender()
        chain_id = pool.settings.chain_id
        tickets: Tickets = pool.tickets
        if pool.read_only:
            tickets = UnwrittenTickets(tickets, self.unwritten)
        look = look_at_tickets(tickets, pool.lake, pool.chain, chain_id, now)
        wallets = wallets_of(ledger.standings) | ({sender} if sender else set())
        on_chain: WalletLook | None = None
        if pool.chain is not None and wallets and look.problem is None:
            try:
                on_chain = look_at_wallets(pool.chain, chain_id, wallets)
            except ChainUnavailable:
                # The sentence of the solvency says that the wallet is not known.
                on_chain = None
        return solvency(ledger.standings, look.revenue, on_chain, ledger.under_way)

    def _plan(self, now: datetime) -> Plan:
        """The plan of the day; without the wallet if no node answers."""
        run_key = f"{now.astimezone(UTC):%Y-%m-%d}"
        try:
            return self.desk.plan(run_key)
        except (OSError, PayoutsStopped):
            return self.desk.plan(run_key, ask_chain=False)
