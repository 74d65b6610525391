"""Events as typed columns: one row per event, in the order of the stream."""

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

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


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
    in_us = pl.col("response") // 1000 if stream.node_type == "ai" else pl.col("response") * 1000
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
    dt = EVENT_SCHEMA["dt"]
    frame = frame.with_columns(
        dt=pl.col("dt_text")
        .str.to_datetime(_TIME_FORMAT, strict=False, time_unit="ms", time_zone="UTC")
        .cast(dt)
    )
    odd = frame.filter(pl.col("dt").is_null())["dt_text"].unique().to_list()
    if not odd:
        return frame
    parsed = pl.DataFrame(
        {"dt_text": odd, "parsed": pl.Series([_parse_time(text) for text in odd], dtype=dt)}
    )
    frame = frame.join(parsed, on="dt_text", how="left")
    return frame.with_columns(dt=pl.coalesce("dt", "parsed")).drop("parsed")


def _parse_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


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
        (HoldReason.BAD_TIME, pl.col("dt").is_null() | (pl.col("dt") < EPOCH)),
        (HoldReason.TIME_AHEAD, pl.col("dt") > now + TIME_AHEAD_LIMIT),
        (
            HoldReason.BAD_ADDRESS,
            pl.col("stated_worker").is_not_null() & pl.col("worker").is_null(),
        ),
        (HoldReason.NUMBER_TOO_LONG, pl.any_horizontal(pl.col(*INTEGER_COLUMNS) == TOO_LONG)),
        (HoldReason.NEGATIVE_NUMBER, pl.any_horizontal(pl.col(*INTEGER_COLUMNS) < 0)),
        (HoldReason.FEE_MISMATCH, ~fee_holds),
    ]
    return pl.coalesce(
        pl.when(rule).then(pl.lit(reason.value)) for reason, rule in rules if reason not in waived
    )


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
    HoldReason.NUMBER_TOO_LONG: "A number has more than 30 digits.",
    HoldReason.NEGATIVE_NUMBER: "A number is below zero.",
    HoldReason.FEE_MISMATCH: "fees is {fees_wei} wei, which is not {price_wei} × {compute_units}.",
}
