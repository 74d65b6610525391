"""The API on a real pool: what documents state, page by page, and errors as sentences."""

import json
import re
from math import ceil
from typing import Any
from urllib.parse import quote

import pytest

from openpool_management_tests.server.conftest import Served

_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
Published = dict[str, bytes]


def untimed(document: Any) -> Any:
    """A document without the time of its making."""
    if isinstance(document, bytes):
        document = json.loads(document)
    return {key: value for key, value in document.items() if key != "export_timestamp"}


def test_answers_state_what_is_published(server: Served, published: Published) -> None:
    pool = untimed(published["pool.json"])
    status = untimed(server.json("/api/v1/status"))
    assert status == {key: pool[key] for key in pool.keys() - {"workers", "days"}}
    assert untimed(server.json("/api/v1/workers")) == {
        "total": len(pool["workers"]),
        "workers": pool["workers"],
        "next": None,
    }
    payouts = untimed(published["payouts.json"])["payouts"]
    assert untimed(server.json("/api/v1/payouts")) == {
        "total": len(payouts),
        "payouts": payouts,
        "next": None,
    }
    assert untimed(server.json("/api/v1/quality")) == untimed(published["quality.json"])
    windows = untimed(published["ranking.json"])["windows"]
    for one in windows:
        found = untimed(server.json("/api/v1/ranking", params={"window": one["window"]}))
        # A window of hours goes on between the two readings.
        names = [(row["worker"], row["jobs"], row["fees_wei"]) for row in one["rows"]]
        assert [(row["worker"], row["jobs"], row["fees_wei"]) for row in found["rows"]] == names
    assert server.json("/api/v1/ranking")["window"] == "30d"
    moments = {
        server.json(f"/api/v1/{name}")["export_timestamp"]
        for name in ("status", "workers", "payouts", "quality", "ranking", "health")
    }
    assert len(moments) == 1


def test_workers_and_statements_are_the_published_ones(
    server: Served, published: Published
) -> None:
    keys = [key for key in published if key.startswith("workers/")]
    assert len(keys) == 12
    for key in keys:
        address = key.removeprefix("workers/").removesuffix(".json")
        for written in (address, address.lower(), "0x" + address[2:].upper()):
            answer = server.get(f"/api/v1/workers/{written}")
            assert untimed(answer.content) == untimed(published[key])
        assert b'\n "address": ' in answer.content
    statements = [key for key in published if key.startswith("statements/")]
    assert {key.rpartition(".")[2] for key in statements} == {"json", "csv"}
    for key in statements:
        answer = server.get(f"/{key}")
        _, address, name = key.split("/")
        attachment = f'attachment; filename="{address}-{name}"'
        assert answer.headers["Content-Disposition"] == attachment
        if key.endswith(".csv"):
            assert answer.content == published[key]
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        else:
            assert untimed(answer.content) == untimed(published[key])


@pytest.mark.parametrize(("name", "key"), [("workers", "address"), ("payouts", "id")])
@pytest.mark.parametrize("limit", [1, 5, 6, 500])
def test_pages_have_every_row_once(server: Served, name: str, key: str, limit: int) -> None:
    whole = server.json(f"/api/v1/{name}")
    rows: list[Any] = []
    after: dict[str, str] = {}
    for _ in range(ceil(whole["total"] / limit)):
        page = server.json(f"/api/v1/{name}", params={"limit": limit, **after})
        assert page["total"] == whole["total"]
        rows += page[name]
        assert page["next"] == (None if rows == whole[name] else rows[-1][key])
        after = {"after": page["next"]}
    assert rows == whole[name]


def test_payouts_of_one_worker(server: Served) -> None:
    payouts = server.json("/api/v1/payouts")["payouts"]
    worker = payouts[0]["worker"]
    own = [one for one in payouts if one["worker"] == worker]
    assert 1 < len(own) < len(payouts)
    page = server.json("/api/v1/payouts", params={"worker": worker.lower(), "limit": 1})
    assert (page["total"], page["payouts"]) == (len(own), own[:1])
    rest = {"worker": worker, "after": page["next"]}
    assert server.json("/api/v1/payouts", params=rest)["payouts"] == own[1:]
    nobody = server.json("/api/v1/payouts", params={"worker": "0x" + "1" * 40})
    assert (nobody["total"], nobody["payouts"], nobody["next"]) == (0, [], None)


UNKNOWN = "0x" + "1" * 40


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/api/v1/workers/0x12", 422, "address: String should match pattern"),
        (f"/api/v1/workers/{UNKNOWN[:-1]}g", 422, "address: String should match pattern"),
        (f"/api/v1/workers/{UNKNOWN}", 404, f"No worker of this pool has the address {UNKNOWN}."),
        ("/api/v1/workers?after=x", 422, "after: String should match pattern"),
        ("/api/v1/workers?limit=0", 422, "limit: Input should be greater than or equal to 1."),
        ("/api/v1/workers?limit=501", 422, "limit: Input should be less than or equal to 500."),
        ("/api/v1/payouts?after=x", 404, "No payout of this list has the id"),
        ("/api/v1/payouts?worker=x", 422, "worker: String should match pattern"),
        ("/api/v1/ranking?window=1h", 422, "window: Input should be '24h', '7d', '30d' or 'all'."),
        (f"/statements/{UNKNOWN}/2026-11.json", 404, "This pool has no statement of that worker"),
        ("/statements/x/2026-11.csv", 404, "This pool has no statement of that worker"),
        ("/api/v1/nothing", 404, "There is nothing at this address."),
        ("/api/v1/status/", 404, "There is nothing at this address."),
        ("/docs", 404, "There is nothing at this address."),
    ],
)
def test_errors_are_sentences(server: Served, path: str, status: int, sentence: str) -> None:
    answer = server.get(path)
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"] and answer.json()["detail"].startswith(sentence)


def test_what_was_sent_is_not_sent_back(server: Served) -> None:
    sent = "<script>alert(1)</script>"
    for path in (f"/api/v1/workers/{quote(sent, safe='')}", f"/api/v1/payouts?after={quote(sent)}"):
        answer = server.get(path)
        assert answer.status_code in (404, 422) and "script" not in answer.text


def test_an_unknown_month_of_a_known_worker(server: Served, published: Published) -> None:
    address = server.json("/api/v1/workers")["workers"][0]["address"]
    for month in ("2001-01", "2026-11.json", "x"):
        assert server.get(f"/statements/{address}/{month}.csv").status_code == 404


def test_health_is_ok(server: Served) -> None:
    answer = server.get("/api/v1/health")
    assert answer.headers["Cache-Control"] == "no-store" and "ETag" not in answer.headers
    health = answer.json()
    assert health.pop("export_timestamp")
    assert health == {"status": "ok", "problems": [], "ledger_revision": "0003"}


def test_no_answer_has_an_address_of_the_network(server: Served) -> None:
    paths = ["status", "workers", "payouts", "quality", "health", "openapi.json"]
    paths += [f"ranking?window={one}" for one in ("24h", "7d", "30d", "all")]
    workers = [one["address"] for one in server.json("/api/v1/workers")["workers"]]
    paths += [f"workers/{address}" for address in workers]
    urls = [f"/api/v1/{path}" for path in paths] + ["/metrics"]
    urls += ["/", "/workers", "/ranking", "/payouts", "/quality"]
    urls += [f"/workers/{address}" for address in workers]
    for address in workers:
        for month in server.json(f"/api/v1/workers/{address}")["statements"]:
            urls += [f"/statements/{address}/{month}.{kind}" for kind in ("json", "csv")]
    for url in urls:
        answer = server.get(url)
        assert answer.status_code == 200 and _IP.findall(answer.text) == [], url
