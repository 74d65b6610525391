"""The application: API, downloads, metrics and pages behind one set of rules."""

import importlib.metadata
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI

from openpool_management.server.api import PREFIX, api_router
from openpool_management.server.downloads import download_router
from openpool_management.server.etags import ETagMiddleware
from openpool_management.server.failures import answer_failures
from openpool_management.server.headers import HeadersMiddleware
from openpool_management.server.metrics import metrics_router
from openpool_management.server.rate_limit import RateLimit, RateLimitMiddleware
from openpool_management.server.snapshots import Snapshots

DESCRIPTION = (
    "What each worker of an orchestrator pool earned, was paid and is owed. Nothing can be changed "
    "here. A field that ends in `_wei` is a whole number of wei as text. Times are UTC. "
    "`export_timestamp` says of what moment an answer is."
)


def create_app(
    snapshots: Snapshots,
    *,
    limit: RateLimit,
    ledger_revision: Callable[[], str | None],
    reserve_wei: int = 0,
    page_router: APIRouter | None = None,
) -> FastAPI:
    """The application over snapshots; page_router adds pages to it."""
    app = _Application(
        title="openpool",
        version=_version(),
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        # Both load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        # A redirect would repeat whatever host the client named.
        redirect_slashes=False,
    )
    app.include_router(api_router(snapshots, ledger_revision))
    app.include_router(download_router(snapshots))
    app.include_router(metrics_router(snapshots, reserve_wei))
    if page_router is not None:
        app.include_router(page_router)
    answer_failures(app)
    # The last one added is the outermost.
    app.add_middleware(ETagMiddleware)
    app.add_middleware(RateLimitMiddleware, limit=limit)
    app.add_middleware(HeadersMiddleware)
    return app


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, without the errors that FastAPI adds and that never come."""
        document = super().openapi()
        for operations in document["paths"].values():
            for operation in operations.values():
                if "HTTPValidationError" in str(operation["responses"].get("422")):
                    del operation["responses"]["422"]
        document.pop("components", None)
        return document


def _version() -> str:
    try:
        return importlib.metadata.version("openpool_management")
    except importlib.metadata.PackageNotFoundError:
        return "0"
