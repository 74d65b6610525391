"""Schemathesis: whatever is asked, the answer is one that the OpenAPI document describes."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema

from openpool_management_tests.cli.conftest import CHECKOUT
from openpool_management_tests.server.conftest import Served

EXAMPLES = 25


PATHS = (
    *("/api/v1/health", "/api/v1/payouts", "/api/v1/quality", "/api/v1/ranking"),
    *("/api/v1/status", "/api/v1/workers", "/api/v1/workers/{address}"),
    *("/statements/{address}/{month}.csv", "/statements/{address}/{month}.json"),
)


@pytest.fixture(scope="session")
def api_schema(server: Served) -> BaseSchema:
    """The document that the server itself hands out."""
    return schemathesis.openapi.from_url(f"{server.client.base_url}api/v1/openapi.json")


BARE = {"/api/v1/health", "/api/v1/quality", "/api/v1/status"}
"""They take nothing that could be wrong."""


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        (path, mode)
        for path in PATHS
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or path not in BARE
    ],
)
def test_answers_are_as_described(api_schema: BaseSchema, path: str, mode: GenerationMode) -> None:
    operation = api_schema[path]["GET"]

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate()

    ask()


def test_answers_on_what_is_there_are_as_described(api_schema: BaseSchema, server: Served) -> None:
    workers = server.json("/api/v1/workers")["workers"]
    for address in (one["address"] for one in workers):
        found: dict[str, list[dict[str, str]]] = {
            "/api/v1/workers/{address}": [{"address": address}],
            "/statements/{address}/{month}.json": [],
            "/statements/{address}/{month}.csv": [],
        }
        for month in server.json(f"/api/v1/workers/{address}")["statements"]:
            for path in found.keys() - {"/api/v1/workers/{address}"}:
                found[path].append({"address": address, "month": month})
        for path, several in found.items():
            assert several
            for parameters in several:
                case = api_schema[path]["GET"].Case(path_parameters=parameters)
                assert case.call_and_validate().status_code == 200


def test_every_address_is_described(server: Served) -> None:
    document = server.json("/api/v1/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert sorted(document["paths"]) == list(PATHS)
    for path, operations in document["paths"].items():
        assert list(operations) == ["get"]
        answers = operations["get"]["responses"]
        limited = set() if path == "/api/v1/health" else {"429"}
        assert {"200", "503"} | limited <= answers.keys(), path
        for status in answers.keys() - {"304"}:
            [content] = answers[status]["content"].values()
            assert content["schema"].keys() & {"properties", "type"}, (path, status)


def test_the_document_lists_every_address(server: Served) -> None:
    text = (CHECKOUT / "docs" / "api.md").read_text(encoding="utf-8")
    described = server.json("/api/v1/openapi.json")["paths"]
    for path in described:
        if path.startswith("/api/"):
            assert f"| `{path}` |" in text
    assert "`/statements/{address}/{YYYY-MM}.json`, `.csv`" in text
