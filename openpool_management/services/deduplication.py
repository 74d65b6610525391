"""Each event once: repeats inside a batch and of earlier batches are left out."""

from datetime import timedelta

import polars as pl

from openpool_management.domain.event_ids import decode_id
from openpool_management.domain.holds import HeldItem, HoldReason
from openpool_management.domain.lake_rows import spans_of
from openpool_management.domain.streams import Stream
from openpool_management.services.history import StreamHistory

_CONTENT = [
    "dt",
    "event_type",
    "connection",
    "request_id",
    "pipeline",
    "model",
    "compute_units",
    "price_wei",
    "fees_wei",
    "response_us",
    "duration_ms",
    "payload",
]


def drop_repeats(
    stream: Stream, events: pl.DataFrame, history: StreamHistory
) -> tuple[pl.DataFrame, int, list[HeldItem]]:
    """Leave out events whose ID was read before.

    Returns the events that remain, the number of repeats, and those held because their ID was read
    before with other content. A repeat has the same DT, so only lake files of that time are read.
    """
    first = events
    if events["event_id"].n_unique() < events.height:
        first = events.unique("event_id", keep="first", maintain_order=True)
    repeats = [_against(events.join(first, on=_ADDRESS, how="anti"), first)]
    known = history.events_with_ids(first["event_id"], spans_of(first["dt"], timedelta(0)))
    if known.height:
        repeats.append(_against(first.join(known, on="event_id", how="semi"), known))
        first = first.join(known, on="event_id", how="anti", maintain_order="left")
    both = pl.concat(repeats)
    conflicts = both.filter(pl.col("conflict"))
    held = [
        HeldItem(
            row["object_no"],
            row["object_index"],
            HoldReason.ID_CONFLICT,
            "An event with this ID and other content was read before.",
            decode_id(row["event_id"]),
            row["event_type"],
        )
        for row in conflicts.iter_rows(named=True)
    ]
    return first, both.height - conflicts.height, held


_ADDRESS = ["object_no", "object_index"]


def _against(repeats: pl.DataFrame, firsts: pl.DataFrame) -> pl.DataFrame:
    """Mark repeats whose content is not that of the first event with their ID."""
    columns = [*_ADDRESS, "event_id", "event_type"]
    if not repeats.height:
        return repeats.select(columns).with_columns(conflict=pl.lit(False))
    # An AI job names no worker: the lake's column holds the one it was paired with.
    names_worker = (pl.col("event_type") != "job-processed") | pl.col("request_id").is_null()
    compared = repeats.join(
        firsts.select("event_id", "worker", *_CONTENT).cast(
            {name: repeats.schema[name] for name in _CONTENT}
        ),
        on="event_id",
        suffix="_first",
    )
    differs = pl.any_horizontal(
        ~pl.col(name).eq_missing(pl.col(f"{name}_first")) for name in _CONTENT
    ) | (names_worker & ~pl.col("worker").eq_missing(pl.col("worker_first")))
    return compared.with_columns(conflict=differs).select(*columns, "conflict")
