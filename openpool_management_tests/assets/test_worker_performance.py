"""The asset of performance: its tables, its chart, and that it says what the service says."""

import base64
import io
from datetime import UTC, datetime

import dagster as dg
from PIL import Image

from openpool_management.assets.charts import LONGEST_BYTES
from openpool_management.performance_desk import performance_sources
from openpool_management.services.performance.report import Window, performance
from openpool_management_tests.assets.workbench import Workbench
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    TRANSCODE,
    body,
    key,
    moment,
    processed,
    received,
    transcoded,
)


def materialize(bench: Workbench) -> dg.AssetMaterialization:
    result = bench.defs.resolve_job_def("performance_job").execute_in_process(
        instance=bench.instance
    )
    (event,) = result.asset_materializations_for_node("worker_performance")
    return event


def test_the_page_says_what_the_service_says(real_bench: Workbench) -> None:
    bench = real_bench.at(datetime(2026, 11, 23, tzinfo=UTC))
    bench.run_until_quiet()
    found = materialize(bench).metadata
    with bench.pool() as pool:
        for window in Window:
            rows = performance(performance_sources(pool), window, bench.clock())
            shown = found[f"ranking, {window.label}"]
            assert isinstance(shown, dg.TableMetadataValue)
            assert rows
            assert found[f"jobs, {window.label}"].value == sum(row.jobs for row in rows)
            assert [
                (one.data["stream"], one.data["worker"], one.data["fees_wei"], one.data["rank"])
                for one in shown.records
            ] == [(str(row.stream), row.worker, str(row.fees_wei), row.rank) for row in rows[:50]]
    chart = found["best workers, 30d"].value
    assert isinstance(chart, str)
    text = chart.partition("base64,")[2].rstrip(")")
    assert len(text) <= LONGEST_BYTES
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        assert image.format == "PNG" and image.width > 300


def test_what_is_not_known_is_empty_and_never_nan(bench: Workbench) -> None:
    assert bench.settings.events_dir
    objects = {
        key(AI): [
            received(ALICE, 0, pipeline="$a_b"),
            processed(1, pipeline="$a_b", units=2**70, price=1, responseTime=0),
            received(BOB, 2, pipeline="other"),
        ],
        key(TRANSCODE): [transcoded(ALICE, 3, responseTime=0, duration=0)],
    }
    for name, events in objects.items():
        path = bench.settings.events_dir / name
        path.parent.mkdir(parents=True)
        path.write_bytes(body(events))
    bench = bench.at(moment(60))
    bench.run_until_quiet()
    metadata = materialize(bench).metadata
    assert "best workers, 30d" not in metadata
    shown = metadata["ranking, all"]
    assert isinstance(shown, dg.TableMetadataValue)
    first, second, third = (dict(one.data) for one in shown.records)
    assert (first["worker"], first["fees_wei"], first["compute_units"]) == (
        ALICE,
        str(2**70),
        str(2**70),
    )
    assert (second["worker"], second["jobs"], second["success_share"]) == (BOB, 0, None)
    unknown = ("rank", "percentile", "response_p50_ms", "units_per_second", "online_share")
    for row in (first, second, third):
        assert [row[name] for name in unknown] == [None] * len(unknown)


def test_an_empty_ledger_has_a_page(bench: Workbench) -> None:
    assert materialize(bench).metadata["workers, all"].value == 0
