"""The server wired to the technology that the settings name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import FastAPI

from openpool_management.adapters.sql.histories import SqlHistories
from openpool_management.adapters.sql.prepare import require_ledger
from openpool_management.export_desk import ExportDesk
from openpool_management.payout_desk import PayoutDesk
from openpool_management.pool import Pool, utc_now
from openpool_management.server.app import create_app
from openpool_management.server.page_routes import page_router
from openpool_management.server.rate_limit import RateLimit
from openpool_management.server.snapshots import NotReady, Snapshots
from openpool_management.services.audit_trail import AuditTrail
from openpool_management.services.exports.publication import Publication
from openpool_management.services.unwritten_tickets import Unwritten
from openpool_management.settings import Settings


@dataclass
class ServeDesk:
    """What the server answers with. It only reads, and holds no key."""

    settings: Settings
    clock: Callable[[], datetime] = utc_now
    ledger_revision: str | None = None
    _pool: Pool | None = field(default=None, repr=False)
    _unwritten: Unwritten = field(default_factory=Unwritten, repr=False)
    _histories: SqlHistories = field(default_factory=SqlHistories, repr=False)

    def publication(self) -> Publication:
        """All documents as of this moment. One call at a time.

        Requests go on with the ledger's connections meanwhile, so those are kept from one call to
        the next. Raises LedgerNotReady, SchemaIsNewer, and whatever reading raises.
        """
        pool = self._pool or Pool(self.settings, read_only=True)
        try:
            # Another ledger may have taken its place, or it may have another schema.
            require_ledger(pool.engine)
            revision = pool.health().revision
            desk = ExportDesk(
                PayoutDesk(pool, self.clock), self.clock, self._unwritten, self._histories
            )
            made = desk.publication()
        except BaseException:
            # The next ledger may be another one.
            self._unwritten, self._histories = Unwritten(), SqlHistories()
            _close(pool)
            raise
        self._pool, self.ledger_revision = pool, revision
        return made

    def trail(self) -> AuditTrail:
        """The ledger that was read last, to follow lines through. Raises NotReady before that."""
        if self._pool is None:
            raise NotReady("The ledger was not read yet: ask again in a few seconds.")
        return self._pool.trail

    def snapshots(self) -> Snapshots:
        """Publications as requests need them."""
        return Snapshots(self.publication, self.settings.serve_refresh_seconds, self.clock)

    def app(self, snapshots: Snapshots) -> FastAPI:
        """The application of this pool."""
        return create_app(
            snapshots,
            limit=RateLimit(self.settings.serve_requests_per_minute),
            ledger_revision=lambda: self.ledger_revision,
            reserve_wei=self.settings.wallet_reserve_wei,
            page_router=page_router(snapshots, self.trail),
        )

    def close(self) -> None:
        """Let go of the ledger."""
        if self._pool is not None:
            _close(self._pool)


def _close(pool: Pool) -> None:
    # Asking for an engine that was never made would make it.
    if "engine" in vars(pool):
        pool.engine.dispose()
