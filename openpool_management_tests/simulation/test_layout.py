import json
import re
from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

from eth_utils.address import is_checksum_address

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.streams import Stream
from openpool_management.simulation import SimulationOptions, layout, simulate
from openpool_management_tests.simulation.conftest import LongRun

_DOCUMENTATION = [ip_network("203.0.113.0/24"), ip_network("198.51.100.0/24")]


def as_go_writes(body: bytes) -> bytes:
    """The same JSON by way of json.dumps, which lays the real objects out alike."""
    events = json.loads(body)
    return json.dumps(events, indent=2, sort_keys=True, ensure_ascii=False).encode()


def test_the_real_objects_have_the_layout_that_is_compared_with(real_events_dir: Path) -> None:
    bodies = [path.read_bytes() for path in real_events_dir.rglob("*.json")]
    assert bodies
    assert all(body == as_go_writes(body) for body in bodies)


def test_every_simulated_object_has_the_layout(long_run: LongRun) -> None:
    for written in long_run.objects:
        assert written.flush.body == as_go_writes(written.flush.body)


def test_events_have_the_fields_of_the_real_ones(long_run: LongRun, real_events_dir: Path) -> None:
    real = [
        event
        for path in real_events_dir.rglob("*.json")
        for event in json.loads(path.read_bytes()) or []
    ]

    def shapes(events: list[dict[str, object]]) -> dict[tuple[object, object], set[str]]:
        return {
            (event["NodeType"], event["EventType"]): set(event) | set(event["Payload"])  # type: ignore[call-overload]
            for event in events
        }

    simulated = shapes(long_run.events)
    for kind, fields in shapes(real).items():
        assert simulated[kind] == fields, kind


def test_a_region_is_escaped_as_go_does() -> None:
    options = SimulationOptions(streams=(Stream("ai", 'süd <&> "a"'),), events=200)
    for flush in simulate(options):
        text = flush.body.decode()
        assert 'süd \\u003c\\u0026\\u003e \\"a\\"' in text
        assert all(e["Region"] == 'süd <&> "a"' for e in json.loads(text))


def test_an_empty_flush_is_null() -> None:
    assert layout.body([]) == b"null"


def test_values_have_the_form_and_the_unit_of_the_log(long_run: LongRun) -> None:
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    addresses: set[str] = set()
    for event in long_run.events:
        assert uuid.fullmatch(event["ID"])
        assert event["Version"] == 1
        datetime.strptime(event["DT"], "%Y-%m-%dT%H:%M:%S%z")
        payload = event["Payload"]
        if (address := payload.get("ethAddress")) is not None:
            addresses.add(address)
        if "requestID" in payload:
            assert re.fullmatch(r"[0-9a-f]{8}", payload["requestID"])
        if "connection" in payload:
            host, _, port = payload["connection"].partition(":")
            assert any(ip_address(host) in network for network in _DOCUMENTATION)
            assert 0 < int(port) < 65_536
    assert ZERO_ADDRESS in addresses
    assert all(is_checksum_address(address) for address in addresses - {ZERO_ADDRESS})


def test_jobs_add_up(long_run: LongRun) -> None:
    jobs = long_run.payloads("job-processed")
    for job in jobs:
        assert job["fees"] == job["pricePerComputeUnit"] * job["computeUnits"]
        assert 0 <= job["fees"] < 2**63
        if "duration" in job:
            response_ms = job["responseTime"]
            assert job["realTimeRatio"] == (job["duration"] // response_ms if response_ms else 0)
    ai_seconds = [j["responseTime"] / 1e9 for j in long_run.payloads("job-processed", "ai")]
    assert 0.1 < min(ai_seconds) < max(ai_seconds) < 60
