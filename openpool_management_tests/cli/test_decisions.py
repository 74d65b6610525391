"""Held items, unattributed jobs and commission through the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from openpool_management_tests.cli.conftest import Command

KEY = "us-west/transcode/us-west-transcode-20261122T194256Z_20261122T194306Z.json"
WORKER = "0x00000000000000000000000000000000000000A1"


@pytest.fixture
def log(real_events_copy: Path) -> Path:
    """The real objects, one job of which states a fee that is not its price times its units."""
    path = real_events_copy / KEY
    events = json.loads(path.read_text())
    job = next(event for event in events if event["EventType"] == "job-processed")
    job["Payload"]["fees"] += 1
    path.write_text(json.dumps(events))
    return real_events_copy


@pytest.fixture
def unpaired_log(real_events_copy: Path) -> Path:
    """The real objects, one of which has no job-received any more."""
    path = sorted(real_events_copy.glob("us-central/ai/*.json"))[3]
    events = json.loads(path.read_text())
    kept = [event for event in events if event["EventType"] != "job-received"]
    assert 0 < len(kept) < len(events)
    path.write_text(json.dumps(kept))
    return real_events_copy


def held_one(openpool: Command, log: Path) -> dict[str, Any]:
    """The one item that is held once the log is read."""
    openpool("sync", OPENPOOL_EVENTS_DIR=log)
    (row,) = openpool("held", "list", "--json").json
    found: dict[str, Any] = row
    return found


def test_a_held_event_is_listed_shown_and_released(
    openpool: Command, log: Path, expected_ledger: dict[str, Any]
) -> None:
    row = held_one(openpool, log)
    assert (row["reason"], row["object_key"], row["stream"]) == (
        "fee-mismatch",
        KEY,
        "transcode|us-west",
    )
    assert row["id"] in openpool("held", "list").stdout
    shown = openpool("held", "show", row["id"], "--json")
    assert shown.json == row
    assert row["detail"] in openpool("held", "show", row["id"]).stdout
    before = openpool("ledger", "--json").json
    assert before["held"] == 1

    released = openpool("held", "release", row["id"], "--reason", "checked by hand", "--json")
    assert released.code == 0
    assert released.json["decision"] == "release"
    after = openpool("ledger", "--json").json
    assert after["held"] == 0
    wanted = expected_ledger["transcode|us-west"]["workers"]
    got = after["streams"]["transcode|us-west"]["workers"]
    earned_wei = [sum(int(one["gross_wei"]) for one in of.values()) for of in (wanted, got)]
    assert earned_wei[1] == earned_wei[0] + 1

    again = openpool("held", "release", row["id"], "--reason", "once more", "--json")
    assert again.code == 2
    assert again.stdout == ""
    assert "a decision is final" in again.stderr
    assert openpool("held", "list", "--json").json == []
    (decided,) = openpool("held", "list", "--all", "--json").json
    assert decided["decision"]["reason"] == "checked by hand"
    assert openpool("verify", OPENPOOL_EVENTS_DIR=log).code == 0


def test_a_held_item_says_what_can_be_decided_on_it(openpool: Command, log: Path) -> None:
    row = held_one(openpool, log)
    assert f"openpool held release {row['id']}" in openpool("held", "show", row["id"]).stdout
    openpool("held", "dismiss", row["id"], "--reason", "made up")
    assert "A decision is final." in openpool("held", "show", row["id"]).stdout


def test_a_whole_object_can_only_be_dismissed(openpool: Command, real_events_copy: Path) -> None:
    (real_events_copy / KEY).write_text("[{")
    row = held_one(openpool, real_events_copy)
    assert row["event_index"] == -1
    shown = openpool("held", "show", row["id"]).stdout
    assert "whole object" in shown and "│ -1" not in shown
    assert "can't be released, only dismissed" in shown
    assert "held release" not in shown


def test_a_start_without_a_zone_is_shown_with_one(openpool: Command) -> None:
    ran = openpool("commission", "set", "0.1", "--from", "2099-01-01", "--reason", "agreed")
    assert ran.code == 2
    assert "2099-01-01T00:00:00Z" in ran.stderr


def test_a_held_event_is_dismissed_once(openpool: Command, log: Path) -> None:
    row = held_one(openpool, log)
    before = openpool("ledger", "--json").json
    dismissed = openpool("held", "dismiss", row["id"], "--reason", "made up", "--json")
    assert dismissed.code == 0
    assert dismissed.json["decision"]["reason"] == "made up"
    assert openpool("ledger", "--json").json == before | {"held": 0}
    assert openpool("held", "dismiss", row["id"], "--reason", "again").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("held", "show", "H000000000000"),
        ("held", "dismiss", "H000000000000", "--reason", "none"),
        ("held", "release", "H000000000000", "--reason", "none", "--also", "nonsense"),
        ("unattributed", "assign", "no-such-id", WORKER, "--reason", "none"),
        ("commission", "set", "1.5", "--reason", "too much"),
        ("commission", "set", "0.00001", "--reason", "too fine"),
        ("commission", "set", "0.1", "--bps", "10", "--reason", "twice"),
        ("commission", "set", "--reason", "nothing"),
        ("commission", "set", "0.1", "--worker", "0x12", "--reason", "nobody"),
        ("commission", "set", "0.1", "--from", "tomorrow", "--reason", "when"),
        ("commission", "set", "0.1", "--from", "2026-01-01T00:00:00", "--reason", "where"),
        ("trace", "no-such-id"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_decided_is_a_sentence(
    openpool: Command, arguments: tuple[str, ...]
) -> None:
    ran = openpool(*arguments, "--json")
    assert ran.code == 2
    assert ran.stdout == ""
    assert ran.stderr.strip()
    assert "Traceback" not in ran.stderr


def test_unattributed_jobs_are_listed_and_assigned(openpool: Command, unpaired_log: Path) -> None:
    openpool("sync", OPENPOOL_EVENTS_DIR=unpaired_log)
    jobs = openpool("unattributed", "list", "--json").json
    assert jobs
    before = openpool("ledger", "--json").json["streams"]["ai|us-central"]
    assert before["unattributed"]["jobs"] == len(jobs)
    job = next(job for job in jobs if int(job["fees_wei"]))
    assert job["event_id"] in openpool("unattributed", "list").stdout

    assigned = openpool(
        *("unattributed", "assign", job["event_id"], WORKER.lower()),
        *("--reason", "said so by telephone", "--json"),
    )
    assert assigned.code == 0
    assert assigned.json["worker"] == WORKER
    after = openpool("ledger", "--json").json["streams"]["ai|us-central"]
    assert after["unattributed"]["jobs"] == len(jobs) - 1
    assert after["workers"][WORKER]["gross_wei"] == job["fees_wei"]
    event = openpool("trace", job["event_id"], "--json").json
    assert event["job"]["worker"] == WORKER
    assert event["job"]["changes"][0]["reason"] == "said so by telephone"


def test_the_commission_has_a_history(openpool: Command) -> None:
    (first,) = openpool("commission", "list", "--json").json
    other = openpool("commission", "list", "--json", POOL_COMMISSION_RATE="0.5")
    assert "POOL_COMMISSION_RATE is 50 %" in other.stderr
    assert other.json == [first]
    assert (first["worker"], first["fee_bps"]) == ("", 2500)
    by_share = openpool("commission", "set", "0.1234", "--reason", "agreed", "--json")
    assert (by_share.json["fee_bps"], by_share.json["worker"]) == (1234, "")
    start = "2030-01-01T00:00:00Z"
    own = ("commission", "set", "--worker", WORKER)
    assert openpool(*own, "--bps", "0", "--from", start, "--reason", "a friend").code == 0
    later = "2031-01-01T00:00:00Z"
    assert openpool(*own, "--end", "--from", later, "--reason", "no more").code == 0
    assert openpool(*own, "--bps", "7", "--from", later, "--reason", "again").code == 2
    listed = openpool("commission", "list", "--json")
    assert [(row["worker"], row["fee_bps"]) for row in listed.json] == [
        ("", 2500),
        ("", 1234),
        (WORKER, 0),
        (WORKER, None),
    ]
    assert listed.json[2]["effective_from"] == start
    assert "12.34 %" in openpool("commission", "list").stdout
