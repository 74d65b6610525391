"""What the OpenAPI document says of each answer."""

from typing import Any

from openpool_management.server.schemas import (
    ERROR,
    Schema,
    closed,
    document_schema,
    or_null,
    without,
)
from openpool_management.services.exports.documents import CSV_TYPE, JSON_TYPE

Responses = dict[int | str, dict[str, Any]]

_POOL = document_schema("pool")
_PAYOUTS = document_schema("payouts")
_RANKING = document_schema("ranking")["properties"]["windows"]["items"]
_TIME: Schema = _POOL["properties"]["export_timestamp"]
_COUNT: Schema = {"type": "integer", "minimum": 0}

STATUS = without(_POOL, "workers", "days") | {"title": "The pool without its workers and days"}
WORKERS = closed(
    "A page of workers, by address",
    export_timestamp=_TIME,
    total=_COUNT,
    workers=_POOL["properties"]["workers"],
    next=or_null(document_schema("worker")["properties"]["address"]),
)
WORKER = document_schema("worker")
PAYOUTS = closed(
    "A page of payouts, the newest first",
    export_timestamp=_TIME,
    total=_COUNT,
    payouts=_PAYOUTS["properties"]["payouts"],
    next=or_null({"type": "string"}),
)
RANKING = closed(
    "Workers by how well they did in a window of time",
    export_timestamp=_TIME,
    **_RANKING["properties"],
)
QUALITY = document_schema("quality")
STATEMENT = document_schema("statement")
HEALTH = closed(
    "Whether the answers are fresh",
    status={"enum": ["ok", "failing"]},
    problems={"type": "array", "items": {"type": "string"}},
    export_timestamp=or_null(_TIME),
    ledger_revision=or_null({"type": "string"}),
)

_ERRORS = {
    404: "There is no such thing.",
    422: "A parameter is not as it must be.",
    429: "Too many requests; Retry-After has the seconds to wait.",
    503: "The ledger was not read yet.",
}


def described(schema: Schema, *more: int) -> Responses:
    """The responses of an operation that answers JSON, with those errors that it may answer."""
    responses: Responses = {
        200: {
            "description": schema.get("title", "The document."),
            "content": {JSON_TYPE: {"schema": schema}},
            "headers": {"ETag": {"schema": {"type": "string"}}},
        }
    }
    return responses | _unchanged_and_errors(more)


def described_csv(*more: int) -> Responses:
    """The responses of an operation that answers CSV."""
    content = {CSV_TYPE.partition(";")[0]: {"schema": {"type": "string"}}}
    return {
        200: {"description": "The statement as a table.", "content": content}
    } | _unchanged_and_errors(more)


def described_health() -> Responses:
    """The responses of the health check, which is neither limited nor kept."""
    content = {JSON_TYPE: {"schema": HEALTH}}
    return {
        200: {"description": "The answers are fresh.", "content": content},
        503: {"description": "They are not; problems says why.", "content": content},
    }


def _unchanged_and_errors(more: tuple[int, ...]) -> Responses:
    errors: Responses = {
        status: {
            "description": _ERRORS[status],
            "content": {JSON_TYPE: {"schema": ERROR}},
        }
        for status in sorted({*more, 429, 503})
    }
    return {304: {"description": "It is as If-None-Match says."}} | errors
