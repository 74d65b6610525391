"""What services return, as JSON: wei as decimal text, times in UTC, streams by their names."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from openpool_management.domain.streams import Stream


def as_document(value: Any) -> Any:
    """A service's result as JSON values. Raises TypeError for what no service returns."""
    match value:
        case Stream():
            return str(value)
        case Enum():
            return value.value
        case datetime():
            return time_text(value)
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case None | bool() | int() | str():
            return value
        case dict():
            return {str(name): _field(str(name), item) for name, item in value.items()}
        case Sequence():
            return [as_document(item) for item in value]
    if is_dataclass(value):
        return {it.name: _field(it.name, getattr(value, it.name)) for it in fields(value)}
    raise TypeError(f"A {type(value).__name__} has no form in JSON: give it one in documents.py.")


def time_text(moment: datetime) -> str:
    """A time as RFC 3339 in UTC, such as ``2026-01-01T00:00:00Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _field(name: str, value: Any) -> Any:
    is_wei = name.endswith("_wei") and isinstance(value, int)
    return str(value) if is_wei else as_document(value)
