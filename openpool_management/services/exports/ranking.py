"""``ranking.json``: how well workers did on each pipeline and model, over each window of time."""

from openpool_management.services.exports.material import Material
from openpool_management.services.exports.values import Document, time_text
from openpool_management.services.exports.worker_performance import (
    DECIMALS,
    PERCENTILE_DECIMALS,
    RATIO_DECIMALS,
    place,
    rounded,
)
from openpool_management.services.performance.report import PerformanceRow, Window

SHARE_DECIMALS = 4


def ranking_document(material: Material) -> Document:
    """The rows of each window, by stream, pipeline and model, the best worker first."""
    return {
        "export_timestamp": time_text(material.made_at),
        "windows": [
            {
                "window": window.label,
                "rows": [
                    _row(one)
                    for one in sorted(
                        material.performance.get(window, ()),
                        key=lambda row: (row.stream, *place(row)),
                    )
                ],
            }
            for window in Window
        ],
    }


def _row(row: PerformanceRow) -> Document:
    return {
        "stream": str(row.stream),
        "pipeline": row.pipeline,
        "model": row.model,
        "worker": row.worker,
        "rank": row.rank,
        "percentile": rounded(row.percentile, PERCENTILE_DECIMALS),
        "jobs": row.jobs,
        "compute_units": str(row.compute_units),
        "fees_wei": str(row.fees_wei),
        "response_p50_ms": rounded(row.response_p50_ms, DECIMALS),
        "response_p95_ms": rounded(row.response_p95_ms, DECIMALS),
        "response_p99_ms": rounded(row.response_p99_ms, DECIMALS),
        "real_time_ratio_median": rounded(row.real_time_ratio_median, RATIO_DECIMALS),
        "units_per_second": rounded(row.units_per_second, DECIMALS),
        "units_per_second_median": rounded(row.units_per_second_median, DECIMALS),
        "success_share": rounded(row.success_share, SHARE_DECIMALS),
        "online_share": rounded(row.online_share, SHARE_DECIMALS),
    }
