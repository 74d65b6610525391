"""Errors as answers: a sentence, whatever went wrong, as JSON or, for browsers, as a page."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from openpool_management.adapters.sql.errors import DatabaseFailure
from openpool_management.cli.failures import explain_failure
from openpool_management.pages.links import ServerLinks
from openpool_management.pages.site import message_page
from openpool_management.server.answers import refusal
from openpool_management.server.headers import SECURITY_HEADERS
from openpool_management.server.snapshots import RETRY_SECONDS, UNREADABLE, NotReady
from openpool_management.server.turns import Busy

_log = logging.getLogger(__name__)

FOR_PROGRAMS = ("/api/", "/metrics", "/statements/")
NOTHING_HERE = "There is nothing at this address."
DEFECT = "This answer could not be made: the log of the server has the defect."


def answer_failures(app: FastAPI) -> None:
    """Let an application answer every error with a sentence."""
    app.add_exception_handler(NotReady, _later)
    app.add_exception_handler(Busy, _later)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    for unreadable in (OSError, DatabaseFailure):
        app.add_exception_handler(unreadable, _unreadable)
    app.add_exception_handler(Exception, _failed)


def _later(request: Request, error: Exception) -> Response:
    return _told(request, 503, str(error), {"Retry-After": str(RETRY_SECONDS)})


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows the type only
    # What was sent is not sent back.
    told = [f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()]
    return _told(request, 422, f"{'; '.join(told)}.")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type only
    plain = error.detail == HTTPStatus(error.status_code).phrase
    sentence = NOTHING_HERE if error.status_code == 404 and plain else error.detail
    return _told(request, error.status_code, sentence, error.headers)


def _unreadable(request: Request, error: Exception) -> Response:
    failure = explain_failure(error)
    if failure is None:
        raise error
    # A line, not a traceback: it comes with every request until the ledger and lake are back.
    _log.warning("A page can't be made: %s", failure[1])
    return _told(request, 503, UNREADABLE)


def _failed(request: Request, error: Exception) -> Response:
    # This one is sent around all middleware, so it brings the headers itself.
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store"}
    return _told(request, 500, DEFECT, headers)


def _told(
    request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    # In whatever cache it lies: the same address is answered in two ways.
    headers = {**(headers or {}), "Vary": "Accept"}
    for_people = "text/html" in request.headers.get("accept", "")
    if for_people and not request.url.path.startswith(FOR_PROGRAMS):
        html = message_page(ServerLinks(), HTTPStatus(status).phrase, sentence)
        return HTMLResponse(html, status, headers)
    return refusal(status, sentence, headers)
