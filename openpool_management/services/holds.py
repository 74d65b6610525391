"""Held items: what waits for an operator, and the two things that can be decided on it."""

import json
from collections.abc import Collection
from datetime import datetime

import msgspec
import polars as pl

from openpool_management.domain.batch import Batch, Decision
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.event_frame import TIME_AHEAD_LIMIT, decode_events
from openpool_management.domain.holds import WAIVABLE, HeldItem, HoldReason
from openpool_management.domain.streams import Stream
from openpool_management.domain.wire import VERSION
from openpool_management.services.decisions import DecisionRefused, commit_decision, stated_reason
from openpool_management.services.ports import HeldRow, Holds, Lake, Ledger, StreamHead
from openpool_management.services.settle import DecodedObjects, settle


def open_holds(holds: Holds, *, decided: bool = False) -> list[HeldRow]:
    """Held items that wait for a decision; with decided those that have one too."""
    return holds.items(decided=decided)


def held_item(holds: Holds, held_id: str) -> HeldRow:
    """One held item. Raises DecisionRefused when there is none with this id."""
    item = holds.item(held_id)
    if item is None:
        raise DecisionRefused(
            f"There is no held item {held_id}: `openpool held list` shows all of them."
        )
    return item


def dismiss(holds: Holds, held_id: str, reason: str, now: datetime) -> HeldRow:
    """Decide that a held item is never posted. Raises DecisionRefused when that can't be."""
    decision = Decision(held_id, stated_reason(reason), now)
    _open_item(holds, held_id)
    if not holds.dismiss(decision):
        _open_item(holds, held_id)
    return held_item(holds, held_id)


def release(
    holds: Holds,
    ledger: Ledger,
    lake: Lake,
    rules: PairRules,
    held_id: str,
    reason: str,
    now: datetime,
    *,
    also: Collection[HoldReason] = (),
) -> Batch:
    """Post a held event after all, as its object would have posted it, and return its batch.

    The doubt it is held for is set aside, and those in also; any other doubt refuses the release.
    An event that says another region, node type or version is taken for one of its key's stream.
    Raises DecisionRefused when the item can't be released, or is decided already.
    """
    decision = Decision(held_id, stated_reason(reason), now)
    item = _open_item(holds, held_id)
    decoded = _believed(holds, item, decision, frozenset({item.reason, *also}))

    def work_out(head: StreamHead) -> Batch:
        _open_item(holds, held_id)
        batch = settle(decoded, head, ledger, lake, rules)
        if batch.held:
            raise DecisionRefused(
                f"Held item {held_id} can't be released: an event with ID {item.event_id} and "
                f"other content is in the ledger. {_dismissal(held_id)}"
            )
        return batch

    return commit_decision(ledger, item.stream, work_out)


def _open_item(holds: Holds, held_id: str) -> HeldRow:
    item = held_item(holds, held_id)
    if item.decision is not None:
        verb = {"release": "released", "dismiss": "dismissed"}[item.decision.decision]
        raise DecisionRefused(
            f"Held item {held_id} was {verb} at {item.decision.decided_at.isoformat()} "
            f"({item.decision.reason}); a decision is final."
        )
    return item


def _believed(
    holds: Holds, item: HeldRow, decision: Decision, waived: frozenset[HoldReason]
) -> DecodedObjects:
    """The event of a held item, decoded with its doubts set aside."""
    for reason in sorted(waived):
        if reason not in WAIVABLE:
            raise DecisionRefused(
                f"Held item {item.id} can't be released: {reason.value} is no doubt that can be "
                f"set aside, since there is nothing sound to post. {_dismissal(item.id)}"
            )
    if item.raw is None:
        raise DecisionRefused(
            f"Held item {item.id} can't be released: it is a whole object rather than one event. "
            f"{_dismissal(item.id)}"
        )
    data = b"[" + _as_of_stream(item.stream, item.raw, waived) + b"]"
    events, doubts = decode_events(item.stream, [(0, data)], decision.decided_at, waived)
    if doubts:
        raise DecisionRefused(_further_doubt(item, doubts[0]))
    if events["dt"][0] > decision.decided_at + TIME_AHEAD_LIMIT:
        # Posted, it would be the newest event for as long, and no commission could be set before.
        raise DecisionRefused(
            f"Held item {item.id} can't be released yet: its DT {events['dt'][0].isoformat()} is "
            f"still more than a day ahead. Release it when that time has come. "
            f"{_dismissal(item.id)}"
        )
    return DecodedObjects(
        stream=item.stream,
        read_at=item.read_at,
        objects=[holds.read_object(item.id)],
        events=events.with_columns(object_index=pl.lit(item.event_index, pl.Int32)),
        held=[],
        release=decision,
    )


def _as_of_stream(stream: Stream, raw: str, waived: frozenset[HoldReason]) -> bytes:
    """An event's JSON, what is waived set to what its stream's events say, the rest untouched."""
    changes: dict[str, str | int] = {}
    if HoldReason.KEY_CONTRADICTION in waived:
        changes |= {"NodeType": stream.node_type, "Region": stream.region}
    if HoldReason.FUTURE_VERSION in waived:
        changes["Version"] = VERSION
    if not changes:
        return raw.encode()
    fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    fields |= {name: msgspec.Raw(json.dumps(value).encode()) for name, value in changes.items()}
    return msgspec.json.encode(fields)


def _further_doubt(item: HeldRow, doubt: HeldItem) -> str:
    remedy = (
        f"To release it all the same, name this doubt too: --also {doubt.reason.value}."
        if doubt.reason in WAIVABLE
        else _dismissal(item.id)
    )
    return (
        f"Held item {item.id} can't be released for {item.reason.value} alone, since it is also in "
        f"doubt for {doubt.reason.value}: {doubt.detail} {remedy}"
    )


def _dismissal(held_id: str) -> str:
    return f"It can be dismissed: openpool held dismiss {held_id} --reason …"
