"""The event log's JSON as typed structs, one set per stream.

The node type, the region and the version are literal types, so one pass of the decoder checks that
every event belongs under its key and has every field in its right type.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union

import msgspec

from openpool_management.domain.streams import Stream

VERSION = 1
RESETS = ("orchestrator-reset", "gateway-reset", "node-reset")


class ConnectionPayload(msgspec.Struct, gc=False):
    """A worker's connection opened or closed; connection is ``ip:port`` or ``unknown``."""

    ethAddress: str
    connection: str


class ReceivedPayload(msgspec.Struct, gc=False):
    """A worker's answer to an AI request arrived, good or bad. requestID is 8 hex digits."""

    ethAddress: str
    requestID: str
    pipeline: str
    modelID: str


class AiProcessedPayload(msgspec.Struct, gc=False):
    """An AI job was delivered; fees in wei, responseTime in nanoseconds."""

    requestID: str
    pipeline: str
    modelID: str
    responseTime: int
    computeUnits: int
    pricePerComputeUnit: int
    fees: int


class TranscodeProcessedPayload(msgspec.Struct, gc=False):
    """A segment was transcoded; fees in wei, responseTime and duration in milliseconds."""

    ethAddress: str
    computeUnits: int
    responseTime: int
    realTimeRatio: int
    pricePerComputeUnit: int
    fees: int
    duration: int


class TicketPayload(msgspec.Struct, gc=False):
    """A ticket's redemption, good or bad; faceValue in wei, numbers beyond 64 bits possible."""

    recipient: str
    sender: str
    faceValue: int
    winProb: int
    pricePerPixel: str | None
    creationRound: int
    txHash: str


class OtherPayload(msgspec.Struct, gc=False):
    """A payload whose fields carry no meaning here."""


PAYLOADS: dict[str, dict[str, type[msgspec.Struct]]] = {
    "ai": {
        "job-received": ReceivedPayload,
        "job-processed": AiProcessedPayload,
        "worker-connected": ConnectionPayload,
        "worker-disconnected": ConnectionPayload,
        "ticket-redeemed": TicketPayload,
        **dict.fromkeys(RESETS, OtherPayload),
    },
    "transcode": {
        "job-processed": TranscodeProcessedPayload,
        "worker-connected": ConnectionPayload,
        "worker-disconnected": ConnectionPayload,
        "ticket-redeemed": TicketPayload,
        **dict.fromkeys(RESETS, OtherPayload),
    },
}
"""Payload type by node type and event type; any other event type is counted and kept as it is."""


@dataclass(frozen=True, slots=True)
class StreamDecoder:
    """Decoders for a stream's objects and single events, and the struct of each event type."""

    objects: "msgspec.json.Decoder[list[Any] | None]"
    event: "msgspec.json.Decoder[Any]"
    types: dict[str, type[msgspec.Struct]]


def stream_decoder(stream: Stream) -> StreamDecoder:
    """The decoder of a stream's objects."""
    return _stream_decoder(stream.node_type, stream.region)


@cache
def _stream_decoder(node_type: str, region: str) -> StreamDecoder:
    types: dict[str, type[msgspec.Struct]] = {
        event_type: msgspec.defstruct(
            event_type.title().replace("-", ""),
            [
                ("DT", str),
                ("ID", str),
                ("NodeType", Literal[node_type]),
                ("Payload", payload),
                ("Region", Literal[region]),
                ("Version", Literal[1]),
            ],
            tag_field="EventType",
            tag=event_type,
            gc=False,
        )
        for event_type, payload in PAYLOADS[node_type].items()
    }
    any_event: Any = Union[tuple(types.values())]  # noqa: UP007
    return StreamDecoder(
        objects=msgspec.json.Decoder(list[any_event] | None),
        event=msgspec.json.Decoder(any_event),
        types=types,
    )
