"""``openpool performance``: tables, JSON, and what it refuses."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openpool_management_tests.cli.conftest import Command
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    START,
    TRANSCODE,
    body,
    key,
    processed,
    received,
    transcoded,
)


@pytest.fixture
def read(openpool: Command, tmp_path: Path) -> Command:
    """The command, with jobs of two hours ago and of two days ago read."""
    ago = int((datetime.now(UTC) - START - timedelta(hours=2)).total_seconds())
    old = ago - 2 * 86_400
    objects = {
        key(TRANSCODE, ago): [
            transcoded(ALICE, ago, units=2**64, responseTime=500),
            transcoded(BOB, ago, responseTime=1_000),
        ],
        key(TRANSCODE, old): [transcoded(BOB, old)],
        key(AI, ago): [
            received(ALICE, ago),
            received(ALICE, ago),
            processed(ago + 1, units=3, price=2**63, responseTime=1_500_000_000),
        ],
    }
    for name, events in objects.items():
        path = tmp_path / "events" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body(events))
    assert openpool("sync", OPENPOOL_EVENTS_DIR=tmp_path / "events").code == 0
    return openpool


def test_json(read: Command) -> None:
    ran = read("performance", "--json")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.json["window"] == "24h"
    ai, first, second = ran.json["workers"]
    assert (ai["stream"], ai["pipeline"], ai["model"]) == (str(AI), "upscale", "m1")
    assert (ai["worker"], ai["fees_wei"], ai["compute_units"]) == (ALICE, str(3 * 2**63), "3")
    assert (ai["answers"], ai["success_share"], ai["units_per_second"]) == (2, 0.5, 2.0)
    assert (ai["response_p50_ms"], ai["response_mean_ms"]) == (1_500.0, 1_500.0)
    assert (first["worker"], first["rank"], first["percentile"]) == (ALICE, 1, 100.0)
    assert (second["worker"], second["rank"], second["percentile"]) == (BOB, 2, 0.0)
    assert (second["jobs"], second["real_time_ratio_median"]) == (1, 2.0)
    assert first["compute_units"] == str(2**64)
    assert first["end"].endswith("Z")


def test_windows_and_streams(read: Command) -> None:
    def jobs(*options: str) -> list[int]:
        return [row["jobs"] for row in read("performance", "--json", *options).json["workers"]]

    assert jobs("--window", "7d") == jobs("--window", "all") == [1, 1, 2]
    assert jobs("--stream", str(AI)) == [1]
    assert jobs("--stream", "ai|nowhere") == []


def test_tables(read: Command) -> None:
    ran = read("performance")
    assert ran.code == 0
    assert "transcode|oceania transcode, 24h" in ran.stdout
    assert "ai|us-central upscale m1, 24h" in ran.stdout
    (line,) = [one for one in ran.stdout.splitlines() if BOB in one]
    cells = [cell.strip() for cell in line.split("│")]
    assert cells == ["2", BOB, "1", "0.000000000000000035", *["1,000.0"] * 3, "2.00", "5.0", "", ""]
    assert str(3 * 2**63) in read("performance", "--wei").stdout
    empty = read("performance", "--stream", "ai|nowhere")
    assert "No worker did anything" in empty.stdout


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--window", "1y", "none of 24h, 7d, 30d, all"), ("--stream", "ai", "nodeType|region")],
)
def test_what_it_refuses(openpool: Command, option: str, value: str, told: str) -> None:
    ran = openpool("performance", option, value)
    assert ran.code == 2 and told in " ".join(ran.stderr.split())
