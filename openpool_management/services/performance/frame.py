"""Performance as a pandas frame, for tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from openpool_management.services.performance.performance_row import PerformanceRow

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "stream": ("string", "nodeType|region."),
    "pipeline": ("string", "Pipeline, transcode for transcoding."),
    "model": ("string", "Model, empty for transcoding."),
    "rank": ("int", "Place among the workers of the pipeline and model, 1 is best."),
    "worker": ("string", "Ethereum address."),
    "jobs": ("int", "Jobs done."),
    "fees_wei": ("string", "Fees before commission, in wei."),
    "compute_units": ("string", "Units of work, of the pipeline's own kind."),
    "response_p50_ms": ("float", "Median response time in milliseconds."),
    "response_p95_ms": ("float", "95 % of the jobs took at most this many milliseconds."),
    "response_p99_ms": ("float", "99 % of the jobs took at most this many milliseconds."),
    "real_time_ratio_median": ("float", "Median of duration / response time, more is better."),
    "units_per_second": ("float", "All units / all response time."),
    "units_per_second_median": ("float", "Median of the jobs' units per second."),
    "success_share": ("float", "Jobs / answers of AI workers, 0 to 1."),
    "online_share": ("float", "Part of the window with a connection, 0 to 1."),
    "percentile": ("float", "Percent of the other ranked workers that are behind."),
}
"""(type, description) of each column, named as in PerformanceRow."""

DECIMALS = 3
_AS_TEXT = {"stream", "fees_wei", "compute_units"}


def performance_frame(rows: Sequence[PerformanceRow]) -> "pd.DataFrame":
    """Rows as a frame of COLUMNS, in their order. What is not known is None, never NaN."""
    # Loaded here: it takes a second, and only tables need it.
    import pandas as pd

    records = [[_cell(name, getattr(row, name)) for name in COLUMNS] for row in rows]
    # Columns of objects: pandas would make NaN of None, and floats of integers beside it.
    return pd.DataFrame(records, columns=list(COLUMNS), dtype=object)


def _cell(name: str, value: object) -> object:
    if name in _AS_TEXT:
        return str(value)
    return round(value, DECIMALS) if isinstance(value, float) else value
