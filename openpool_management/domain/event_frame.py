"""Events as typed columns: one row per event, in the order of the stream."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from openpool_management.domain.addresses import checksum_address
from openpool_management.domain.decoding import DecodedObject, decode_object, raw_events
from openpool_management.domain.event_ids import decode_id, encode_ids
from openpool_management.domain.holds import HeldItem, HoldReason
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.payload_columns import (
    INTEGER_COLUMNS,
    STRING_COLUMNS,
    TOO_LONG,
    payload_columns,
    strings,
)
from openpool_management.domain.streams import Stream

TRANSCODE_PIPELINE = "transcode"
TIME_AHEAD_LIMIT = timedelta(days=1)

MAX_TEXT_BYTES = 256
"""Bytes of the longest text that an event may state: texts are parts of keys in the database."""

EVENT_SCHEMA: dict[str, pl.DataType] = {
    "object_no": pl.Int32(),
    "object_index": pl.Int32(),
    "event_id": pl.Binary(),
    "dt": pl.Datetime("ms", "UTC"),
    "event_type": pl.String(),
    "worker": pl.String(),
    "connection": pl.String(),
    "request_id": pl.String(),
    "pipeline": pl.String(),
    "model": pl.String(),
    "compute_units": pl.Int128(),
    "price_wei": pl.Int128(),
    "fees_wei": pl.Int128(),
    "response_us": pl.Int64(),
    "duration_ms": pl.Int64(),
    "payload": pl.String(),
}
"""Columns of decoded events. response_us is the response time in microseconds for both node types;
payload is the JSON text of events that are no jobs and no connections."""

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def decode_events(
    stream: Stream,
    objects: Iterable[tuple[int, bytes]],
    now: datetime,
    waived: frozenset[HoldReason] = frozenset(),
) -> tuple[pl.DataFrame, list[HeldItem]]:
    """Decode objects, given as (object_no, bytes), into one frame of EVENT_SCHEMA and held items.

    now (UTC) is what times are compared with; doubts in waived are set aside.
    """
    decoded: dict[int, DecodedObject] = {}
    datas: dict[int, bytes] = {}
    for object_no, data in objects:
        decoded[object_no] = decode_object(stream, object_no, data)
        datas[object_no] = data
    held = [item for one in decoded.values() for item in one.held]
    frames = list(_frames(stream, decoded))
    if not frames:
        return pl.DataFrame(schema=EVENT_SCHEMA), held
    frame = pl.concat(frames, how="diagonal_relaxed")
    frame = _parse_addresses(_parse_times(_with_all_columns(frame)))
    frame = frame.with_columns(doubt=_doubt(now, waived))
    if frame["doubt"].null_count() < frame.height:
        held.extend(_hold_rows(frame.filter(pl.col("doubt").is_not_null()), datas))
        frame = frame.filter(pl.col("doubt").is_null())
    response = pl.col("response").cast(pl.Int128)
    in_us = response // 1000 if stream.node_type == "ai" else response * 1000
    frame = frame.with_columns(response_us=in_us, duration_ms=pl.col("duration"))
    typed = [
        pl.col(name).cast(dtype, strict=name not in ("response_us", "duration_ms"))
        for name, dtype in EVENT_SCHEMA.items()
    ]
    return frame.select(typed).sort("object_no", "object_index"), held


def _frames(stream: Stream, decoded: dict[int, DecodedObject]) -> Iterator[pl.DataFrame]:
    for event_type in {kind: None for one in decoded.values() for kind in one.events}:
        holders = [(no, one) for no, one in decoded.items() if event_type in one.events]
        events = [event for _, one in holders for event in one.events[event_type]]
        yield _typed_frame(stream, event_type, events).with_columns(
            object_no=_object_numbers((no, len(one.events[event_type])) for no, one in holders),
            object_index=pl.Series(
                [index for _, one in holders for index in one.indexes[event_type]], dtype=pl.Int32
            ),
        )
    others = [event for one in decoded.values() for event in one.others]
    if others:
        yield pl.DataFrame(
            {
                "dt_text": strings([event.DT for event in others]),
                "event_id": encode_ids([event.ID for event in others]),
                "event_type": strings([event.event_type for event in others]),
                "payload": strings([event.payload for event in others]),
                "object_no": _object_numbers((no, len(one.others)) for no, one in decoded.items()),
                "object_index": pl.Series(
                    [index for one in decoded.values() for index in one.other_indexes],
                    dtype=pl.Int32,
                ),
            }
        )


def _typed_frame(stream: Stream, event_type: str, events: list[Any]) -> pl.DataFrame:
    columns = payload_columns([event.Payload for event in events])
    frame = pl.DataFrame(
        {
            "dt_text": strings([event.DT for event in events]),
            "event_id": encode_ids([event.ID for event in events]),
            **columns,
        }
    ).with_columns(event_type=pl.lit(event_type))
    if event_type == "job-processed" and stream.node_type == "transcode":
        frame = frame.with_columns(pipeline=pl.lit(TRANSCODE_PIPELINE), model=pl.lit(""))
    return frame


def _object_numbers(runs: Iterable[tuple[int, int]]) -> pl.Series:
    return pl.Series([no for no, count in runs for _ in range(count)], dtype=pl.Int32)


def _with_all_columns(frame: pl.DataFrame) -> pl.DataFrame:
    missing: dict[str, pl.DataType] = {name: pl.String() for name in STRING_COLUMNS}
    missing |= {name: pl.Int64() for name in INTEGER_COLUMNS}
    return frame.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in missing.items()
        if name not in frame.columns
    )


def _parse_times(frame: pl.DataFrame) -> pl.DataFrame:
    # Whole seconds repeat, so there are far fewer texts than events.
    texts = frame["dt_text"].unique().to_list()
    times = pl.DataFrame(
        {
            "dt_text": pl.Series(texts, dtype=pl.String),
            "dt": pl.Series([_parse_time(text) for text in texts], dtype=EVENT_SCHEMA["dt"]),
        }
    )
    return frame.join(times, on="dt_text", how="left")


def _parse_time(text: str) -> datetime | None:
    """A moment since 1970 in UTC, or None for text that is no RFC 3339 time of then."""
    if _RFC_3339.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= EPOCH else None


def _parse_addresses(frame: pl.DataFrame) -> pl.DataFrame:
    stated = frame["worker"].unique().drop_nulls().to_list()
    checksummed = pl.DataFrame(
        {
            "worker": pl.Series(stated, dtype=pl.String),
            "address": pl.Series([checksum_address(text) for text in stated], dtype=pl.String),
        }
    )
    frame = frame.rename({"worker": "stated_worker"})
    frame = frame.join(
        checksummed.rename({"worker": "stated_worker"}), on="stated_worker", how="left"
    )
    return frame.rename({"address": "worker"})


def _doubt(now: datetime, waived: frozenset[HoldReason]) -> pl.Expr:
    price, units, fees = pl.col("price_wei"), pl.col("compute_units"), pl.col("fees_wei")
    # Dividing can't overflow; multiplying two long numbers could.
    fee_holds = (
        pl.when(price == 0)
        .then(fees == 0)
        .otherwise((fees % price == 0) & (fees // price == units))
    )
    rules: list[tuple[HoldReason, pl.Expr]] = [
        (HoldReason.BAD_TIME, pl.col("dt").is_null()),
        (HoldReason.TIME_AHEAD, pl.col("dt") > now + TIME_AHEAD_LIMIT),
        (
            HoldReason.BAD_ADDRESS,
            pl.col("stated_worker").is_not_null() & pl.col("worker").is_null(),
        ),
        (
            HoldReason.TEXT_TOO_LONG,
            pl.max_horizontal(_text_bytes()) > MAX_TEXT_BYTES,
        ),
        (HoldReason.NUMBER_TOO_LONG, pl.any_horizontal(pl.col(*INTEGER_COLUMNS) == TOO_LONG)),
        (HoldReason.NEGATIVE_NUMBER, pl.any_horizontal(pl.col(*INTEGER_COLUMNS) < 0)),
        (HoldReason.FEE_MISMATCH, ~fee_holds),
    ]
    return pl.coalesce(
        pl.when(rule).then(pl.lit(reason.value)) for reason, rule in rules if reason not in waived
    )


def _text_bytes() -> list[pl.Expr]:
    texts = ("connection", "request_id", "pipeline", "model", "event_type")
    return [*(pl.col(name).str.len_bytes() for name in texts), pl.col("event_id").bin.size()]


def _hold_rows(rows: pl.DataFrame, datas: dict[int, bytes]) -> Iterator[HeldItem]:
    for (object_no,), group in rows.group_by("object_no", maintain_order=True):
        raws = raw_events(datas[int(str(object_no))])
        for row in group.iter_rows(named=True):
            raw = raws[row["object_index"]]
            yield HeldItem(
                object_no=row["object_no"],
                event_index=row["object_index"],
                reason=HoldReason(row["doubt"]),
                detail=_DETAILS[HoldReason(row["doubt"])].format_map(row),
                event_id=decode_id(row["event_id"]),
                event_type=row["event_type"],
                raw=raw,
            )


_DETAILS = {
    HoldReason.BAD_TIME: "DT is {dt_text!r}, which is no RFC 3339 time since 1970.",
    HoldReason.TIME_AHEAD: "DT is {dt_text}, more than a day ahead of the clock here.",
    HoldReason.BAD_ADDRESS: "ethAddress is {stated_worker!r}, which is no Ethereum address.",
    HoldReason.TEXT_TOO_LONG: "A text of the event, or its ID, has more than 256 bytes.",
    HoldReason.NUMBER_TOO_LONG: "A number has more than 30 digits.",
    HoldReason.NEGATIVE_NUMBER: "A number is below zero.",
    HoldReason.FEE_MISMATCH: "fees is {fees_wei} wei, which is not {price_wei} × {compute_units}.",
}
