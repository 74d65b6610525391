"""Finding events in the lake, and what the ledger says of them, without knowing when they were."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from openpool_management.domain.accounts import Account
from openpool_management.domain.audit import (
    AttributionRecord,
    BatchRecord,
    HeldRecord,
    PostedLine,
)
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import Lake, Ledger

FILES_AT_ONCE = 256
FILE = "lake_file"

Row = dict[str, Any]
"""A row of the lake, by the names of LAKE_SCHEMA."""


class AuditRecords(Protocol):
    """What the ledger holds of batches, lines, changed workers and held events."""

    def batches(
        self, limit: int, *, before: int | None = None, stream: Stream | None = None
    ) -> list[BatchRecord]:
        """Batches with a lake file, newest first, from below a number or from the newest."""
        ...

    def numbered(self, numbers: Sequence[int]) -> dict[int, BatchRecord]:
        """Batches by their number."""
        ...

    def lines(self, batch_number: int) -> list[PostedLine]:
        """Everything a batch posted, entry by entry."""
        ...

    def statement(
        self,
        worker: str,
        limit: int,
        last_lines: Mapping[Account, tuple[int, int]] | None = None,
        before: int | None = None,
    ) -> list[PostedLine]:
        """The newest lines of what is payable to a worker, newest first.

        last_lines: the numbers of the lines of money and of work up to which an account counts, as
        they were at some moment; an account that is not in it counts for nothing.
        before: only lines of entries with lower numbers.
        """
        ...

    def entry_lines(self, worker: str, entry_number: int) -> list[PostedLine]:
        """What an entry did to what is payable to a worker."""
        ...

    def attributions(self, stream: Stream, event_ids: Sequence[bytes]) -> list[AttributionRecord]:
        """Every change of those jobs' workers, oldest first."""
        ...

    def attributed_jobs(self, batch_numbers: Sequence[int]) -> list[bytes]:
        """Event IDs of the jobs whose worker some batches changed, in the order of the changes."""
        ...

    def held_events(self, event_id: str) -> list[HeldRecord]:
        """The held items with an event ID."""
        ...


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The ledger's records and the lake, looked into together."""

    records: AuditRecords
    ledger: Ledger
    lake: Lake
    rules: PairRules

    def find(self, event_id: bytes) -> tuple[Row, BatchRecord] | None:
        """The lake row of an event and the batch that wrote it, looked for newest batch first."""
        wanted = pl.col("event_id") == pl.lit(event_id, pl.Binary)
        for batches in self._runs(None, None):
            rows = self._rows(batches, wanted)
            if rows.height:
                holder = next(
                    batch
                    for batch in batches
                    if _spans(batch, rows["dt"][0]) and self._rows([batch], wanted).height
                )
                return rows.row(0, named=True), holder
        return None

    def rows_with_ids(
        self, stream: Stream, event_ids: Iterable[bytes], up_to: int
    ) -> dict[bytes, Row]:
        """Lake rows by event ID, of batches up to a number; IDs that are not there are left out."""
        missing = set(event_ids)
        found: dict[bytes, Row] = {}
        for batches in self._runs(stream, up_to + 1):
            if not missing:
                break
            wanted = pl.col("event_id").is_in(pl.Series(list(missing), dtype=pl.Binary).implode())
            for row in self._rows(batches, wanted).iter_rows(named=True):
                found[row["event_id"]] = row
            missing -= found.keys()
        return found

    def jobs(self, batches: Sequence[BatchRecord], worker: str) -> pl.LazyFrame:
        """The jobs of batches that were a worker's when they were read, in stream order.

        FILE is a column more: the name of the batch's lake file.
        """
        own = (pl.col("event_type") == "job-processed") & (pl.col("worker") == worker)
        files = [batch.lake_file for batch in batches if batch.lake_file is not None]
        return self.lake.scan(files, file_column=FILE).filter(own)

    def _runs(self, stream: Stream | None, before: int | None) -> Iterator[list[BatchRecord]]:
        while batches := self.records.batches(FILES_AT_ONCE, before=before, stream=stream):
            yield batches
            before = batches[-1].number

    def _rows(self, batches: Sequence[BatchRecord], wanted: pl.Expr) -> pl.DataFrame:
        files = [batch.lake_file for batch in batches if batch.lake_file is not None]
        rows = self.lake.scan(files)
        # First the few columns that decide, so that a long search reads little.
        if not rows.filter(wanted).select(pl.len()).collect().item():
            return pl.DataFrame(schema=LAKE_SCHEMA)
        return rows.filter(wanted).collect()


def _spans(batch: BatchRecord, moment: Any) -> bool:
    file = batch.lake_file
    return file is not None and file.dt_min <= moment <= file.dt_max
