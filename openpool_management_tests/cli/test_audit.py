"""``trace`` and ``verify`` on the real log."""

import json
from pathlib import Path
from typing import Any

from openpool_management_tests.cli.conftest import Command


def test_a_worker_leads_to_jobs_and_each_job_to_its_object(
    openpool: Command, real_events_dir: Path, expected_ledger: dict[str, Any]
) -> None:
    openpool("sync", OPENPOOL_EVENTS_DIR=real_events_dir)
    worker, totals = next(iter(expected_ledger["ai|us-central"]["workers"].items()))
    ran = openpool("trace", worker.lower(), "--limit", "1000", "--json")
    assert ran.code == 0
    assert ran.json["worker"] == worker
    assert ran.json["errors"] == []
    own = [
        line for line in ran.json["lines"] if line["line"]["account"]["stream"] == "ai|us-central"
    ]
    jobs = [job for line in own for job in line["jobs"]]
    assert len(jobs) == totals["jobs"]
    assert sum(int(job["net_wei"]) for job in jobs) == int(totals["net_wei"])
    for job in jobs[:3]:
        events = json.loads((real_events_dir / job["object_key"]).read_text())
        assert events[job["object_index"]]["ID"] == job["event_id"]
        event = openpool("trace", job["event_id"], "--json").json
        assert event["job"]["worker"] == worker
        assert event["event"]["object_index"] == job["object_index"]
        received = events[job["object_index"]]["Payload"]["requestID"]
        assert event["job"]["pair"]["request_id"] == received
        shown = openpool("trace", job["event_id"]).stdout
        assert job["object_key"] in shown
        assert worker in shown
    assert jobs[0]["object_key"] in openpool("trace", worker, "--limit", "1000").stdout


def test_an_equal_ledger_is_verified_and_a_changed_log_is_found(
    openpool: Command, real_events_copy: Path
) -> None:
    openpool("sync", OPENPOOL_EVENTS_DIR=real_events_copy)
    equal = openpool("verify", "--json", OPENPOOL_EVENTS_DIR=real_events_copy)
    assert equal.code == 0
    assert equal.json["equal"] is True
    assert equal.json["objects"] == 28

    gone = sorted(real_events_copy.rglob("*.json"))[0]
    gone.unlink()
    found = openpool("verify", "--json", OPENPOOL_EVENTS_DIR=real_events_copy)
    assert found.code == 1
    assert found.json["equal"] is False
    assert any(gone.name in sentence for sentence in found.json["gone"])
    assert found.json["differences"]
    told = openpool("verify", OPENPOOL_EVENTS_DIR=real_events_copy)
    assert told.code == 1
    assert gone.name in told.stdout


def test_verify_sums_up_first_and_shows_the_first_differences(
    openpool: Command, real_events_copy: Path
) -> None:
    openpool("sync", OPENPOOL_EVENTS_DIR=real_events_copy)
    for path in real_events_copy.rglob("*.json"):
        path.unlink()
    found = openpool("verify", "--json", OPENPOOL_EVENTS_DIR=real_events_copy)
    told = openpool("verify", OPENPOOL_EVENTS_DIR=real_events_copy)
    assert found.code == told.code == 1
    gone, differences = found.json["gone"], found.json["differences"]
    lines = told.stdout.splitlines()
    assert f"{len(gone)} objects gone, 0 decisions refused" in lines[0]
    assert f"{len(differences)} differences" in lines[0]
    assert len(gone) > 20
    assert lines[1:21] == gone[:20]
    assert lines[21].startswith(f"... and {len(gone) - 20} more")


def test_verify_needs_the_event_log(openpool: Command) -> None:
    assert openpool("verify", "--json").code == 2
