"""The truth that the simulator keeps, against what a slow reader makes of the objects."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.simulation import Simulation, SimulationOptions, expected_ledger, simulate
from openpool_management_tests.simulation.conftest import Event, LongRun, WrittenObject

WINDOW = timedelta(hours=1)


def in_stream_order(objects: list[WrittenObject]) -> list[Event]:
    ordered = sorted(objects, key=lambda written: (written.times.start, written.flush.key))
    return [event for written in ordered for event in written.events]


def jobs_by_worker(events: list[Event]) -> dict[str | None, list[tuple[str, int, int]]]:
    """(pipeline, compute units, fees) of each job; None is the worker of an unpaired one."""
    open_jobs: defaultdict[tuple[str, str, str], list[Event]] = defaultdict(list)
    jobs: defaultdict[str | None, list[tuple[str, int, int]]] = defaultdict(list)
    for event in events:
        payload = event["Payload"]
        if event["EventType"] not in ("job-received", "job-processed"):
            continue
        if event["NodeType"] == "transcode":
            worker, pipeline = payload["ethAddress"], "transcode"
        else:
            pipeline = payload["pipeline"]
            received = open_jobs[payload["requestID"], pipeline, payload["modelID"]]
            if event["EventType"] == "job-received":
                received.append(event)
                continue
            nearest = received.pop() if received else None
            if nearest and age(nearest, event) > WINDOW:
                nearest = None
            worker = nearest["Payload"]["ethAddress"] if nearest else None
        jobs[worker].append((pipeline, payload["computeUnits"], payload["fees"]))
    return jobs


def age(earlier: Event, later: Event) -> timedelta:
    return datetime.fromisoformat(later["DT"]) - datetime.fromisoformat(earlier["DT"])


def naive_stream(objects: list[WrittenObject], fee_bps: int) -> dict[str, Any]:
    events = in_stream_order(objects)
    jobs = jobs_by_worker(events)

    def fees(of: list[tuple[str, int, int]]) -> dict[str, Any]:
        return {"jobs": len(of), "gross_wei": str(sum(fees for _, _, fees in of))}

    stream: dict[str, Any] = {
        "events": dict(Counter(event["EventType"] for event in events)),
        "unattributed": fees(jobs.pop(None, [])),
    }
    if ZERO_ADDRESS in jobs:
        stream["held"] = fees(jobs.pop(ZERO_ADDRESS))
    stream["workers"] = {}
    for worker, done in jobs.items():
        units: Counter[str] = Counter()
        for pipeline, compute_units, _ in done:
            units[pipeline] += compute_units
        net_wei = sum(fee * (10_000 - fee_bps) // 10_000 for _, _, fee in done)
        stream["workers"][worker] = fees(done) | {
            "compute_units": dict(units),
            "net_wei": str(net_wei),
            "commission_wei": str(sum(fee for _, _, fee in done) - net_wei),
        }
    return stream


def naive_ledger(objects: list[WrittenObject], fee_bps: int) -> dict[str, Any]:
    by_stream: defaultdict[str, list[WrittenObject]] = defaultdict(list)
    for written in objects:
        by_stream[str(written.stream)].append(written)
    return {"streams": {name: naive_stream(own, fee_bps) for name, own in by_stream.items()}}


@pytest.mark.parametrize("fee_bps", [0, 1, 2_500, 3_333, 10_000])
def test_the_truth_is_what_a_slow_reader_finds(long_run: LongRun, fee_bps: int) -> None:
    assert expected_ledger(long_run.simulation, fee_bps) == naive_ledger(long_run.objects, fee_bps)


@pytest.mark.parametrize("seed", range(6))
def test_it_is_so_for_odd_cadences(seed: int) -> None:
    options = SimulationOptions(
        events=4_000,
        seed=seed,
        workers=1 + seed,
        orchestrators=1 + seed % 4,
        flush_seconds=(2, 7, 60)[seed % 3],
        flush_events=(20, 60, 10_000)[seed % 3],
        jobs_per_second=(0.02, 1, 3)[seed % 3],
        collision_share=0.5,
        late_share=0.3,
    )
    objects = [WrittenObject.read(flush) for flush in simulate(options)]
    assert expected_ledger(options) == naive_ledger(objects, 2_500)


def test_the_long_run_holds_and_misses_some_fees(long_run: LongRun) -> None:
    streams = expected_ledger(long_run.simulation)["streams"]
    assert streams["ai|us-central-1"]["unattributed"]["jobs"]
    for stream in streams.values():
        assert stream["held"]["jobs"]
        assert len(stream["workers"]) == long_run.simulation.options.workers


def test_a_stream_without_garbage_has_nothing_held() -> None:
    simulation = Simulation(SimulationOptions(events=60))
    assert list(simulation.run())
    assert all("held" not in stream for stream in simulation.expected_ledger()["streams"].values())
