"""What earlier batches of a stream hold, read from the lake no wider than a batch needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from openpool_management.domain.batch import AttributionCause, LakeFile
from openpool_management.domain.correlation import REQUEST_KEY
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import Lake, Ledger

Spans = Sequence[tuple[datetime, datetime]]

AI_EVENT_TYPES = ["job-received", "job-processed"]


@dataclass(frozen=True, slots=True)
class StreamHistory:
    """The events of a stream that are in the ledger."""

    stream: Stream
    ledger: Ledger
    lake: Lake

    def events_with_ids(self, event_ids: pl.Series, spans: Spans) -> pl.DataFrame:
        """Rows of LAKE_SCHEMA with one of the IDs and a DT in one of the spans."""
        files = self._files(spans)
        if not files:
            return pl.DataFrame(schema=LAKE_SCHEMA)
        rows = self.lake.scan(files).filter(_inside(spans))
        wanted = event_ids.unique().to_frame("event_id")
        found = rows.select("event_id").join(wanted.lazy(), on="event_id", how="semi").collect()
        if not found.height:
            return pl.DataFrame(schema=LAKE_SCHEMA)
        return rows.join(found.lazy(), on="event_id", how="semi").collect()

    def ai_events(self, request_keys: pl.DataFrame, spans: Spans) -> pl.DataFrame:
        """Received and processed rows with one of the request keys and a DT in one of the spans.

        The worker of each job is the one it stands attributed to; the jobs an operator assigned are
        left out, since they are settled for good.
        """
        files = self._files(spans)
        is_asked_for = pl.col("event_type").is_in(AI_EVENT_TYPES) & _inside(spans)
        # Most files of a window hold nothing that is asked for: their wide columns stay unread.
        hits = pl.collect_all(
            self.lake.scan([file])
            .filter(is_asked_for)
            .select(REQUEST_KEY)
            .join(request_keys.lazy(), on=REQUEST_KEY, how="semi")
            .select(pl.len())
            for file in files
        )
        held = [file for file, count in zip(files, hits, strict=True) if count.item()]
        if not held:
            return pl.DataFrame(schema=LAKE_SCHEMA)
        found = self.lake.scan(held).filter(is_asked_for)
        return self.attributed(
            found.join(request_keys.lazy(), on=REQUEST_KEY, how="semi").collect()
        )

    def attributed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Lake rows with jobs' workers as they stand, jobs assigned by an operator left out."""
        jobs = rows.filter(pl.col("event_type") == "job-processed")["event_id"].to_list()
        latest = self.ledger.attributions(self.stream, jobs)
        if not latest:
            return rows
        table = pl.DataFrame(
            {
                "event_id": pl.Series(list(latest), dtype=pl.Binary),
                "latest": pl.Series([worker for worker, _ in latest.values()], dtype=pl.String),
                "assigned": [cause is AttributionCause.ASSIGNED for _, cause in latest.values()],
            }
        )
        joined = rows.join(table, on="event_id", how="left", maintain_order="left")
        moved = pl.col("assigned").is_not_null()
        return (
            joined.filter(~pl.col("assigned").fill_null(False))
            .with_columns(worker=pl.when(moved).then("latest").otherwise("worker"))
            .drop("latest", "assigned")
        )

    def _files(self, spans: Spans) -> list[LakeFile]:
        if not spans:
            return []
        return [
            file
            for file in self.ledger.lake_files(self.stream, spans[0][0], spans[-1][1])
            if any(file.dt_min <= hi and lo <= file.dt_max for lo, hi in spans)
        ]


def _inside(spans: Spans) -> pl.Expr:
    return pl.any_horizontal(pl.col("dt").is_between(lo, hi) for lo, hi in spans)
