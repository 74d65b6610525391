"""Pages for people, under paths without a version: they may move, the API's may not."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from openpool_management.domain.addresses import checksum_address
from openpool_management.pages.account_lines import lines_part
from openpool_management.pages.assets import ASSETS, asset_content
from openpool_management.pages.links import ServerLinks
from openpool_management.pages.site import Site, entry_page
from openpool_management.server.kept_pages import KeptPages
from openpool_management.server.snapshots import Snapshots
from openpool_management.server.turns import Turns
from openpool_management.services.audit_trail import AuditTrail
from openpool_management.services.statement import trace_entry

LARGEST_NUMBER = 2**63 - 1
TRACES_AT_ONCE = 2
"""A page that goes through the lake can take seconds and hundreds of megabytes."""

TRACES_WAITING = 20
_LINKS = ServerLinks()

Number = Annotated[int, Query(alias="page", ge=1, le=LARGEST_NUMBER)]


def page_router(snapshots: Snapshots, trail: Callable[[], AuditTrail]) -> APIRouter:
    """The routes of all pages. trail is asked for once there is a ledger."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    traces = Turns(TRACES_AT_ONCE, TRACES_WAITING)

    kept = KeptPages()

    def page(make: Callable[[Site], str | None], *name: object) -> HTMLResponse:
        """name: what the page is kept as, nothing where it is one of many."""
        site = Site(snapshots.current(), _LINKS, stale=snapshots.problem is not None)
        if name:
            html = kept.page(site.publication, (*name, site.stale), lambda: make(site))
        else:
            html = make(site)
        if html is None:
            raise HTTPException(404)
        return HTMLResponse(html)

    @router.get("/")
    def overview() -> HTMLResponse:
        return page(Site.overview, "overview")

    @router.get("/workers")
    def workers(number: Number = 1, address: str | None = None) -> Response:
        if address is None:
            return page(lambda site: site.workers(number), "workers", number)
        found = _found(address, snapshots)
        if found is not None:
            return RedirectResponse(_LINKS.worker(found), 303)
        missing = f"No worker of this pool has the address {address.strip()[:80]}."
        return page(lambda site: site.workers(1, missing))

    @router.get("/workers/{address}")
    def worker(address: str) -> HTMLResponse:
        def make(site: Site) -> str | None:
            if address not in site.publication.workers:
                return None
            part = lines_part(site.publication, trail(), address)
            return site.worker(address, part.lines, part.older)

        return page(make)

    @router.get("/workers/{address}/lines")
    def lines(address: str, before: Annotated[int, Query(ge=1, le=LARGEST_NUMBER)]) -> HTMLResponse:
        def make(site: Site) -> str | None:
            if address not in site.publication.workers:
                return None
            part = lines_part(site.publication, trail(), address, before)
            return site.lines(address, part.lines, part.older)

        return page(make)

    @router.get("/workers/{address}/entries/{entry}")
    async def entry(
        address: str, entry: Annotated[int, Path(ge=1, le=LARGEST_NUMBER)], number: Number = 1
    ) -> HTMLResponse:
        def make(site: Site) -> str | None:
            if address not in site.publication.workers:
                return None
            return entry_page(_LINKS, trace_entry(trail(), address, entry), number)

        return await traces.take(lambda: page(make))

    @router.get("/ranking")
    def ranking(window: str = "30d") -> HTMLResponse:
        return page(lambda site: site.ranking(window), "ranking", window)

    @router.get("/payouts")
    def payouts(number: Number = 1) -> HTMLResponse:
        return page(lambda site: site.payouts(number), "payouts", number)

    @router.get("/quality")
    def quality() -> HTMLResponse:
        return page(Site.quality, "quality")

    @router.get("/pages/{name}")
    def asset(name: str) -> Response:
        if name not in ASSETS:
            raise HTTPException(404)
        return Response(asset_content(name), media_type=ASSETS[name])

    return router


def _found(address: str, snapshots: Snapshots) -> str | None:
    """The worker of an address, however its letters are written."""
    wanted = checksum_address(address.strip().lower())
    return wanted if wanted in snapshots.current().workers else None
