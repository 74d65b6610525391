"""What an operator decides on: held items, jobs that are nobody's, the commission."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from openpool_management.domain.batch import (
    Decision,
    ReadObject,
)
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.holds import HoldReason
from openpool_management.domain.streams import Stream


@dataclass(frozen=True, slots=True)
class HeldDecision:
    """What was decided on a held item: ``release`` or ``dismiss``, why, and when (UTC)."""

    decision: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A held item as it stands; decision None while it is open.

    event_index is the place in the object's array, -1 where the item is a whole object, which has
    no raw JSON. read_at is when the object was read.
    """

    id: str
    stream: Stream
    reason: HoldReason
    detail: str
    object_key: str
    object_version: str
    event_index: int
    event_id: str | None
    event_type: str | None
    raw: str | None
    read_at: datetime
    decision: HeldDecision | None


class Holds(Protocol):
    """Held items and what was decided on them. Every method is one transaction."""

    def items(self, *, decided: bool) -> list[HeldRow]:
        """Open items, and with decided the others too, in the order they were held."""
        ...

    def item(self, held_id: str) -> HeldRow | None:
        """One item, None when there is none with this id."""
        ...

    def read_object(self, held_id: str) -> ReadObject:
        """The object an item was read from."""
        ...

    def dismiss(self, decision: Decision) -> bool:
        """Record that an item is never posted. False when it was decided on before."""
        ...


@dataclass(frozen=True, slots=True)
class UnattributedRow:
    """A job that is or was nobody's; fees in wei, its audit address, when its object was read.

    held: its worker declared no address; otherwise no worker is known.
    """

    stream: Stream
    event_id: str
    dt: datetime
    request_id: str
    pipeline: str
    model: str
    compute_units: int
    fees_wei: int
    held: bool
    object_key: str
    object_version: str
    object_index: int
    read_at: datetime

    def age(self, now: datetime) -> timedelta:
        """Time since the job was done."""
        return now - self.dt


class UnattributedJobs(Protocol):
    """Jobs whose fee stands, or stood, on an account of nobody. Reads only."""

    def open_jobs(self) -> list[UnattributedRow]:
        """Jobs that are nobody's as the ledger stands, oldest first."""
        ...

    def with_id(self, event_id: bytes) -> list[UnattributedRow]:
        """Jobs with this ID that were nobody's once, whoever has them; at most one a stream."""
        ...

    def streams(self) -> list[Stream]:
        """The streams in the ledger, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class RateRow:
    """A commission rate with when and why it was set. worker ``""`` is the default."""

    rate: CommissionRate
    set_at: datetime
    reason: str


class CommissionHistory(Protocol):
    """The commission's history. Every method is one transaction."""

    def rates(self) -> list[RateRow]:
        """All rates, in the order they were set."""
        ...

    def append(self, choose: Callable[[list[RateRow], datetime | None], RateRow]) -> RateRow:
        """Add the rate that choose makes of the history and the newest DT in the ledger.

        No batch is committed meanwhile; what choose raises leaves the history as it is.
        """
        ...
