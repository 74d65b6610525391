"""Reports of ledgers written by hand: what each figure is, whose a job is, and what is kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Engine

from openpool_management.adapters.sql.attribution import SqlUnattributedJobs
from openpool_management.adapters.sql.performance import SqlPerformance
from openpool_management.adapters.sql.presence import SqlPresence
from openpool_management.domain.presence import PlacedFact, ProofSpan
from openpool_management.domain.streams import Stream
from openpool_management.services.attribution import assign
from openpool_management.services.connections import connections, connections_since
from openpool_management.services.performance.report import (
    PerformanceRow,
    PerformanceSources,
    Window,
    performance,
    performance_windows,
)
from openpool_management.services.ports.performance import StreamRecord
from openpool_management.simulation import SimulationOptions, simulate
from openpool_management_tests.ledgers import Log, MemorySource, ScratchLedger, Version
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    CAROL,
    NOW,
    TRANSCODE,
    event,
    event_id,
    moment,
    processed,
    received,
    transcoded,
)

DAY = 86_400
FLUSH = timedelta(seconds=60)


class _CountingPresence(SqlPresence):
    """The presence facts of a ledger, and how many spans were last asked for."""

    asked = 0

    def last_proofs(self, stream: Stream, spans: list[ProofSpan]) -> list[PlacedFact]:
        self.asked = len(spans)
        return super().last_proofs(stream, spans)


class _CountingRecords(SqlPerformance):
    """What performance reads of a ledger, and the streams whose record was read."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.asked: list[Stream] = []

    def stream_record(self, stream: Stream) -> StreamRecord:
        self.asked.append(stream)
        return super().stream_record(stream)


def by_worker(rows: list[PerformanceRow]) -> dict[str, PerformanceRow]:
    assert len({row.worker for row in rows}) == len(rows)
    return {row.worker: row for row in rows}


def jobs_of(sources: PerformanceSources, window: Window, second: int) -> dict[str, int]:
    return {row.worker: row.jobs for row in performance(sources, window, moment(second))}


def test_every_figure_of_a_transcoder(scratch: ScratchLedger, sources: PerformanceSources) -> None:
    connection: dict[str, Any] = {"ethAddress": ALICE, "connection": "1.1.1.1:1"}
    Log(scratch).read(
        TRANSCODE,
        0,
        event(TRANSCODE, "worker-connected", 0, **connection),
        transcoded(ALICE, 1, units=100, duration=2_000, responseTime=100, realTimeRatio=1),
        transcoded(ALICE, 2, units=50, duration=2_000, responseTime=500),
        transcoded(ALICE, 3, units=30, duration=1_000, responseTime=800, realTimeRatio=0),
        transcoded(ALICE, 4, units=7, duration=2_000, responseTime=0, realTimeRatio=0),
        transcoded(ALICE, 5, units=0, duration=0, responseTime=1_200, realTimeRatio=0),
        event(TRANSCODE, "worker-disconnected", 40, **connection),
    )
    (row,) = performance(sources, Window.ALL, moment(50))
    assert (row.stream, row.worker, row.pipeline, row.model) == (TRANSCODE, ALICE, "transcode", "")
    assert (row.start, row.end) == (moment(0), moment(50))
    assert (row.jobs, row.fees_wei, row.compute_units, row.answers) == (5, 187 * 7, 187, 0)
    assert row.response_p50_ms == pytest.approx(500, rel=0.01)
    assert (row.response_p95_ms, row.response_p99_ms) == (1_200, 1_200)
    assert row.response_mean_ms == 650
    # 20, 4 and 1.25: not what realTimeRatio says, and nothing of jobs that don't know.
    assert row.real_time_ratio_median == pytest.approx(4, rel=0.01)
    assert row.real_time_ratio_mean == pytest.approx(25.25 / 3, abs=1e-6)
    assert (row.real_time_ratio_min, row.real_time_ratio_max) == (1.25, 20)
    # The 7 units of the job without a time are left out: 180 units in 2.6 s.
    assert row.units_per_second == pytest.approx(180 / 2.6, abs=1e-9)
    assert (row.units_per_second_min, row.units_per_second_max) == (0, 1_000)
    assert row.units_per_second_median == pytest.approx(37.5, rel=0.01)
    assert row.units_per_second_mean == (1_000 + 100 + 37.5 + 0) / 4
    assert (row.success_share, row.online_share) == (None, 0.8)
    assert (row.score, row.rank, row.percentile) == (row.real_time_ratio_median, 1, 100.0)


def test_answers_retries_and_pipelines_that_answer_only(
    scratch: ScratchLedger, sources: PerformanceSources
) -> None:
    Log(scratch).read(
        AI,
        0,
        received(ALICE, 0, request="01"),
        processed(1, request="01", units=9, responseTime=2_000_000_000),
        # A retry: Alice's answer was an error, Bob's the job.
        received(ALICE, 2, request="02"),
        received(BOB, 3, request="02"),
        processed(4, request="02", units=5, responseTime=1_000_000_000),
        received(CAROL, 5, request="03"),
        received(CAROL, 6, request="04", pipeline="live-video-to-video"),
        processed(7, request="ffffffff"),
    )
    rows = performance(sources, Window.DAY, moment(60))
    live, *others = rows
    assert (live.pipeline, live.worker, live.jobs) == ("live-video-to-video", CAROL, 0)
    assert (live.answers, live.success_share, live.rank, live.percentile) == (1, None, None, None)
    found = by_worker(others)
    assert [row.worker for row in others] == [BOB, ALICE, CAROL]
    assert {worker: (row.answers, row.jobs) for worker, row in found.items()} == {
        ALICE: (2, 1),
        BOB: (1, 1),
        CAROL: (1, 0),
    }
    assert {worker: row.success_share for worker, row in found.items()} == {
        ALICE: 0.5,
        BOB: 1.0,
        CAROL: 0.0,
    }
    assert (found[BOB].score, found[BOB].rank, found[BOB].percentile) == (5.0, 1, 100.0)
    assert (found[ALICE].score, found[ALICE].rank, found[ALICE].percentile) == (4.5, 2, 0.0)
    assert found[CAROL].rank is found[CAROL].score is found[CAROL].response_p50_ms is None
    assert found[CAROL].online_share is None


def test_ai_is_ranked_by_speed_whatever_its_pipeline_is_called(
    scratch: ScratchLedger, sources: PerformanceSources
) -> None:
    Log(scratch).read(
        AI,
        0,
        received(ALICE, 0, request="01", pipeline="transcode"),
        processed(1, request="01", pipeline="transcode", units=6, responseTime=2_000_000_000),
    )
    (row,) = performance(sources, Window.ALL, moment(60))
    assert (row.pipeline, row.score, row.rank) == ("transcode", 3.0, 1)


def test_windows_end_at_now_and_hold_their_start(
    scratch: ScratchLedger, sources: PerformanceSources
) -> None:
    log = Log(scratch)
    for day in range(80):
        log.read(TRANSCODE, day * DAY + 7, transcoded(ALICE, day * DAY + 7))
    now = 79 * DAY + 7
    assert [jobs_of(sources, window, now) for window in Window] == [
        {ALICE: 1},
        {ALICE: 7},
        {ALICE: 30},
        {ALICE: 79},
    ]
    assert jobs_of(sources, Window.DAY, now + 1) == {ALICE: 1}
    assert jobs_of(sources, Window.ALL, now + 1) == {ALICE: 80}
    assert jobs_of(sources, Window.ALL, 7) == {}
    assert jobs_of(sources, Window.DAY, 400 * DAY) == {}


def test_ends_between_two_milliseconds_hold_the_same_in_days_and_in_pieces(
    scratch: ScratchLedger, sources: PerformanceSources
) -> None:
    log = Log(scratch)
    log.read(TRANSCODE, 7, transcoded(ALICE, 7))
    end = moment(7) + timedelta(microseconds=500)
    assert performance(sources, Window.ALL, end) == []
    log.read(TRANSCODE, 9, transcoded(ALICE, 9))
    assert performance(sources, Window.ALL, end) == []
    (row,) = performance(sources, Window.DAY, end + Window.DAY.value)
    assert (row.jobs, row.start, row.end) == (2, moment(7), moment(7 + DAY))


def test_all_windows_are_of_one_read_of_the_ledger(
    scratch: ScratchLedger, sources: PerformanceSources
) -> None:
    log = Log(scratch)
    for day in (0, 20, 27, 29):
        log.read(TRANSCODE, day * DAY + 7, transcoded(ALICE, day * DAY + 7))
    log.read(AI, 7, received(BOB, 7), processed(8))
    records = _CountingRecords(scratch.engine)
    found = performance_windows(replace(sources, records=records), Window, moment(30 * DAY + 8))
    assert records.asked == [AI, TRANSCODE]
    assert {window: sum(row.jobs for row in rows) for window, rows in found.items()} == {
        Window.DAY: 0,
        Window.WEEK: 2,
        Window.MONTH: 4,
        Window.ALL: 5,
    }


def test_a_job_is_whose_it_is_by_the_latest_attribution(
    scratch: ScratchLedger,
    sources: PerformanceSources,
    fresh: Callable[[], PerformanceSources],
) -> None:
    log = Log(scratch)
    log.read(AI, 0, received(ALICE, 0, request="01"))
    log.read(AI, 120, processed(121, request="01"))
    log.read(AI, 180, processed(181, no=7, request="02"))
    assert jobs_of(sources, Window.ALL, DAY) == {ALICE: 1}
    # Bob answered last: the job moves from worker to worker, and the ledger holds no time of it.
    log.read(AI, 60, received(BOB, 60, request="01"))
    (moved,) = sources.records.stream_record(AI).moved
    assert (moved.worker, moved.dt) == (BOB, None)
    assert jobs_of(sources, Window.ALL, DAY) == {ALICE: 0, BOB: 1}
    jobs = SqlUnattributedJobs(scratch.engine)
    assign(jobs, scratch.ledger, scratch.lake, event_id(7), CAROL, "asked", NOW)
    assert jobs_of(sources, Window.ALL, DAY) == {ALICE: 0, BOB: 1, CAROL: 1}
    # In pieces of the day as in the whole of it.
    assert jobs_of(sources, Window.DAY, DAY + 150) == {CAROL: 1}
    assert jobs_of(fresh(), Window.ALL, DAY) == {ALICE: 0, BOB: 1, CAROL: 1}


def test_days_that_stay_as_they_were_are_not_read_again(
    scratch: ScratchLedger, sources: PerformanceSources
) -> None:
    log = Log(scratch)
    for day in range(20):
        log.read(TRANSCODE, day * DAY, transcoded(ALICE, day * DAY))
    now = 19 * DAY + 60
    assert jobs_of(sources, Window.ALL, now) == {ALICE: 20}
    # With their files gone, what is known of the days can only have been kept.
    files = scratch.lake_files(TRANSCODE)
    for file in files:
        (scratch.lake.root / file.name).rename(scratch.lake.root / f"{file.name}.away")
    assert jobs_of(sources, Window.ALL, now) == {ALICE: 20}
    # A late object concerns its own day alone.
    (scratch.lake.root / f"{files[5].name}.away").rename(scratch.lake.root / files[5].name)
    log.read(TRANSCODE, 5 * DAY + 60, transcoded(BOB, 5 * DAY + 60))
    assert jobs_of(sources, Window.ALL, now) == {ALICE: 20, BOB: 1}


def test_a_cache_that_is_broken_or_gone_changes_nothing(
    scratch: ScratchLedger, sources: PerformanceSources, tmp_path: Path
) -> None:
    log = Log(scratch)
    for day in range(20):
        log.read(TRANSCODE, day * DAY, transcoded(ALICE, day * DAY))
    now = 19 * DAY + 60
    assert jobs_of(sources, Window.ALL, now) == {ALICE: 20}
    kept = sorted((tmp_path / "cache").rglob("*.partial"))
    # 20 days, and the two blocks of 8 among them or fewer.
    assert 20 < len(kept) <= 22
    kept[0].write_bytes(b"")
    kept[1].write_bytes(kept[1].read_bytes()[:-9])
    kept[2].unlink()
    assert jobs_of(sources, Window.ALL, now) == {ALICE: 20}


def test_a_wrong_clock_does_not_make_a_day_of_every_day(
    scratch: ScratchLedger, sources: PerformanceSources, tmp_path: Path
) -> None:
    old = transcoded(BOB, 1) | {"DT": "1971-01-01T00:00:00Z"}
    Log(scratch).read(TRANSCODE, 0, old, transcoded(ALICE, 2))
    assert jobs_of(sources, Window.ALL, DAY) == {ALICE: 1, BOB: 1}
    assert jobs_of(sources, Window.MONTH, DAY) == {ALICE: 1}
    # The two days, the list of them, and blocks that hold one of them.
    assert len(list((tmp_path / "cache").rglob("*.partial"))) < 12


def test_looking_up_less_gives_the_same_connections_from_then_on(scratch: ScratchLedger) -> None:
    options = SimulationOptions(streams=(TRANSCODE,), events=4_000, seed=3, jobs_per_second=0.25)
    scratch.sync(MemorySource([Version(flush.key, flush.body) for flush in simulate(options)]))
    records = _CountingPresence(scratch.engine)
    whole = connections(records, TRANSCODE)
    asked = records.asked
    first, last = whole[0].opened_at, whole[-1].opened_at
    for share in (0, 0.5, 0.9):
        since = first + (last - first) * share
        some = connections_since(records, TRANSCODE, since)
        assert records.asked < asked
        ends = {(one.worker, one.connection, one.opened_at): one.closed_at for one in some}
        assert len(ends) == len(whole)
        for one in whole:
            end = ends[one.worker, one.connection, one.opened_at]
            if one.closed_at is None or end is None:
                assert one.closed_at is end
            elif one.closed_at >= since + FLUSH:
                assert abs(one.closed_at - end) <= FLUSH


def test_windows_have_names() -> None:
    assert [Window.parse(window.label) for window in Window] == list(Window)
    assert Window.parse("7d").value == timedelta(days=7)
    with pytest.raises(ValueError, match="'1y' is none of 24h, 7d, 30d, all"):
        Window.parse("1y")


def test_a_stream_that_is_not_there_has_no_rows(sources: PerformanceSources) -> None:
    assert performance(sources, Window.ALL, NOW) == []
    assert performance(sources, Window.ALL, NOW, [AI]) == []
    assert sources.cache.read("nowhere/0-0", "key") is None
    sources.cache.write("nowhere/0-0", "key", pl.DataFrame({"a": [1]}))
    sources.cache.write("nowhere/0-0", "other", pl.DataFrame({"a": [2]}))
    assert sources.cache.read("nowhere/0-0", "key") is None
