"""The application in this process, over a publication of nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import APIRouter

from openpool_management.domain.commission import DEFAULT_WORKER, CommissionRate
from openpool_management.domain.explorer import Explorer
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.tickets import redeemed
from openpool_management.server.app import create_app
from openpool_management.server.rate_limit import RateLimit
from openpool_management.server.snapshots import Snapshots
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.publication import Publication
from openpool_management.services.ports.exports import LedgerSnapshot
from openpool_management.services.solvency import solvency

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SOLVENCY = solvency((), redeemed([], []), None, [])


def nothing_at(made_at: datetime) -> Publication:
    """The documents of an empty pool."""
    rates = (CommissionRate(DEFAULT_WORKER, 2_500, EPOCH),)
    ledger = LedgerSnapshot((), {}, rates, (), {})
    return Publication(Material(ledger, made_at, SOLVENCY, Explorer(42161)))


def client_of(
    make: Callable[[], Publication] = lambda: nothing_at(NOW),
    *,
    router: APIRouter | None = None,
    **limit: Any,
) -> httpx.AsyncClient:
    """A client of an application; limit is what RateLimit takes."""
    app = create_app(
        Snapshots(make, 60, lambda: NOW),
        limit=RateLimit(**({"requests_per_minute": 1000} | limit)),
        ledger_revision=lambda: None,
        page_router=router,
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://pool")
