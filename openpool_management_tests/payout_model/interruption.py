"""Something that happens at the n-th call of a process to its book or its chain."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openpool_management.services.ports.chain import ChainUnavailable


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Interruption:
    """What happens before or after a call; calls of all objects count together.

    left: calls until then; it never happens at 0.
    """

    left: int
    after: bool
    happen: Callable[[str], None]

    def around(self, inner: Any) -> Any:
        """An object like inner, whose calls count."""
        return _Counted(inner, self)


class _Counted:
    def __init__(self, inner: Any, interruption: Interruption) -> None:
        self._inner, self._interruption = inner, interruption

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            interruption = self._interruption
            interruption.left -= 1
            now = interruption.left == 0
            if now and not interruption.after:
                interruption.happen(name)
            result = found(*args, **named)
            if now and interruption.after:
                interruption.happen(name)
            return result

        return call


def crash(name: str) -> None:
    """The process dies."""
    raise Crash


def fail_to_read(name: str) -> None:
    """The node does not answer, unless it is a broadcast: that one never raises."""
    if name in _READS:
        raise ChainUnavailable("the model of a chain does not answer")


_READS = frozenset(
    {"chain_id", "latest", "finalized", "block", "nonce", "balance_wei", "code", "outlook",
     "priority_fee_wei", "receipts", "transaction", "sent_in_block"}
)  # fmt: skip
