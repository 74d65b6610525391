"""Pages of a ledger that can't be read any more say so, and stay readable."""

from datetime import datetime, timedelta

import httpx

from openpool_management.pages.site import STALE
from openpool_management.server.app import create_app
from openpool_management.server.page_routes import page_router
from openpool_management.server.rate_limit import RateLimit
from openpool_management.server.snapshots import Snapshots
from openpool_management.services.audit_trail import AuditTrail
from openpool_management.services.exports.publication import Publication
from openpool_management_tests.server.apps import NOW, nothing_at
from openpool_management_tests.server.test_http import in_process

PATHS = ("/", "/workers", "/ranking", "/payouts", "/quality")


class Ledger:
    """A ledger of nothing that can be taken away, and a clock."""

    def __init__(self) -> None:
        self.gone = False
        self.now = NOW

    def clock(self) -> datetime:
        """The time."""
        return self.now

    def publication(self) -> Publication:
        """Its documents. Raises OSError while it is away."""
        if self.gone:
            raise OSError("The disk is gone.")
        return nothing_at(self.now)


def no_trail() -> AuditTrail:
    """No page that is asked for here follows lines."""
    raise AssertionError


def test_they_say_so() -> None:
    ledger = Ledger()
    snapshots = Snapshots(ledger.publication, 60, ledger.clock)

    def pages() -> list[str]:
        app = create_app(
            snapshots,
            limit=RateLimit(1000),
            ledger_revision=lambda: None,
            page_router=page_router(snapshots, no_trail),
        )
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pool")
        answers = in_process(client, *PATHS)
        assert {one.status_code for one in answers} == {200}
        return [one.text for one in answers]

    assert not any(STALE in page for page in pages())
    ledger.gone, ledger.now = True, NOW + timedelta(hours=1)
    shown = pages()
    assert all(STALE in page for page in shown)
    # As of when the ledger was read, not of when the page is looked at.
    assert all(f'<time datetime="{NOW.isoformat()}">' in page for page in shown)
