"""Each trap of the real log happens in a long enough run."""

from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise

import pytest

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management_tests.simulation.conftest import LongRun

AI = "ai"


def received_workers(run: LongRun) -> dict[str, list[str]]:
    workers = defaultdict(list)
    for payload in run.payloads("job-received"):
        workers[payload["requestID"]].append(payload["ethAddress"])
    return workers


def processed_requests(run: LongRun) -> Counter[str]:
    return Counter(payload["requestID"] for payload in run.payloads("job-processed", AI))


@pytest.mark.parametrize(
    "event_type",
    [
        "orchestrator-reset",
        "worker-connected",
        "worker-disconnected",
        "job-received",
        "job-processed",
        "ticket-redeemed",
    ],
)
def test_every_event_type_happens(long_run: LongRun, event_type: str) -> None:
    assert long_run.payloads(event_type)


def test_an_unknown_event_type_happens_seldom(long_run: LongRun) -> None:
    assert 0 < len(long_run.payloads("worker-benchmarked")) < len(long_run.events) / 500


def test_a_retry_is_received_twice_and_processed_once(long_run: LongRun) -> None:
    processed = processed_requests(long_run)
    assert any(
        len(workers) == 2 and workers[0] != workers[1] and processed[request] == 1
        for request, workers in received_workers(long_run).items()
    )


def test_errors_are_received_and_never_processed(long_run: LongRun) -> None:
    processed = processed_requests(long_run)
    failed = [
        payload
        for payload in long_run.payloads("job-received")
        if payload["pipeline"] != "live-video-to-video" and not processed[payload["requestID"]]
    ]
    assert 0 < len(failed) < len(long_run.payloads("job-received")) / 10


def test_live_video_is_received_alone(long_run: LongRun) -> None:
    received = Counter(p["pipeline"] for p in long_run.payloads("job-received"))
    processed = Counter(p["pipeline"] for p in long_run.payloads("job-processed", AI))
    assert received["live-video-to-video"]
    assert not processed["live-video-to-video"]


def test_some_jobs_are_processed_and_never_received(long_run: LongRun) -> None:
    orphans = processed_requests(long_run).keys() - received_workers(long_run).keys()
    assert 0 < len(orphans) < len(long_run.payloads("job-processed", AI)) / 50


def test_pairs_straddle_two_objects(long_run: LongRun) -> None:
    received_in = {
        event["Payload"]["requestID"]: number
        for number, written in enumerate(long_run.objects)
        for event in written.events
        if event["EventType"] == "job-received"
    }
    straddling = [
        event
        for number, written in enumerate(long_run.objects)
        for event in written.events
        if event["EventType"] == "job-processed"
        and received_in.get(event["Payload"].get("requestID"), number) != number
    ]
    assert len(straddling) > 10


def test_a_request_id_comes_again_beyond_any_pairing_window(long_run: LongRun) -> None:
    seen: dict[str, datetime] = {}
    gaps = []
    for event in long_run.events:
        if event["NodeType"] == AI and event["EventType"] == "job-processed":
            at = datetime.fromisoformat(event["DT"])
            request = event["Payload"]["requestID"]
            if request in seen:
                gaps.append((at - seen[request]).total_seconds())
            seen[request] = at
    assert gaps
    assert min(gaps) > 7_200


def test_workers_reconnect_without_having_disconnected(long_run: LongRun) -> None:
    assert len(long_run.payloads("orchestrator-reset")) > 2 * 2
    assert len(long_run.payloads("worker-connected")) > len(
        long_run.payloads("worker-disconnected")
    )


def test_a_worker_that_declares_garbage_is_the_zero_address(long_run: LongRun) -> None:
    for event_type in ("worker-connected", "job-received"):
        addresses = Counter(p["ethAddress"] for p in long_run.payloads(event_type))
        assert 0 < addresses[ZERO_ADDRESS] < sum(addresses.values()) / 5
    assert ZERO_ADDRESS in {
        p["ethAddress"] for p in long_run.payloads("job-processed", "transcode")
    }


def test_some_jobs_are_free(long_run: LongRun) -> None:
    for node_type in (AI, "transcode"):
        fees = [p["fees"] for p in long_run.payloads("job-processed", node_type)]
        assert 0 < fees.count(0) < len(fees) / 10


def test_tickets_are_wide_fail_and_repeat(long_run: LongRun) -> None:
    tickets = long_run.payloads("ticket-redeemed")
    assert max(t["faceValue"] for t in tickets) > 2**63
    assert max(t["winProb"] for t in tickets) == 2**256 - 1
    prices = {t["pricePerPixel"] for t in tickets}
    assert None in prices
    assert any(p and "/" in p for p in prices)
    assert any(p and p.isdecimal() for p in prices)
    hashes = Counter(t["txHash"] for t in tickets)
    assert hashes.pop("0x" + "0" * 64)
    assert max(hashes.values()) > 1


def test_some_objects_are_null(long_run: LongRun) -> None:
    empty = sum(written.flush.body == b"null" for written in long_run.objects)
    assert 0 < empty < len(long_run.objects) / 10


def test_some_objects_are_written_after_newer_ones(long_run: LongRun) -> None:
    newest: dict[object, datetime] = {}
    late_by = []
    for written in long_run.objects:
        previous = newest.setdefault(written.stream, written.times.start)
        late_by.append((previous - written.times.start).total_seconds())
        newest[written.stream] = max(previous, written.times.start)
    assert max(late_by) > long_run.simulation.options.flush_seconds


def test_some_keys_come_twice_with_other_content(long_run: LongRun) -> None:
    bodies = defaultdict(set)
    for written in long_run.objects:
        bodies[written.flush.key].add(written.flush.body)
    colliding = sum(len(contents) == 2 for contents in bodies.values())
    assert 3 <= colliding < len(bodies) / 5


def test_events_within_an_object_are_not_strictly_in_time_order(long_run: LongRun) -> None:
    assert any(
        later["DT"] < earlier["DT"]
        for written in long_run.objects
        for earlier, later in pairwise(written.events)
    )
