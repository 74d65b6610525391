"""Payloads as columns, by one list comprehension a field, the quickest way out of a struct."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from openpool_management.domain.money import MAX_DIGITS
from openpool_management.domain.wire import (
    AiProcessedPayload,
    ConnectionPayload,
    ReceivedPayload,
    TicketPayload,
    TranscodeProcessedPayload,
)

STRING_COLUMNS = ("worker", "connection", "request_id", "pipeline", "model", "payload")
INTEGER_COLUMNS = (
    "compute_units",
    "price_wei",
    "fees_wei",
    "response",
    "duration",
    "lowest_number",
)
"""response is in the unit of its node type; lowest_number is the least of a ticket's, or 0."""

TOO_LONG = -(10**MAX_DIGITS) + 1
"""What stands for a number of more than MAX_DIGITS digits, which is held."""


def payload_columns(payloads: Sequence[Any]) -> dict[str, pl.Series]:
    """The columns of payloads of one type; a type without meaning here has none."""
    columns = _COLUMNS.get(type(payloads[0]))
    return columns(payloads) if columns else {}


def strings(values: list[str]) -> pl.Series:
    """A String series."""
    return pl.Series(values, dtype=pl.String)


def integers(values: list[int]) -> pl.Series:
    """An exact integer series: Int64, or Int128 with TOO_LONG for what has too many digits."""
    try:
        return pl.Series(values, dtype=pl.Int64)
    except (TypeError, OverflowError):
        limit = 10**MAX_DIGITS
        return pl.Series(
            [value if -limit < value < limit else TOO_LONG for value in values], dtype=pl.Int128
        )


def _connection(payloads: Sequence[ConnectionPayload]) -> dict[str, pl.Series]:
    return {
        "worker": strings([one.ethAddress for one in payloads]),
        "connection": strings([one.connection for one in payloads]),
    }


def _received(payloads: Sequence[ReceivedPayload]) -> dict[str, pl.Series]:
    return {
        "worker": strings([one.ethAddress for one in payloads]),
        "request_id": strings([one.requestID for one in payloads]),
        "pipeline": strings([one.pipeline for one in payloads]),
        "model": strings([one.modelID for one in payloads]),
    }


def _ai_processed(payloads: Sequence[AiProcessedPayload]) -> dict[str, pl.Series]:
    return {
        "request_id": strings([one.requestID for one in payloads]),
        "pipeline": strings([one.pipeline for one in payloads]),
        "model": strings([one.modelID for one in payloads]),
        "response": integers([one.responseTime for one in payloads]),
        "compute_units": integers([one.computeUnits for one in payloads]),
        "price_wei": integers([one.pricePerComputeUnit for one in payloads]),
        "fees_wei": integers([one.fees for one in payloads]),
    }


def _transcode_processed(payloads: Sequence[TranscodeProcessedPayload]) -> dict[str, pl.Series]:
    return {
        "worker": strings([one.ethAddress for one in payloads]),
        "response": integers([one.responseTime for one in payloads]),
        "duration": integers([one.duration for one in payloads]),
        "compute_units": integers([one.computeUnits for one in payloads]),
        "price_wei": integers([one.pricePerComputeUnit for one in payloads]),
        "fees_wei": integers([one.fees for one in payloads]),
    }


def _ticket(payloads: Sequence[TicketPayload]) -> dict[str, pl.Series]:
    return {
        "payload": strings([json.dumps(_fields(one)) for one in payloads]),
        "lowest_number": integers(
            [min(one.faceValue, one.winProb, one.creationRound, 0) for one in payloads]
        ),
    }


def _fields(payload: Any) -> dict[str, Any]:
    return {name: getattr(payload, name) for name in payload.__struct_fields__}


_COLUMNS: dict[type, Callable[[Sequence[Any]], dict[str, pl.Series]]] = {
    ConnectionPayload: _connection,
    ReceivedPayload: _received,
    AiProcessedPayload: _ai_processed,
    TranscodeProcessedPayload: _transcode_processed,
    TicketPayload: _ticket,
}
