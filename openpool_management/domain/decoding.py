"""From an object's bytes to typed events, everything else held with its reason. Never raises."""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from openpool_management.domain.holds import WHOLE_OBJECT, HeldItem, HoldReason
from openpool_management.domain.streams import Stream
from openpool_management.domain.wire import PAYLOADS, VERSION, StreamDecoder, stream_decoder


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """An event of a type that means nothing here; payload is its JSON text."""

    DT: str
    ID: str
    event_type: str
    payload: str


@dataclass(slots=True)
class DecodedObject:
    """Events of one object: array indexes and structs by event type, others, and held ones."""

    indexes: dict[str, list[int]] = field(default_factory=dict)
    events: dict[str, list[Any]] = field(default_factory=dict)
    other_indexes: list[int] = field(default_factory=list)
    others: list[OtherEvent] = field(default_factory=list)
    held: list[HeldItem] = field(default_factory=list)

    def add(self, event_type: str, index: int, event: Any) -> None:
        """Put one event under its type."""
        self.indexes.setdefault(event_type, []).append(index)
        self.events.setdefault(event_type, []).append(event)


# PostgreSQL refuses the NUL character in text, so an event that holds one can't be kept there.
_NUL_ESCAPE = "\\u0000"
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

_RAW_ARRAY = msgspec.json.Decoder(list[msgspec.Raw] | None)


def decode_object(stream: Stream, object_no: int, data: bytes) -> DecodedObject:
    """Decode one object of a stream. null and the empty array are objects without events."""
    decoder = stream_decoder(stream)
    decoded = DecodedObject()
    if _NUL_ESCAPE.encode() in data:
        _decode_one_by_one(stream, decoder, object_no, data, decoded)
        return decoded
    try:
        # The decoder passes over fields that it does not know, whatever their bytes are.
        data.decode()
        events = decoder.objects.decode(data) or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        _decode_one_by_one(stream, decoder, object_no, data, decoded)
        return decoded
    kinds = list(map(type, events))
    present = set(kinds)
    for event_type, struct in decoder.types.items():
        if struct not in present:
            continue
        indexes = [index for index, kind in enumerate(kinds) if kind is struct]
        decoded.indexes[event_type] = indexes
        decoded.events[event_type] = [events[index] for index in indexes]
    return decoded


def raw_events(data: bytes) -> list[str]:
    """The JSON text of each event of an object whose array can be read."""
    return [bytes(raw).decode() for raw in _RAW_ARRAY.decode(data) or []]


def _decode_one_by_one(
    stream: Stream, decoder: StreamDecoder, object_no: int, data: bytes, decoded: DecodedObject
) -> None:
    try:
        raws = raw_events(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        detail = f"The object is not a whole JSON array of events: {error}."
        decoded.held.append(HeldItem(object_no, WHOLE_OBJECT, HoldReason.INVALID_JSON, detail))
        return
    for index, raw in enumerate(raws):
        outcome = _decode_event(stream, decoder, raw)
        if _NUL_ESCAPE in raw and _NUL.search(raw):
            outcome = _doubt_nul(outcome)
        if isinstance(outcome, OtherEvent):
            decoded.other_indexes.append(index)
            decoded.others.append(outcome)
        elif isinstance(outcome, _Doubt):
            decoded.held.append(
                HeldItem(
                    object_no,
                    index,
                    outcome.reason,
                    outcome.detail,
                    outcome.event_id,
                    outcome.event_type,
                    raw,
                )
            )
        else:
            decoded.add(outcome.__struct_config__.tag, index, outcome)


@dataclass(frozen=True, slots=True)
class _Doubt:
    reason: HoldReason
    detail: str
    event_id: str | None = None
    event_type: str | None = None


def _doubt_nul(outcome: Any) -> _Doubt:
    if isinstance(outcome, _Doubt):
        return replace(
            outcome,
            detail=_without_nul(outcome.detail),
            event_id=outcome.event_id and _without_nul(outcome.event_id),
            event_type=outcome.event_type and _without_nul(outcome.event_type),
        )
    known = not isinstance(outcome, OtherEvent)
    event_type = outcome.__struct_config__.tag if known else outcome.event_type
    return _Doubt(
        HoldReason.MISTYPED_FIELD,
        "A text of the event holds the NUL character, which can't be stored.",
        _without_nul(outcome.ID),
        _without_nul(event_type),
    )


def _without_nul(text: str) -> str:
    return text.replace("\0", _NUL_ESCAPE)


def _decode_event(stream: Stream, decoder: StreamDecoder, raw: str) -> Any:
    try:
        return decoder.event.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        cause = str(error)
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return _Doubt(HoldReason.MISTYPED_FIELD, f"The event can't be read: {error}.")
    if not isinstance(event, dict):
        return _Doubt(HoldReason.MISTYPED_FIELD, "The event is not a JSON object.")
    return _explain(stream, event, cause)


def _explain(stream: Stream, event: dict[str, Any], cause: str) -> Any:
    event_id = event["ID"] if isinstance(event.get("ID"), str) else None
    event_type = event["EventType"] if isinstance(event.get("EventType"), str) else None

    def doubt(reason: HoldReason, detail: str) -> _Doubt:
        return _Doubt(reason, detail, event_id, event_type)

    for name, kind in (
        ("DT", str),
        ("EventType", str),
        ("ID", str),
        ("NodeType", str),
        ("Region", str),
        ("Version", int),
    ):
        if name not in event:
            return doubt(HoldReason.MISSING_FIELD, f"The event has no {name}.")
        if not isinstance(event[name], kind) or isinstance(event[name], bool):
            return doubt(
                HoldReason.MISTYPED_FIELD,
                f"{name} is {json.dumps(event[name])[:80]}, which is no {kind.__name__}.",
            )
    if event["Version"] != VERSION:
        return doubt(
            HoldReason.FUTURE_VERSION,
            f"The event has version {event['Version']}; version {VERSION} is understood.",
        )
    if (event["NodeType"], event["Region"]) != (stream.node_type, stream.region):
        return doubt(
            HoldReason.KEY_CONTRADICTION,
            f"The event says {event['NodeType']}|{event['Region']}, its key says {stream}.",
        )
    if event_type not in PAYLOADS[stream.node_type]:
        return OtherEvent(
            event["DT"], event["ID"], event["EventType"], json.dumps(event.get("Payload"))
        )
    reason = HoldReason.MISSING_FIELD if "missing required" in cause else HoldReason.MISTYPED_FIELD
    return doubt(reason, f"{cause}.")
