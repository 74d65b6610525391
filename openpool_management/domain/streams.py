"""Streams and the object keys that carry them.

A stream is one node type in one region: everything a pool's orchestrators of that kind write.
Its objects have keys of the form ``{region}/{nodeType}/{region}-{nodeType}-{start}_{end}.json``,
start and end being UTC seconds as ``YYYYMMDDTHHMMSSZ``.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

NODE_TYPES = ("ai", "transcode")
KEY_TIME_FORMAT = "%Y%m%dT%H%M%SZ"

_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_TIMES = re.compile(r"(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)\.json")


@dataclass(frozen=True, order=True, slots=True)
class Stream:
    """One node type in one region. ``str(stream)`` is ``nodeType|region``, the partition key."""

    node_type: str
    region: str

    def __str__(self) -> str:
        return f"{self.node_type}|{self.region}"

    @classmethod
    def parse(cls, text: str) -> "Stream":
        """Read ``nodeType|region``.

        Raises ValueError if the node type is not one of NODE_TYPES or the region is empty.
        """
        node_type, _, region = text.partition("|")
        if node_type not in NODE_TYPES or not region or "/" in region:
            raise ValueError(
                f"Stream {text!r} is not of the form nodeType|region: "
                f"write for example ai|us-central; node types are {', '.join(NODE_TYPES)}."
            )
        return cls(node_type, region)

    @property
    def prefix(self) -> str:
        """What all keys of the stream begin with, such as ``us-central/ai/``."""
        return f"{self.region}/{self.node_type}/"

    def key_at(self, moment: datetime) -> str:
        """A key that sorts before all objects of the stream that start at or after moment (UTC)."""
        return f"{self.prefix}{self.region}-{self.node_type}-{moment.strftime(KEY_TIME_FORMAT)}"


@dataclass(frozen=True, slots=True)
class ObjectTimes:
    """First and last queued event of a flush, as its key states them (UTC, whole seconds)."""

    start: datetime
    end: datetime


def stream_of_key(key: str) -> Stream | None:
    """The stream whose prefix the key lies under, or None for a key that is no stream's."""
    parts = key.split("/")
    if len(parts) != 3 or not parts[0] or parts[1] not in NODE_TYPES:
        return None
    return Stream(node_type=parts[1], region=parts[0])


def times_of_key(stream: Stream, key: str) -> ObjectTimes | None:
    """The times a key states, or None when its name is not one the emitter gives."""
    head = f"{stream.prefix}{stream.region}-{stream.node_type}-"
    if not key.startswith(head):
        return None
    match = _TIMES.fullmatch(key[len(head) :])
    if match is None:
        return None
    try:
        start, end = (
            datetime.strptime(part, KEY_TIME_FORMAT).replace(tzinfo=UTC) for part in match.groups()
        )
    except ValueError:
        return None
    # A wrong clock can state any year; windows are opened around times, so some room is needed.
    if not all(_FIRST_YEAR <= moment.year <= _LAST_YEAR for moment in (start, end)):
        return None
    return ObjectTimes(start, end)
