"""``{region}/{node_type}/worker_performance.json``: how fast a stream's workers are, ranked."""

from openpool_management.domain.streams import Stream
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.values import Document, number_and_text, time_text
from openpool_management.services.performance.report import PerformanceRow

DECIMALS = 3
RATIO_DECIMALS = 4
PERCENTILE_DECIMALS = 2


def worker_performance(material: Material, stream: Stream) -> Document:
    """The performance of a stream's workers over all its jobs; what is not known is null.

    Response times are milliseconds. Workers without a rank come last.
    """
    own = sorted(material.performance_of(stream), key=place)
    transcode = [_transcode(row) for row in own if stream.node_type == "transcode"]
    ai = [_ai(row) for row in own if stream.node_type == "ai"]
    rankings: dict[str, list[Document]] = {}
    for one in ai:
        rankings.setdefault(one["model_pipeline"], []).append(one)
    return {
        "export_timestamp": time_text(material.made_at),
        "node_type": stream.node_type,
        "region": stream.region,
        "transcode_performance": transcode,
        "ai_performance": ai,
        "ai_model_pipeline_rankings": rankings,
    }


def place(row: PerformanceRow) -> tuple[str, str, bool, int, str]:
    """Where a row stands among those of its stream: the best first, those without a rank last."""
    return row.pipeline, row.model, row.rank is None, row.rank or 0, row.worker


def _transcode(row: PerformanceRow) -> Document:
    return {
        "worker_address": row.worker,
        "median_real_time_ratio": rounded(row.real_time_ratio_median, RATIO_DECIMALS),
        "mean_real_time_ratio": rounded(row.real_time_ratio_mean, RATIO_DECIMALS),
        "min_real_time_ratio": rounded(row.real_time_ratio_min, RATIO_DECIMALS),
        "max_real_time_ratio": rounded(row.real_time_ratio_max, RATIO_DECIMALS),
        **_work(row),
    }


def _ai(row: PerformanceRow) -> Document:
    return {
        "worker_address": row.worker,
        "model_id": row.model,
        "pipeline": row.pipeline,
        "model_pipeline": f"{row.model} | {row.pipeline}",
        **_work(row),
    }


def _work(row: PerformanceRow) -> Document:
    return {
        "job_count": row.jobs,
        "median_response_time": rounded(row.response_p50_ms, DECIMALS),
        "mean_response_time": rounded(row.response_mean_ms, DECIMALS),
        "total_compute_units": row.compute_units,
        **number_and_text("total_fees", row.fees_wei),
        "median_compute_units_per_second": rounded(row.units_per_second_median, DECIMALS),
        "mean_compute_units_per_second": rounded(row.units_per_second_mean, DECIMALS),
        "min_compute_units_per_second": rounded(row.units_per_second_min, DECIMALS),
        "max_compute_units_per_second": rounded(row.units_per_second_max, DECIMALS),
        "rank": row.rank,
        "percentile": rounded(row.percentile, PERCENTILE_DECIMALS),
    }


def rounded(value: float | None, decimals: int) -> float | None:
    """A figure as documents state it, None where it is not known."""
    return None if value is None else round(value, decimals)
