"""Event objects written by hand: what a test says of an event, the rest filled in."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from openpool_management.domain.streams import KEY_TIME_FORMAT, Stream

AI = Stream("ai", "us-central")
TRANSCODE = Stream("transcode", "oceania")
START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
"""What the clock says when the objects are read, if the test says nothing else."""
ALICE = "0x52908400098527886E0F7030069857D2E4169EE7"
BOB = "0x8617E340B3D01FA5F11F306F4090FD50E238070D"
CAROL = "0xde709f2102306220921060314715629080e2fb77"

Event = dict[str, Any]

_numbers = count(1)


def event_id(number: int) -> str:
    """The ID of a numbered event, a UUID."""
    return str(UUID(int=(number << 64) | 0x4000_0000_0000_0001))


def moment(second: float) -> datetime:
    """So many seconds after START."""
    return START + timedelta(seconds=second)


def event(stream: Stream, kind: str, second: int = 0, /, *, no: int = 0, **payload: Any) -> Event:
    """An event of any type; no gives its ID, else it is one of its own."""
    return {
        "DT": moment(second).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "EventType": kind,
        "ID": event_id(no or (1 << 32) + next(_numbers)),
        "NodeType": stream.node_type,
        "Payload": payload,
        "Region": stream.region,
        "Version": 1,
    }


def received(worker: str, second: int = 0, /, *, request: str = "0a0a0a0a", **more: Any) -> Event:
    """A job-received of the stream AI."""
    names: dict[str, Any] = {"pipeline": "upscale", "modelID": "m1"} | more
    return event(AI, "job-received", second, ethAddress=worker, requestID=request, **names)


def processed(
    second: int = 0, /, *, request: str = "0a0a0a0a", units: int = 5, price: int = 7, **more: Any
) -> Event:
    """A job-processed of the stream AI, with the fee that its units and price make."""
    fields: dict[str, Any] = {
        "requestID": request,
        "pipeline": "upscale",
        "modelID": "m1",
        "responseTime": 2_000_000,
        "computeUnits": units,
        "pricePerComputeUnit": price,
        "fees": units * price,
    }
    return event(AI, "job-processed", second, **(fields | more))


def transcoded(
    worker: str, second: int = 0, /, *, units: int = 5, price: int = 7, **more: Any
) -> Event:
    """A job-processed of the stream TRANSCODE, with the fee that its units and price make."""
    fields: dict[str, Any] = {
        "ethAddress": worker,
        "computeUnits": units,
        "responseTime": 300,
        "realTimeRatio": 6,
        "pricePerComputeUnit": price,
        "fees": units * price,
        "duration": 2_000,
    }
    return event(TRANSCODE, "job-processed", second, **(fields | more))


def key(stream: Stream, first: int = 0, last: int | None = None) -> str:
    """The key of a flush from one second after START to another."""
    start, end = (
        moment(second).strftime(KEY_TIME_FORMAT) for second in (first, last or first + 59)
    )
    return f"{stream.prefix}{stream.region}-{stream.node_type}-{start}_{end}.json"


def body(events: Sequence[Event] | None) -> bytes:
    """The bytes of a flush."""
    return json.dumps(events, indent=2, sort_keys=True).encode()
