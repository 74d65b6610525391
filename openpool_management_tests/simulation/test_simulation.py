import json
from collections import Counter
from itertools import pairwise

import pytest

from openpool_management.domain.streams import Stream
from openpool_management.simulation import SimulationOptions, simulate
from openpool_management_tests.simulation.conftest import LongRun, WrittenObject


def test_the_same_options_give_the_same_bytes_in_the_same_order() -> None:
    options = SimulationOptions(events=6_000, seed=5)
    assert list(simulate(options)) == list(simulate(options))


def test_another_seed_gives_another_log() -> None:
    first, second = (
        {flush.body for flush in simulate(SimulationOptions(events=600, seed=seed))}
        for seed in (1, 2)
    )
    assert not (first & second) - {b"null"}


@pytest.mark.parametrize("events", [0, 1, 2, 7, 100, 3_001])
@pytest.mark.parametrize("workers", [1, 5])
@pytest.mark.parametrize("orchestrators", [1, 3])
def test_the_number_of_events_is_exact(events: int, workers: int, orchestrators: int) -> None:
    options = SimulationOptions(events=events, workers=workers, orchestrators=orchestrators)
    assert sum(len(json.loads(flush.body) or []) for flush in simulate(options)) == events


def test_a_long_run_has_the_exact_number_of_events_each_with_its_own_id(long_run: LongRun) -> None:
    ids = {event["ID"] for event in long_run.events}
    assert len(long_run.events) == len(ids) == long_run.simulation.options.events


def test_keys_state_the_first_and_the_last_queued_event(long_run: LongRun) -> None:
    moved = 0
    for written in long_run.objects:
        if not written.events:
            continue
        assert f"{written.times.start:%Y-%m-%dT%H:%M:%SZ}" == written.events[0]["DT"]
        moved += f"{written.times.end:%Y-%m-%dT%H:%M:%SZ}" != written.events[-1]["DT"]
    # Only a flush whose key was taken by accident may state a later end.
    assert moved <= len(long_run.objects) // 500


def test_streams_end_at_about_the_same_time(long_run: LongRun) -> None:
    ends = {
        written.stream: max(o.times.end for o in long_run.objects if o.stream == written.stream)
        for written in long_run.objects
    }
    span = max(ends.values()) - long_run.simulation.options.start
    assert max(ends.values()) - min(ends.values()) < span / 10
    assert abs(span.total_seconds() / long_run.simulation.options.span_seconds - 1) < 0.1


def test_without_collisions_no_key_comes_twice() -> None:
    options = SimulationOptions(events=20_000, collision_share=0, jobs_per_second=0.05, workers=2)
    keys = [flush.key for flush in simulate(options)]
    assert len(keys) == len(set(keys))


def test_without_late_objects_each_orchestrator_writes_in_order() -> None:
    options = SimulationOptions(
        streams=(Stream("ai", "x"),), events=20_000, orchestrators=1, late_share=0
    )
    starts = [WrittenObject.read(flush).times.start for flush in simulate(options)]
    assert all(earlier <= later for earlier, later in pairwise(starts))


def test_a_crowded_queue_is_flushed_at_its_threshold() -> None:
    options = SimulationOptions(events=20_000, flush_events=500, jobs_per_second=20)
    sizes = Counter(len(json.loads(flush.body) or []) for flush in simulate(options))
    assert max(sizes) == 500
    assert sizes[500] > 3
