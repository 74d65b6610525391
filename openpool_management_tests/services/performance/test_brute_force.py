"""Reports against a computation over all rows, however objects were split, ordered and read."""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openpool_management.services.performance.report import (
    PerformanceSources,
    Window,
    performance,
    performance_windows,
)
from openpool_management.simulation import SimulationOptions, simulate
from openpool_management_tests.ledgers import ScratchLedger, Version, sync_in_turns
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    CAROL,
    TRANSCODE,
    body,
    key,
    moment,
    processed,
    received,
    transcoded,
)
from openpool_management_tests.services.performance.brute_force import assert_agrees, brute_rows
from openpool_management_tests.services.performance.conftest import sources_of

HOUR = 3_600
DAYS = 12

JOBS = st.lists(
    st.tuples(
        st.integers(0, DAYS * 24 * 4),
        st.sampled_from([ALICE, BOB, CAROL]),
        st.sampled_from(["upscale", "llm"]),
        st.integers(0, 3_000_000_000),
        st.integers(0, 10**12),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


def versions_of(jobs: list[tuple[int, str, str, int, int, bool]]) -> list[Version]:
    """Objects of both streams for each job. AI jobs are in an object of their own, after that of
    their answer, so that those whose answer is read later are moved; some stay nobody's."""
    versions = []
    for number, (quarter, worker, pipeline, response, units, known) in enumerate(jobs):
        second = quarter * HOUR // 4 + 5 * number
        request = {"request": f"{number:08x}", "pipeline": pipeline}
        answers = [received(BOB, second, **(request | {"request": "ffffffff"}))]
        if known:
            answers.append(received(worker, second, **request))
        job = processed(second + 2, units=units, price=3, responseTime=response, **request)
        milliseconds = response // 10**6
        other = transcoded(worker, second, units=units, price=3, responseTime=milliseconds)
        versions += [
            Version(key(AI, second, second + 1), body(answers)),
            Version(key(AI, second + 2, second + 59), body([job])),
            Version(key(TRANSCODE, second, second + 59), body([other])),
        ]
    return versions


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JOBS, st.integers(), st.integers(1, 9), st.integers(0, 2 * DAYS * 24))
def test_any_split_and_order_gives_what_all_rows_add_up_to(
    jobs: list[tuple[int, str, str, int, int, bool]], seed: int, batch_objects: int, hours: int
) -> None:
    versions = versions_of(jobs)
    random.Random(seed).shuffle(versions)
    half = len(versions) // 2
    with TemporaryDirectory() as directory:
        root = Path(directory)
        with ScratchLedger.in_directory(root) as scratch:
            sources = sources_of(scratch, root / "cache")
            now = moment(hours * HOUR / 2 + 1)
            sync_in_turns(scratch, [versions[:half]], batch_objects=batch_objects)
            # What is kept of the first half must not be taken for the whole.
            performance(sources, Window.ALL, now)
            sync_in_turns(scratch, [versions], batch_objects=batch_objects)
            for window in Window:
                rows = performance(sources, window, now)
                for stream in (AI, TRANSCODE):
                    own = [row for row in rows if row.stream == stream]
                    length = window.value or timedelta(days=999)
                    assert_agrees(own, brute_rows(scratch, stream, now - length, now))
                fresh = sources_of(scratch, root / f"cache-{window.label}")
                assert performance(fresh, window, now) == rows


def test_a_simulated_pool_gives_what_all_rows_add_up_to(
    scratch: ScratchLedger,
    sources: PerformanceSources,
    fresh: Callable[[], PerformanceSources],
) -> None:
    options = SimulationOptions(
        streams=(AI, TRANSCODE), events=4_000, seed=5, jobs_per_second=0.02, flush_seconds=120
    )
    versions = [Version(flush.key, flush.body) for flush in simulate(options)]
    random.Random(5).shuffle(versions)
    sync_in_turns(scratch, [versions[::2], versions], batch_objects=40)
    last = max(max(scratch.events(stream)["dt"].to_list()) for stream in (AI, TRANSCODE))
    for now in (last - timedelta(hours=1, minutes=3), last + timedelta(seconds=1)):
        together = performance_windows(fresh(), Window, now)
        assert list(together) == list(Window)
        for window in Window:
            rows = performance(sources, window, now)
            assert performance(sources, window, now) == rows
            assert performance(fresh(), window, now) == together[window] == rows
            for stream in (AI, TRANSCODE):
                own = [row for row in rows if row.stream == stream]
                length = window.value or timedelta(days=999)
                assert_agrees(own, brute_rows(scratch, stream, now - length, now))
