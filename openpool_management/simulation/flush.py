"""One object of the event log, and where such objects go."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Flush:
    """What one orchestrator uploads at once: the object's key and its JSON."""

    key: str
    body: bytes


class SinkError(Exception):
    """An object could not be written; the message says which, where and what to do."""


class Sink(Protocol):
    """Takes flushes in write order."""

    def write(self, flush: Flush) -> str:
        """Store one object and return the key it was stored under.

        Raises SinkError if it can't be stored.
        """
        ...
