"""How each worker did on each pipeline and model of a stream, over a window of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from openpool_management.domain.online_share import online_shares
from openpool_management.domain.streams import Stream
from openpool_management.services.connections import PresenceRecords, connections_since
from openpool_management.services.performance.performance_row import PerformanceRow
from openpool_management.services.performance.rows import rows_of
from openpool_management.services.performance.stream_partials import StreamPartials
from openpool_management.services.performance.window import Window
from openpool_management.services.ports import Lake
from openpool_management.services.ports.performance import PartialCache, PerformanceRecords

__all__ = [
    "PerformanceRow",
    "PerformanceSources",
    "Window",
    "performance",
    "performance_windows",
]


@dataclass(frozen=True, slots=True)
class PerformanceSources:
    """What performance is worked out of, and where partial aggregates are kept."""

    records: PerformanceRecords
    presence: PresenceRecords
    lake: Lake
    cache: PartialCache


def performance(
    sources: PerformanceSources,
    window: Window,
    now: datetime,
    streams: Sequence[Stream] | None = None,
) -> list[PerformanceRow]:
    """The rows of a window that ends at now (UTC), of some streams or of all.

    They are sorted by stream, pipeline and model, the best worker first, those without a rank last.
    Raises what the ledger and the lake raise.
    """
    return performance_windows(sources, [window], now, streams)[window]


def performance_windows(
    sources: PerformanceSources,
    windows: Iterable[Window],
    now: datetime,
    streams: Sequence[Stream] | None = None,
) -> dict[Window, list[PerformanceRow]]:
    """The rows of several windows that end at now (UTC), each as performance states them.

    The ledger's record of a stream is read once, so all windows see the same jobs. now counts in
    whole milliseconds.
    """
    # The lake keeps milliseconds: between two of them, whole days and pieces would tell otherwise.
    now = now.astimezone(UTC).replace(microsecond=now.microsecond // 1_000 * 1_000)
    rows: dict[Window, list[PerformanceRow]] = {window: [] for window in windows}
    chosen = sources.records.streams() if streams is None else streams
    for stream in sorted(chosen):
        record = sources.records.stream_record(stream)
        partials = StreamPartials(stream, record, sources.lake, sources.cache)
        for window, found in rows.items():
            found.extend(_of_stream(sources, partials, window, now, stream))
    return rows


def _of_stream(
    sources: PerformanceSources,
    partials: StreamPartials,
    window: Window,
    now: datetime,
    stream: Stream,
) -> list[PerformanceRow]:
    start = partials.first_dt if window.value is None else now - window.value
    if start is None or start >= now:
        return []
    online = online_shares(connections_since(sources.presence, stream, start), start, now)
    return rows_of(partials.between(start, now), stream, start, now, online)
