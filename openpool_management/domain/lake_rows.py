"""Rows of the event lake: decoded events with their audit address and what was made of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from openpool_management.domain.batch import ReadObject

LAKE_SCHEMA: dict[str, pl.DataType] = {
    "event_id": pl.Binary(),
    "dt": pl.Datetime("ms", "UTC"),
    "event_type": pl.String(),
    "object_key": pl.String(),
    "object_version": pl.String(),
    "object_etag": pl.String(),
    "object_start": pl.Datetime("ms", "UTC"),
    "object_index": pl.Int32(),
    "read_at": pl.Datetime("ms", "UTC"),
    "worker": pl.String(),
    "connection": pl.String(),
    "request_id": pl.String(),
    "pipeline": pl.String(),
    "model": pl.String(),
    "compute_units": pl.Decimal(38, 0),
    "price_wei": pl.Decimal(38, 0),
    "fees_wei": pl.Decimal(38, 0),
    "fee_bps": pl.Int16(),
    "response_us": pl.Int64(),
    "duration_ms": pl.Int64(),
    "payload": pl.String(),
}
"""Columns of a lake file. (object_key, object_version, object_index) is the audit address of a row;
worker of an AI job is the one it was attributed to when it was read, null for nobody;
net = fees_wei × (10000 - fee_bps) // 10000."""

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def with_address(events: pl.DataFrame, objects: Sequence[ReadObject]) -> pl.DataFrame:
    """Add the columns of the audit address to decoded events; object_no counts objects from 0."""
    addresses = pl.DataFrame(
        {
            "object_no": pl.Series(range(len(objects)), dtype=pl.Int32),
            "object_key": pl.Series([one.key for one in objects], dtype=pl.String),
            "object_version": pl.Series([one.version_id for one in objects], dtype=pl.String),
            "object_etag": pl.Series([one.etag for one in objects], dtype=pl.String),
            "object_start": pl.Series(
                [one.start or EPOCH for one in objects], dtype=pl.Datetime("ms", "UTC")
            ),
            "read_at": pl.Series([one.read_at for one in objects], dtype=pl.Datetime("ms", "UTC")),
        }
    )
    return events.join(addresses, on="object_no", how="left", maintain_order="left")


def spans_of(
    moments: pl.Series, margin: timedelta, bucket: timedelta = timedelta(minutes=10)
) -> list[tuple[datetime, datetime]]:
    """The spans of time that moments lie in, each widened by margin and merged where they meet.

    Moments are taken by buckets, so that objects of different days don't make one long span.
    """
    spans: list[tuple[datetime, datetime]] = []
    for start in moments.dt.truncate(bucket).unique().sort().to_list():
        lo, hi = start - margin, start + bucket + margin
        if spans and lo <= spans[-1][1]:
            spans[-1] = (spans[-1][0], hi)
        else:
            spans.append((lo, hi))
    return spans
