"""The bytes of an event, as Go's json.MarshalIndent writes them.

Jobs are most of a log and are put together from the pieces here; whatever is rare goes through
json.dumps. A test holds both to the same layout.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from openpool_management.domain.streams import Stream

EMPTY_FLUSH = b"null"

_DT_FROM = len('  {\n    "DT": "')
_DT_UNTIL = _DT_FROM + len("2026-01-01T00:00:00Z")


@lru_cache(maxsize=4096)
def timestamp(second: int) -> str:
    """RFC 3339 of a Unix second, such as ``2026-01-01T00:00:00Z``."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=4096)
def head(second: int, event_type: str) -> str:
    """The text of an event up to its ID."""
    return f'  {{\n    "DT": "{timestamp(second)}",\n    "EventType": "{event_type}",\n    "ID": "'


def payload_start(node_type: str) -> str:
    """The text from behind an event's ID to the first key of its payload."""
    return f'",\n    "NodeType": "{node_type}",\n    "Payload": {{\n      '


def tail(region: str) -> str:
    """The text from behind the last value of a payload to the event's end."""
    return f'\n    }},\n    "Region": {quoted(region)},\n    "Version": 1\n  }}'


def quoted(text: str) -> str:
    """A JSON string with Go's escapes."""
    return _as_go(json.dumps(text, ensure_ascii=False))


def event(second: int, event_type: str, event_id: str, stream: Stream, payload: object) -> str:
    """Any event at all, slower than from pieces."""
    fields = {
        "DT": timestamp(second),
        "EventType": event_type,
        "ID": event_id,
        "NodeType": stream.node_type,
        "Payload": payload,
        "Region": stream.region,
        "Version": 1,
    }
    text = _as_go(json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False))
    return "  " + text.replace("\n", "\n  ")


def body(events: Sequence[str]) -> bytes:
    """The object that holds these events; ``null`` if there are none, as Go writes a nil slice."""
    if not events:
        return EMPTY_FLUSH
    return "".join(("[\n", ",\n".join(events), "\n]")).encode()


def event_time(text: str) -> str:
    """The DT of an event's text."""
    return text[_DT_FROM:_DT_UNTIL]


def key_time(dt: str) -> str:
    """A DT in the form that keys use, ``YYYYMMDDTHHMMSSZ``."""
    return dt.replace("-", "").replace(":", "")


def _as_go(text: str) -> str:
    # Go escapes these three inside strings; JSON has them nowhere else.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
