"""Why an object or an event is held, and what a held one is."""

from dataclasses import dataclass
from enum import StrEnum


class HoldReason(StrEnum):
    """Why something that was read is not believed. The value is what commands and pages show."""

    INVALID_JSON = "invalid-json"
    BAD_KEY = "bad-key"
    MISSING_FIELD = "missing-field"
    MISTYPED_FIELD = "mistyped-field"
    NEGATIVE_NUMBER = "negative-number"
    NUMBER_TOO_LONG = "number-too-long"
    TEXT_TOO_LONG = "text-too-long"
    FEE_MISMATCH = "fee-mismatch"
    BAD_ADDRESS = "bad-address"
    KEY_CONTRADICTION = "key-contradiction"
    FUTURE_VERSION = "future-version"
    BAD_TIME = "bad-time"
    TIME_AHEAD = "time-ahead"
    ID_CONFLICT = "id-conflict"


WAIVABLE = frozenset(
    {
        HoldReason.FEE_MISMATCH,
        HoldReason.KEY_CONTRADICTION,
        HoldReason.FUTURE_VERSION,
        HoldReason.TIME_AHEAD,
    }
)
"""Reasons an operator may set aside: the event can be understood, it only can't be believed."""

WHOLE_OBJECT = -1
"""The event index of a hold that covers an object rather than one of its events."""


@dataclass(frozen=True, slots=True)
class HeldItem:
    """One event, or one whole object, that waits for an operator.

    object_no is the object's place in the batch; event_index its place in the object's array, or
    WHOLE_OBJECT. raw is the event's own JSON text (None for a whole object).
    """

    object_no: int
    event_index: int
    reason: HoldReason
    detail: str
    event_id: str | None = None
    event_type: str | None = None
    raw: str | None = None
