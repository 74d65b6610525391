"""Monthly statements as files, byte for byte as they are published."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response

from openpool_management.domain.addresses import checksum_address
from openpool_management.server.api import ADDRESS
from openpool_management.server.described import STATEMENT, described, described_csv
from openpool_management.server.snapshots import Snapshots
from openpool_management.services.exports.documents import CSV_TYPE, JSON_TYPE, json_document
from openpool_management.services.exports.statements import statement_csv
from openpool_management.services.exports.values import Document

# These patterns describe, and don't check: what is no address has no statement.
Address = Annotated[str, Path(json_schema_extra={"pattern": ADDRESS})]
Name = Annotated[str, Path(json_schema_extra={"pattern": "^[0-9]{4}-[0-9]{2}$"})]


def download_router(snapshots: Snapshots) -> APIRouter:
    """The routes of statements, ``/statements/{address}/{YYYY-MM}`` with json or csv."""
    router = APIRouter(prefix="/statements", default_response_class=Response)

    @router.get("/{address}/{month}.json", responses=described(STATEMENT, 404))
    def statement_as_json(address: Address, month: Name) -> Response:
        """A worker's statement of a month by UTC, such as 2026-01."""
        statement = _statement(snapshots, address, month)
        return _file(json_document("", statement).content, JSON_TYPE, statement, "json")

    @router.get("/{address}/{month}.csv", responses=described_csv(404))
    def statement_as_csv(address: Address, month: Name) -> Response:
        """The same statement as a table."""
        statement = _statement(snapshots, address, month)
        return _file(statement_csv(statement).encode(), CSV_TYPE, statement, "csv")

    return router


def _statement(snapshots: Snapshots, address: str, month: str) -> Document:
    publication = snapshots.current()
    found = checksum_address(address.lower())
    for one in publication.months(found) if found in publication.workers else ():
        if found is not None and one.name == month:
            return publication.statement(found, one)
    raise HTTPException(404, "This pool has no statement of that worker and month.")


def _file(content: bytes, kind: str, statement: Document, ending: str) -> Response:
    name = f"{statement['worker']}-{statement['month']}.{ending}"
    return Response(
        content,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": kind},
    )
