"""What every answer bears, ETags, methods, and limits for each client."""

import asyncio

import httpx
import pytest
from fastapi import APIRouter, Response

from openpool_management.adapters.sql.prepare import NO_LEDGER, LedgerNotReady
from openpool_management.server.etags import etag_of, named
from openpool_management.server.headers import SECURITY_HEADERS
from openpool_management.server.rate_limit import MOST_TIMES, RateLimit
from openpool_management.server.rate_limit import client_of as limited_by
from openpool_management.services.exports.publication import Publication
from openpool_management_tests.server.apps import client_of
from openpool_management_tests.server.conftest import Served

STATUS = "/api/v1/status"


def in_process(client: httpx.AsyncClient, *paths: str) -> list[httpx.Response]:
    """The answers to some requests, one after the other."""

    async def ask() -> list[httpx.Response]:
        async with client:
            return [await client.get(path) for path in paths]

    return asyncio.run(ask())


def has_security_headers(answer: httpx.Response) -> bool:
    """Whether all are there, and the server does not name itself."""
    found = {name: answer.headers.get(name) for name in SECURITY_HEADERS}
    return found == SECURITY_HEADERS and "Server" not in answer.headers


def test_the_policy_runs_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = dict(
        part.split(" ", 1) for part in SECURITY_HEADERS["Content-Security-Policy"].split("; ")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", STATUS, 200),
        ("GET", "/api/v1/health", 200),
        ("GET", "/api/v1/openapi.json", 200),
        ("GET", "/metrics", 200),
        ("GET", "/", 200),
        ("GET", "/pages/pages.css", 200),
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/workers/x", 422),
        ("GET", "/api/v1/ranking?window=x", 422),
        ("POST", STATUS, 405),
        ("OPTIONS", STATUS, 405),
        ("TRACE", "/nothing", 405),
    ],
)
def test_every_answer_has_the_headers(server: Served, method: str, path: str, status: int) -> None:
    answer = server.client.request(method, path)
    assert answer.status_code == status
    assert has_security_headers(answer)
    if status == 405:
        assert answer.headers["Allow"] == "GET, HEAD"
    if status >= 400:
        assert answer.headers["Cache-Control"] == "no-store"
        assert list(answer.json()) == ["detail"]


def test_defects_and_unreadable_pages_have_them_too(caplog: pytest.LogCaptureFixture) -> None:
    router = APIRouter()

    @router.get("/defect")
    def defect() -> Response:
        raise RuntimeError("secret of 192.0.2.7:8935")

    @router.get("/unreadable")
    def unreadable() -> Response:
        raise ConnectionRefusedError(111, "Connection refused", "/place/of/ledger")

    for path, status in (("/defect", 500), ("/unreadable", 503)):
        [answer] = in_process(client_of(router=router), path)
        assert answer.status_code == status and has_security_headers(answer)
        assert "the log of the server" in answer.json()["detail"]
        assert "secret" not in answer.text and "/place" not in answer.text
    # What is not a defect is a line of the log.
    [told] = [one for one in caplog.records if one.name.startswith("openpool_management")]
    assert "/place/of/ledger" in told.getMessage() and told.exc_info is None


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/nothing", 404, "There is nothing at this address."),
        ("/workers/0x1", 404, "There is nothing at this address."),
        ("/workers/0x1/entries/1", 404, "There is nothing at this address."),
        ("/workers/0x1/entries/x", 422, "entry: "),
        ("/workers/0x1/lines?before=1", 404, "There is nothing at this address."),
        ("/workers/0x1/lines", 422, "before: "),
        ("/workers?page=99", 404, "There is nothing at this address."),
        ("/payouts?page=0", 422, "page: "),
        ("/ranking?window=8d", 404, "There is nothing at this address."),
        ("/pages/pages.py", 404, "There is nothing at this address."),
    ],
)
def test_people_are_told_on_a_page(server: Served, path: str, status: int, sentence: str) -> None:
    answer = server.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == status and has_security_headers(answer)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Vary"] == "Accept"
    assert "<h1>" in answer.text and sentence in answer.text
    assert list(server.get(path).json()) == ["detail"]


def test_lines_before_an_entry_are_those_of_the_workers_page(server: Served) -> None:
    worker = server.json("/api/v1/workers")["workers"][0]["address"]
    tables = [
        server.get(path).text.partition('<table id="lines">')[2].partition("</table>")[0]
        for path in (f"/workers/{worker}", f"/workers/{worker}/lines?before={2**63 - 1}")
    ]
    assert tables[0] == tables[1].replace(f"/workers/{worker}#", "#") != ""
    assert server.get(f"/workers/{worker}/lines?before=1").status_code == 404


def test_programs_are_told_in_json_whatever_they_accept(server: Served) -> None:
    for path in ("/api/v1/workers/x", "/api/v1/nothing", "/statements/x/y.csv"):
        answer = server.get(path, headers={"Accept": "text/html"})
        assert answer.status_code in (404, 422) and list(answer.json()) == ["detail"]


def test_without_a_ledger_each_path_says_so() -> None:
    def make() -> Publication:
        raise LedgerNotReady(NO_LEDGER)

    paths = (STATUS, "/api/v1/workers", "/statements/x/y.csv")
    for answer in in_process(client_of(make), *paths):
        assert answer.status_code == 503 and has_security_headers(answer)
        assert answer.json() == {"detail": NO_LEDGER}
        assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize("path", [STATUS, "/nothing", "/api/v1/health", "/api/v1/openapi.json"])
def test_head_is_get_without_its_body(server: Served, path: str) -> None:
    get, head = server.get(path), server.client.head(path)
    assert head.content == b"" and get.content
    assert head.status_code == get.status_code
    for headers in (get.headers, head.headers):
        del headers["Date"]
    assert head.headers == get.headers


def test_an_answer_is_not_sent_twice(server: Served) -> None:
    first = server.get(STATUS)
    etag = first.headers["ETag"]
    assert etag == etag_of(first.content) and first.headers["Cache-Control"] == "no-cache"
    for asked in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = server.get(STATUS, headers={"If-None-Match": asked})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag and answer.headers["Cache-Control"] == "no-cache"
        assert "Content-Type" not in answer.headers and has_security_headers(answer)
    for asked in ('"other"', etag.strip('"'), "", f'"{etag}'):
        answer = server.get(STATUS, headers={"If-None-Match": asked})
        assert answer.content == first.content
    two = [("If-None-Match", '"other"'), ("If-None-Match", etag)]
    assert server.get(STATUS, headers=two).status_code == 304
    # An error is never said to be what it was.
    assert server.get("/nothing", headers={"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "is_named"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b","a"', True),
        (" * ", True),
        ('"a,b"', False),
        ('"b, "', False),
        ("a", False),
        ('"A"', False),
        ("", False),
    ],
)
def test_what_if_none_match_names(asked: str, is_named: bool) -> None:
    assert named('"a"', asked) is is_named


def test_a_large_answer_in_parts_is_whole() -> None:
    router = APIRouter()

    @router.get("/parts")
    async def parts() -> Response:
        class Parts(Response):
            async def __call__(self, scope, receive, send):  # type: ignore[no-untyped-def]
                await send({"type": "http.response.start", "status": 200, "headers": []})
                for more in (True, True, False):
                    body = b"x" * 100_000
                    await send({"type": "http.response.body", "body": body, "more_body": more})

        return Parts()

    [answer] = in_process(client_of(router=router), "/parts")
    assert answer.content == b"x" * 300_000 and answer.headers["ETag"] == etag_of(answer.content)


def test_a_client_that_asks_too_often_waits() -> None:
    moment = [0.0]
    limit = RateLimit(3, lambda: moment[0])
    for at in (0.0, 10.0, 20.0):
        moment[0] = at
        assert limit.wait_seconds("a") == 0
    assert limit.wait_seconds("a") == 40
    assert limit.wait_seconds("b") == 0
    moment[0] = 59.5
    assert limit.wait_seconds("a") == 1
    moment[0] = 60.0
    assert limit.wait_seconds("a") == 0
    # The window moves: what was asked at 10 counts until 70.
    assert limit.wait_seconds("a") == 10


def test_no_window_has_more_than_the_limit() -> None:
    moment = [0.0]
    limit = RateLimit(5, lambda: moment[0])
    let_in = []
    for step in range(1_000):
        moment[0] = step * 0.7
        if limit.wait_seconds("a") == 0:
            let_in.append(moment[0])
    for first in let_in:
        assert sum(first <= one < first + 60 for one in let_in) <= 5
    assert len(let_in) == 5 * (1 + int(999 * 0.7 // 60))


def test_clients_are_forgotten_before_they_fill_the_memory() -> None:
    limit = RateLimit(MOST_TIMES // 2, lambda: 0.0)
    for client in ("a", "b", "a", "c"):
        limit.wait_seconds(client)
    assert list(limit._asked) == ["a", "c"]


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
        (None, ""),
    ],
)
def test_whom_a_limit_is_for(host: str | None, client: str) -> None:
    assert limited_by({"type": "http", "client": (host, 1) if host else None}) == client


def test_too_many_requests_are_refused_but_health_and_metrics_are_not() -> None:
    asked = [STATUS, "/nothing", STATUS, "/api/v1/health", "/metrics"]
    answers = in_process(client_of(requests_per_minute=2, clock=lambda: 5.0), *asked)
    assert [one.status_code for one in answers] == [200, 404, 429, 200, 200]
    refused = answers[2]
    assert refused.headers["Retry-After"] == "60" and has_security_headers(refused)
    assert "Retry-After" in refused.json()["detail"]
