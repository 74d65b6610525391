"""Attribute a batch's AI jobs, and those earlier ones that its events throw new light on."""

from dataclasses import dataclass

import polars as pl

from openpool_management.domain.correlation import (
    CANDIDATE_SCHEMA,
    REQUEST_KEY,
    PairRules,
    pair_jobs,
)
from openpool_management.domain.lake_rows import LAKE_SCHEMA, spans_of
from openpool_management.services.history import AI_EVENT_TYPES, StreamHistory

MOVED_SCHEMA = {**LAKE_SCHEMA, "received_id": pl.Binary(), "new_worker": pl.String()}


@dataclass(frozen=True, slots=True)
class Pairing:
    """Events with their workers, and the earlier jobs whose worker is another one after this batch.

    moved has MOVED_SCHEMA, worker being the old one.
    """

    events: pl.DataFrame
    moved: pl.DataFrame


def attribute_jobs(events: pl.DataFrame, history: StreamHistory, rules: PairRules) -> Pairing:
    """Pair the AI jobs of a batch (rows with their audit address) within the stream's history."""
    fresh = events.filter(pl.col("event_type").is_in(AI_EVENT_TYPES))
    earlier = _earlier_events(fresh, history, rules)
    candidates = pl.concat(
        [
            frame.select("event_type", *CANDIDATE_SCHEMA).cast(pl.Schema(CANDIDATE_SCHEMA))
            for frame in (fresh, earlier)
        ]
    )
    pairs = pair_jobs(
        candidates.filter(pl.col("event_type") == "job-received").drop("event_type"),
        candidates.filter(pl.col("event_type") == "job-processed").drop("event_type"),
        rules,
    ).rename({"worker": "new_worker"})
    is_job = pl.col("event_type") == "job-processed"
    attributed = events.join(pairs, on="event_id", how="left", maintain_order="left").with_columns(
        worker=pl.when(is_job).then("new_worker").otherwise("worker")
    )
    moved = (
        earlier.filter(is_job)
        .join(pairs, on="event_id", how="left")
        .filter(~pl.col("worker").eq_missing(pl.col("new_worker")))
    )
    return Pairing(attributed.drop("new_worker", "received_id"), moved)


def _earlier_events(fresh: pl.DataFrame, history: StreamHistory, rules: PairRules) -> pl.DataFrame:
    """The earlier events that can bear on the pairs of fresh ones.

    A job's pair depends on the answers of its request key within a window of it, and on the jobs
    within a window of those answers. So two windows are opened around each job found, until they
    show no further one.
    """
    found = pl.DataFrame(schema=LAKE_SCHEMA)
    seen = fresh.select("event_id")
    frontier = fresh
    while frontier.height:
        more = history.ai_events(
            frontier.select(REQUEST_KEY).unique(), spans_of(frontier["dt"], 2 * rules.window)
        )
        # An ID that is in the lake twice (with two DTs) must not be paired, and moved, twice.
        more = more.join(seen, on="event_id", how="anti").unique(
            "event_id", keep="first", maintain_order=True
        )
        found = pl.concat([found, more.select(*LAKE_SCHEMA)])
        seen = pl.concat([seen, more.select("event_id")])
        frontier = more.filter(pl.col("event_type") == "job-processed")
    return found
