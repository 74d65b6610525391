"""JSON Schemas of answers, made of those of the published documents."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

Schema = dict[str, Any]

ERROR: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["detail"],
    "properties": {"detail": {"type": "string", "description": "A sentence."}},
}


@cache
def document_schema(name: str) -> Schema:
    """The schema of a published document, such as ``pool``, without references."""
    path = files("openpool_management") / "schemas" / f"{name}.schema.json"
    schema: Schema = json.loads(path.read_text(encoding="utf-8"))
    inlined: Schema = _inlined(schema, schema.pop("$defs", {}))
    return {key: value for key, value in inlined.items() if not key.startswith("$")}


def without(schema: Schema, *names: str) -> Schema:
    """The schema of an object that lacks some of its fields."""
    fields = {key: value for key, value in schema["properties"].items() if key not in names}
    return schema | {"properties": fields, "required": list(fields)}


def closed(title: str, **fields: Schema) -> Schema:
    """The schema of an object with exactly these fields."""
    return {
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "required": list(fields),
        "properties": fields,
    }


def or_null(schema: Schema) -> Schema:
    """A schema that allows null too."""
    return {"anyOf": [schema, {"type": "null"}]}


def _inlined(part: Any, definitions: Schema) -> Any:
    if isinstance(part, list):
        return [_inlined(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].removeprefix("#/$defs/")
        return _inlined(definitions[name], definitions)
    return {key: _inlined(value, definitions) for key, value in part.items()}
