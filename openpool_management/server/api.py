"""The API: published documents, whole or page by page, under a versioned path."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Response

from openpool_management.domain.addresses import checksum_address
from openpool_management.server import described as said
from openpool_management.server.answers import answer
from openpool_management.server.described import described, described_health
from openpool_management.server.snapshots import NotReady, Snapshots
from openpool_management.services.exports.values import Document

PREFIX = "/api/v1"
MOST_ROWS = 500

ADDRESS = r"^0x[0-9a-fA-F]{40}$"
Address = Annotated[
    str, Path(pattern=ADDRESS, description="A worker's address, in any case of its letters.")
]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows at most.")]
AfterWorker = Annotated[
    str | None, Query(pattern=ADDRESS, description="The address that the page goes on after.")
]
AfterPayout = Annotated[
    str | None, Query(max_length=100, description="The payout that the page goes on after.")
]
OfWorker = Annotated[str | None, Query(pattern=ADDRESS, description="Only payouts of this worker.")]


def api_router(snapshots: Snapshots, ledger_revision: Callable[[], str | None]) -> APIRouter:
    """The routes of the API. ledger_revision is that of the schema that was read last."""
    router = APIRouter(prefix=PREFIX, default_response_class=Response)

    @router.get("/status", responses=described(said.STATUS))
    def status() -> Response:
        """The pool at a glance: money, solvency, payouts and streams."""
        pool = snapshots.current().pool
        return answer({name: pool[name] for name in said.STATUS["properties"]})

    @router.get("/workers", responses=described(said.WORKERS, 422))
    def workers(limit: Limit = 100, after: AfterWorker = None) -> Response:
        """Workers with their balances, by address."""
        pool = snapshots.current().pool
        rows = pool["workers"]
        start = 0 if after is None else sum(one["address"] <= _eip55(after) for one in rows)
        return answer(_page(pool, "workers", rows, start, limit, "address"))

    @router.get("/workers/{address}", responses=described(said.WORKER, 404, 422))
    def worker(address: Address) -> Response:
        """All that the pool publishes of one worker."""
        publication, found = snapshots.current(), _eip55(address)
        if found not in publication.workers:
            raise HTTPException(404, f"No worker of this pool has the address {found}.")
        return answer(publication.worker(found))

    @router.get("/payouts", responses=described(said.PAYOUTS, 404, 422))
    def payouts(limit: Limit = 100, after: AfterPayout = None, worker: OfWorker = None) -> Response:
        """Payouts with their transactions, the newest first."""
        document = snapshots.current().payouts
        rows = document["payouts"]
        if worker is not None:
            rows = [one for one in rows if one["worker"] == _eip55(worker)]
        start = 0
        if after is not None:
            places = (place for place, one in enumerate(rows, 1) if one["id"] == after)
            start = next(places, 0)
            if not start:
                raise HTTPException(404, "No payout of this list has the id that `after` states.")
        return answer(_page(document, "payouts", rows, start, limit, "id"))

    @router.get("/ranking", responses=described(said.RANKING, 422))
    def ranking(window: Literal["24h", "7d", "30d", "all"] = "30d") -> Response:
        """Every worker's performance on each pipeline and model over a window of time."""
        document = snapshots.current().ranking
        [found] = [one for one in document["windows"] if one["window"] == window]
        return answer({"export_timestamp": document["export_timestamp"], **found})

    @router.get("/quality", responses=described(said.QUALITY))
    def quality() -> Response:
        """What is held, what is nobody's, and which streams have gaps or are silent."""
        return answer(snapshots.current().quality)

    @router.get("/health", responses=described_health())
    def health() -> Response:
        """Whether the answers are fresh."""
        exported: str | None = None
        problem: str | None = None
        try:
            exported = snapshots.current().pool["export_timestamp"]
            problem = snapshots.problem
        except NotReady as error:
            problem = str(error)
        document = {
            "status": "ok" if problem is None else "failing",
            "problems": [] if problem is None else [problem],
            "export_timestamp": exported,
            "ledger_revision": ledger_revision(),
        }
        told = answer(document, 200 if problem is None else 503)
        told.headers["Cache-Control"] = "no-store"
        return told

    return router


def _eip55(address: str) -> str:
    # In lower case it has no checksum that could be wrong.
    return checksum_address(address.lower()) or address


def _page(
    document: Document, name: str, rows: Sequence[Any], start: int, limit: int, key: str
) -> Document:
    shown = rows[start : start + limit]
    more = start + limit < len(rows)
    return {
        "export_timestamp": document["export_timestamp"],
        "total": len(rows),
        name: shown,
        "next": shown[-1][key] if more else None,
    }
