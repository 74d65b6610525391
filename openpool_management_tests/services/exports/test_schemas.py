"""Schemas are strict, and the document describes every field that they have."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

SCHEMAS = sorted(
    path.name
    for path in (files("openpool_management") / "schemas").iterdir()
    if path.name.endswith(".schema.json")
)
DOCUMENT = Path(__file__).parents[3] / "docs" / "exports.md"


def schema_of(name: str) -> dict[str, Any]:
    """A schema that ships in the package."""
    text = (files("openpool_management") / "schemas" / name).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that describes an object."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_lets_nothing_else_in(name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    found = list(objects(schema))
    assert found and all("additionalProperties" in one for one in found)
    for one in found:
        if "properties" in one:
            assert one["additionalProperties"] is False
            assert one["required"] == list(one["properties"])


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_described(name: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    text = text.partition("## The journal")[0]
    described = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]+)`", text))))
    for start, end in re.findall(r"`\{([a-z,]+)\}(_[a-z_]+)`", text):
        described |= {f"{part}{end}" for part in start.split(",")}
    fields = {field for one in objects(schema_of(name)) for field in one.get("properties", ())}
    twins = {field for field in fields if field.removesuffix("_wei") in fields - {field}}
    # What solvency states is described where the command is.
    if name == "pool.schema.json":
        fields -= set(schema_of(name)["properties"]["money"]["properties"])
        fields -= set(schema_of(name)["properties"]["solvency"]["properties"])
    assert sorted(fields - twins - described) == []
