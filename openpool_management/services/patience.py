"""How long to wait before a stream whose objects stay unread is tried again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from openpool_management.services.ports import ObjectRef

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=15)
_DIGEST_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last time a stream was tried: what waited (a digest), how often in a row, when (UTC)."""

    waiting: str
    tries: int
    at: datetime


def waiting_digest(refs: Sequence[ObjectRef]) -> str:
    """The same for the same objects."""
    text = "\n".join(f"{ref.key}\0{ref.etag}" for ref in refs)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]


def next_attempt(last: Attempt | None, refs: Sequence[ObjectRef], now: datetime) -> Attempt | None:
    """The attempt to make now on the first objects that wait, or None to wait longer.

    Whatever differs from the last time is tried at once. The same objects again mean that the
    attempt failed or could not fetch them: the wait doubles from FIRST_WAIT to LONGEST_WAIT.
    """
    waiting = waiting_digest(refs)
    if last is None or last.waiting != waiting or last.at > now:
        return Attempt(waiting, 1, now)
    doublings = min(last.tries - 1, 16)
    if now - last.at < min(FIRST_WAIT * 2**doublings, LONGEST_WAIT):
        return None
    return Attempt(waiting, last.tries + 1, now)
