"""Typed rows of good and odd events; each reason to hold one, with the rest going on."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openpool_management.domain.event_frame import EVENT_SCHEMA, decode_events
from openpool_management.domain.holds import WAIVABLE, HeldItem, HoldReason
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    NOW,
    START,
    TRANSCODE,
    Event,
    body,
    event,
    event_id,
    processed,
    received,
    transcoded,
)


def read(*events: Any, waived: frozenset[HoldReason] = frozenset()) -> tuple[Any, list[HeldItem]]:
    frame, held = decode_events(AI, [(0, body(events))], NOW, waived)
    assert dict(frame.schema) == EVENT_SCHEMA
    return frame.rows(named=True), held


def changed(base: Event, **fields: Any) -> Event:
    """An event with fields of its head or its payload set; None takes one away."""
    whole: Event = json.loads(json.dumps(base))
    for name, value in fields.items():
        target = whole if name in whole else whole["Payload"]
        target[name] = value
        if value is None:
            del target[name]
    return whole


TICKET = event(
    AI,
    "ticket-redeemed",
    no=77,
    recipient="0x" + "1" * 40,
    sender="0x" + "2" * 40,
    faceValue=2**70,
    winProb=2**90,
    pricePerPixel=None,
    creationRound=5,
    txHash="0x" + "0" * 64,
)
CONNECTED = event(AI, "worker-connected", no=78, ethAddress=ALICE, connection="1.2.3.4:5")
DAY_AHEAD = (NOW + timedelta(days=1, seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

HELD = [
    (HoldReason.MISSING_FIELD, changed(processed(), DT=None), "no DT"),
    (HoldReason.MISSING_FIELD, changed(processed(), ID=None), "no ID"),
    (HoldReason.MISSING_FIELD, changed(processed(), Version=None), "no Version"),
    (HoldReason.MISSING_FIELD, changed(processed(), Payload=None), "Payload"),
    (HoldReason.MISSING_FIELD, changed(processed(), fees=None), "fees"),
    (HoldReason.MISSING_FIELD, changed(received(ALICE), ethAddress=None), "ethAddress"),
    (HoldReason.MISSING_FIELD, changed(CONNECTED, connection=None), "connection"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), fees="35"), "fees"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), fees=35.0), "fees"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), fees=1e30), "fees"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), computeUnits=True), "computeUnits"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), responseTime=0.5), "responseTime"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), modelID=5), "modelID"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), ID=5), "ID is 5"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), DT=["now"]), "DT is"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), Version="1"), "Version"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), Version=True), "Version"),
    (HoldReason.MISTYPED_FIELD, changed(processed(), EventType=7), "EventType"),
    (HoldReason.MISTYPED_FIELD, changed(TICKET, winProb="1"), "winProb"),
    (HoldReason.MISTYPED_FIELD, processed(pipeline="a\0b"), "NUL"),
    (HoldReason.MISTYPED_FIELD, received(ALICE, request="\0"), "NUL"),
    (HoldReason.MISTYPED_FIELD, event(AI, "painted", colour="\\\0"), "NUL"),
    (HoldReason.MISTYPED_FIELD, None, "not a JSON object"),
    (HoldReason.MISTYPED_FIELD, [processed()], "not a JSON object"),
    (HoldReason.NEGATIVE_NUMBER, processed(units=-5, price=-7), "below zero"),
    (HoldReason.NEGATIVE_NUMBER, processed(units=5, price=-7), "below zero"),
    (HoldReason.NEGATIVE_NUMBER, processed(responseTime=-1), "below zero"),
    (HoldReason.NEGATIVE_NUMBER, changed(TICKET, faceValue=-1), "below zero"),
    (HoldReason.NUMBER_TOO_LONG, processed(units=1, price=10**30), "30 digits"),
    (HoldReason.NUMBER_TOO_LONG, processed(units=10**40, price=0), "30 digits"),
    (HoldReason.NUMBER_TOO_LONG, processed(fees=-(10**30)), "30 digits"),
    (HoldReason.TEXT_TOO_LONG, processed(modelID="m" * 257), "256 bytes"),
    (HoldReason.TEXT_TOO_LONG, received(ALICE, request="é" * 129), "256 bytes"),
    (HoldReason.TEXT_TOO_LONG, changed(processed(), ID="i" * 300), "256 bytes"),
    (HoldReason.TEXT_TOO_LONG, event(AI, "x" * 257), "256 bytes"),
    (HoldReason.FEE_MISMATCH, processed(fees=36), "36 wei, which is not 7 × 5"),
    (HoldReason.FEE_MISMATCH, processed(price=0, fees=1), "1 wei, which is not 0 × 5"),
    (HoldReason.FEE_MISMATCH, processed(units=0, fees=7), "7 wei, which is not 7 × 0"),
    (HoldReason.FEE_MISMATCH, processed(units=2**62, price=4, fees=0), "which is not 4"),
    (
        HoldReason.FEE_MISMATCH,
        processed(units=10**29, price=10**29, fees=10**29),
        f"which is not {10**29}",
    ),
    (HoldReason.BAD_ADDRESS, received("0x1234"), "'0x1234'"),
    (HoldReason.BAD_ADDRESS, received(""), "''"),
    (HoldReason.BAD_ADDRESS, received(ALICE.lower().replace("e", "E", 1)), "no Ethereum"),
    (HoldReason.BAD_ADDRESS, changed(CONNECTED, ethAddress="me"), "'me'"),
    (HoldReason.KEY_CONTRADICTION, changed(processed(), Region="mars"), "ai|mars"),
    (HoldReason.KEY_CONTRADICTION, changed(processed(), NodeType="transcode"), "transcode|"),
    (HoldReason.FUTURE_VERSION, changed(processed(), Version=2), "version 2"),
    (HoldReason.FUTURE_VERSION, changed(processed(), Version=0), "version 0"),
    (HoldReason.BAD_TIME, changed(processed(), DT="yesterday"), "'yesterday'"),
    (HoldReason.BAD_TIME, changed(processed(), DT=""), "''"),
    (HoldReason.BAD_TIME, changed(processed(), DT="2026-03-01T00:00:00"), "RFC 3339"),
    (HoldReason.BAD_TIME, changed(processed(), DT="2026-02-30T00:00:00Z"), "RFC 3339"),
    *(
        (HoldReason.BAD_TIME, changed(processed(), DT=text), "RFC 3339")
        for text in (
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "-001-03-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-W09-7T00:00:00Z",
            "20260301T000000Z",
            " 2026-03-01T00:00:00Z",
            "2026-03-01T00:00:60Z",
        )
    ),
    (HoldReason.TIME_AHEAD, changed(processed(), DT=DAY_AHEAD), DAY_AHEAD),
]


@pytest.mark.parametrize(("reason", "bad", "words"), HELD)
def test_held_with_its_reason_and_the_rest_goes_on(
    reason: HoldReason, bad: Any, words: str
) -> None:
    rows, held = read(received(ALICE), bad, processed())
    assert [row["object_index"] for row in rows] == [0, 2]
    (item,) = held
    assert (item.object_no, item.event_index, item.reason) == (0, 1, reason)
    assert words in item.detail
    assert item.raw is not None and json.loads(item.raw) == bad
    if isinstance(bad, dict) and isinstance(bad.get("ID"), str):
        assert item.event_id == bad["ID"]


def test_every_reason_of_an_event_is_reached() -> None:
    of_objects_and_ledger = {
        HoldReason.INVALID_JSON,
        HoldReason.BAD_KEY,
        HoldReason.ID_CONFLICT,
    }
    assert {reason for reason, _, _ in HELD} == set(HoldReason) - of_objects_and_ledger


def test_held_item_has_no_nul() -> None:
    odd = [
        changed(processed(), ID="i\0d"),
        changed(processed(), ID="i\0d", Region="r\0"),
        changed(processed(), EventType="t\0"),
        changed(processed(), Version="\0"),
    ]
    rows, held = read(*odd)
    assert rows == []
    assert len(held) == len(odd)
    for item in held:
        stored = (item.detail, item.event_id, item.event_type, item.raw)
        assert not any("\0" in text for text in stored if text)
    assert [item.event_id for item in held[:2]] == ["i\\u0000d"] * 2


def test_backslash_before_u0000_is_no_nul() -> None:
    rows, held = read(processed(pipeline="a\\u0000"))
    assert held == []
    assert rows[0]["pipeline"] == "a\\u0000"


def test_number_beyond_python_limits_is_held() -> None:
    data = body([processed()]).replace(b'"fees": 35', b'"fees": ' + b"9" * 5000)
    frame, (item,) = decode_events(AI, [(0, data)], NOW)
    assert frame.height == 0
    assert item.event_index == 0


@pytest.mark.parametrize(
    ("reason", "bad"),
    [
        (HoldReason.FEE_MISMATCH, processed(fees=36)),
        (HoldReason.TIME_AHEAD, changed(processed(), DT=DAY_AHEAD)),
    ],
)
def test_waived_doubt_is_set_aside(reason: HoldReason, bad: Event) -> None:
    assert reason in WAIVABLE
    rows, held = read(bad, waived=frozenset({reason}))
    assert held == []
    assert rows[0]["fees_wei"] == bad["Payload"]["fees"]
    rows, held = read(changed(bad, responseTime=-1), waived=frozenset({reason}))
    assert rows == []
    assert [item.reason for item in held] == [HoldReason.NEGATIVE_NUMBER]


def test_ai_job_row() -> None:
    (row,), held = read(processed(90, no=3, units=2**40, price=2**40))
    assert held == []
    assert row == {
        "object_no": 0,
        "object_index": 0,
        "event_id": bytes.fromhex(event_id(3).replace("-", "")),
        "dt": START + timedelta(seconds=90),
        "event_type": "job-processed",
        "worker": None,
        "connection": None,
        "request_id": "0a0a0a0a",
        "pipeline": "upscale",
        "model": "m1",
        "compute_units": 2**40,
        "price_wei": 2**40,
        "fees_wei": 2**80,
        "response_us": 2_000,
        "duration_ms": None,
        "payload": None,
    }


def test_transcode_job_row() -> None:
    frame, held = decode_events(TRANSCODE, [(7, body([transcoded(ALICE.lower())]))], NOW)
    assert held == []
    (row,) = frame.rows(named=True)
    assert row["object_no"] == 7
    assert row["worker"] == ALICE
    assert (row["pipeline"], row["model"], row["request_id"]) == ("transcode", "", None)
    assert (row["response_us"], row["duration_ms"]) == (300_000, 2_000)


@pytest.mark.parametrize("units", [1, 2**63, 2**64 + 1, 10**30 - 1])
def test_numbers_beyond_64_bits_are_exact(units: int) -> None:
    rows, held = read(processed(units=units, price=1), processed(units=3, price=5))
    assert held == []
    assert [row["fees_wei"] for row in rows] == [units, 15]
    assert [row["compute_units"] for row in rows] == [units, 3]


def test_fee_of_nothing_is_legal() -> None:
    rows, held = read(processed(price=0), processed(units=0))
    assert held == []
    assert [row["fees_wei"] for row in rows] == [0, 0]


def test_ticket_keeps_its_numbers() -> None:
    ticket = changed(TICKET, faceValue=2**90, winProb=10**29)
    (row,), held = read(ticket)
    assert held == []
    assert json.loads(row["payload"]) == ticket["Payload"] | {"pricePerPixel": None}


@pytest.mark.parametrize("address", [ALICE, ALICE.lower(), "0x" + ALICE[2:].upper()])
def test_address_is_checksummed(address: str) -> None:
    rows, held = read(received(address), received(BOB))
    assert held == []
    assert [row["worker"] for row in rows] == [ALICE, BOB]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T00:00:00.25Z", START + timedelta(milliseconds=250)),
        ("2026-03-01T00:00:00.123456789Z", START + timedelta(milliseconds=123)),
        ("2026-03-01T02:30:00+02:30", START),
        ("2026-02-28T19:00:00-05:00", START),
        (
            (NOW + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            NOW + timedelta(days=1),
        ),
    ],
)
def test_accepted_time(text: str, moment: datetime) -> None:
    rows, held = read(changed(processed(), DT=text), processed(60))
    assert held == []
    assert [row["dt"] for row in rows] == [moment, START + timedelta(seconds=60)]
    assert rows[0]["dt"].astimezone(UTC) == moment


def test_unknown_fields_are_passed_over() -> None:
    odd = processed() | {"Signature": {"r": [1]}}
    odd["Payload"]["tokens"] = None
    rows, held = read(odd)
    assert held == []
    assert rows[0]["fees_wei"] == 35


@pytest.mark.parametrize("payload", [{"a": [1, None]}, None, "text", 5])
def test_unknown_type_is_kept(payload: Any) -> None:
    unknown = event(AI, "gateway-painted", 5, no=9) | {"Payload": payload}
    rows, held = read(processed(), unknown, received(ALICE))
    assert held == []
    assert [row["event_type"] for row in rows] == [
        "job-processed",
        "gateway-painted",
        "job-received",
    ]
    assert json.loads(rows[1]["payload"]) == payload


def test_job_received_of_transcoding_is_an_unknown_type() -> None:
    stray = changed(received(ALICE), NodeType="transcode", Region=TRANSCODE.region)
    frame, held = decode_events(TRANSCODE, [(0, body([stray]))], NOW)
    assert held == []
    assert frame["event_type"].to_list() == ["job-received"]
    assert frame["worker"].to_list() == [None]


def test_rows_stand_in_the_order_of_objects_and_arrays() -> None:
    first = [processed(9, no=1), received(ALICE, 3, no=2), event(AI, "painted", 1, no=3)]
    second = [received(ALICE, 0, no=4), changed(processed(no=5), fees=1), processed(0, no=6)]
    frame, held = decode_events(AI, [(0, body(first)), (1, b"null"), (2, body(second))], NOW)
    assert frame.select("object_no", "object_index").rows() == [
        (0, 0),
        (0, 1),
        (0, 2),
        (2, 0),
        (2, 2),
    ]
    assert [(item.object_no, item.event_index, item.event_id) for item in held] == [
        (2, 1, event_id(5))
    ]


def test_bytes_that_are_no_text_hold_the_object_wherever_they_are() -> None:
    data = body([processed()]).replace(b'"Version"', b'"extra": "\xff", "Version"')
    for objects in ([(0, data)], [(0, data), (1, body([processed(fees=36)]))]):
        rows, held = decode_events(AI, objects, NOW)
        assert not rows.height
        assert held[0].reason is HoldReason.INVALID_JSON and held[0].object_no == 0


def test_response_times_beyond_64_bits_are_unknown_and_never_wrong() -> None:
    rows, held = decode_events(
        TRANSCODE, [(0, body([transcoded(ALICE, responseTime=2**61 + 5)]))], NOW
    )
    assert not held and rows["response_us"].to_list() == [None]
