"""Costly work, a little of it at once: the others wait, and too many are told to come again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

T = TypeVar("T")


class Busy(Exception):
    """Too many wait already. The message is a sentence that anyone may read."""


@dataclass
class Turns:
    """Work on threads of its own, so that the rest is answered meanwhile.

    at_once is how much is done at a time, waiting how much may wait for it. Used by one thread,
    that of the event loop.
    """

    at_once: int
    waiting: int
    _limiter: CapacityLimiter = field(init=False, repr=False)
    _asked: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._limiter = CapacityLimiter(self.at_once)

    async def take(self, work: Callable[[], T]) -> T:
        """What the work returns, or raises. Raises Busy before it begins, while too many wait."""
        if self._asked >= self.at_once + self.waiting:
            raise Busy("Too much is asked for at this moment: ask again in a few seconds.")
        self._asked += 1
        try:
            return await run_sync(work, limiter=self._limiter)
        finally:
            self._asked -= 1
