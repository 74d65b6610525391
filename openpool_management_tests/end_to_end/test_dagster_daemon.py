"""Dagster as it is used: webserver, daemon and run processes, on a real S3 server."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from openpool_management.assets import ASSETS
from openpool_management.checks import DEEP_CHECKS
from openpool_management.pool import Pool, utc_now
from openpool_management.services.ledger_report import ledger_document
from openpool_management.settings import Settings
from openpool_management_tests.servers.dagster_dev import DagsterDev
from openpool_management_tests.servers.fault_proxy import Fault, FaultProxy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ROOT = Path(__file__).parent.parent.parent
WAIT_SECONDS = 180

RUNS = "{ runsOrError { ... on Runs { results { runId jobName status tags { key value } } } } }"
CHECKS = """
{ assetNodes { assetKey { path } partitionStats { numMaterialized numPartitions }
  assetChecksOrError { ... on AssetChecks { checks {
    name executionForLatestMaterialization { runId status } } } } } }
"""
TICKS = """
{ sensorOrError(sensorSelector: {
    repositoryLocationName: "openpool_management", repositoryName: "__repository__",
    sensorName: "event_log_sensor"}) {
  ... on Sensor { sensorState { status ticks(limit: 5) { status skipReason } } } } }
"""


class Site:
    """An operator's machine: an event log in S3, a home, and the project's dagster.yaml."""

    def __init__(self, home: Path, client: "S3Client", bucket: str, events: Path) -> None:
        self.home = home
        self.storage = home / "dagster"
        self.client = client
        self.bucket = bucket
        self.events = events
        self.starts = 0
        config = (ROOT / "dagster.yaml").read_text()
        (home / "dagster.yaml").write_text(config.replace(".openpool/dagster", str(self.storage)))

    def keys(self, stream: str) -> list[str]:
        """Keys of the real objects of a stream."""
        node_type, region = stream.split("|")
        return sorted(
            path.relative_to(self.events).as_posix()
            for path in (self.events / region / node_type).iterdir()
        )

    def put(self, keys: list[str]) -> None:
        """Upload some of the real objects."""
        for key in keys:
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=(self.events / key).read_bytes()
            )

    def start(self, endpoint: str | None) -> DagsterDev:
        """Start ``dagster dev`` in the checkout; without an endpoint, on no event log."""
        self.starts += 1
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "DAGSTER_HOME": str(self.home),
            "OPENPOOL_HOME": str(self.home / "openpool"),
            "S3_SENSOR_INTERVAL_SECONDS": "5",
            # Half a day away: what is read here, the sensor has asked for.
            "OPENPOOL_FULL_LISTING_CRON": f"0 {(utc_now().hour + 12) % 24} * * *",
        }
        if endpoint:
            environment |= {
                "S3_BUCKET": self.bucket,
                "S3_ENDPOINT": endpoint,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            }
        log = self.home / f"dagster-{self.starts}.log"
        return DagsterDev(env=environment, cwd=ROOT, log=log)

    def streams(self) -> dict[str, Any]:
        """The ledger as it stands, by stream."""
        pool = Pool(Settings(home=self.home / "openpool"))
        try:
            streams: dict[str, Any] = ledger_document(pool.books)["streams"]
            return streams
        finally:
            pool.engine.dispose()


@pytest.fixture
def site(tmp_path: Path, moto_client: "S3Client", bucket: str, real_events_dir: Path) -> Site:
    """A machine with an empty bucket."""
    return Site(tmp_path, moto_client, bucket, real_events_dir)


def wait_for(what: str, done: Callable[[], bool]) -> None:
    """Poll until done."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.5)


def run_processes(session: int) -> list[int]:
    """Ids of the processes of a session that work on a run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # Fields after the name in parentheses: state, parent, group, session.
            in_session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
            command = (folder / "cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            continue
        if in_session == session and b"multiprocessing" in command and b"spawn_main" in command:
            found.append(int(folder.name))
    return found


def runs_of(dagster: DagsterDev) -> list[dict[str, Any]]:
    """Runs that read, newest first; the clock may start others at any time."""
    runs: list[dict[str, Any]] = dagster.graphql(RUNS)["runsOrError"]["results"]
    return [run for run in runs if run["jobName"] == "ingest_job"]


def test_without_options_the_sensor_ticks_and_says_what_to_set(site: Site) -> None:
    with site.start(None) as dagster:

        def ticked() -> list[dict[str, Any]]:
            state = dagster.graphql(TICKS)["sensorOrError"]["sensorState"]
            assert state["status"] == "RUNNING"
            ticks: list[dict[str, Any]] = state["ticks"]
            return ticks

        wait_for("a tick", lambda: any(tick["skipReason"] for tick in ticked()))
        tick = next(tick for tick in ticked() if tick["skipReason"])
        assert tick["status"] == "SKIPPED"
        assert "S3_BUCKET" in tick["skipReason"] and "OPENPOOL_EVENTS_DIR" in tick["skipReason"]
        assert runs_of(dagster) == []


@pytest.mark.timeout(600)  # Dagster starts twice, and may take minutes on a busy machine
def test_daemon_and_sensor_end_at_the_expected_ledger(
    site: Site, moto_endpoint: str, expected_ledger: dict[str, Any]
) -> None:
    """A run is killed while it reads, streams appear, then the power fails and storage is lost."""
    ai, oceania, west = sorted(expected_ledger)
    first, rest = site.keys(ai)[::2], site.keys(ai)[1::2]
    site.put(first)
    killed: list[int] = []
    started: list[DagsterDev] = []

    def kill_the_reader(path: str) -> Fault | None:
        # Not the listing: the run is between its first object and its commit.
        if not killed and unquote(path).partition("?")[0].endswith(first[1]):
            killed.extend(run_processes(started[0].process.pid))
            for number in killed:
                os.kill(number, signal.SIGKILL)
            return Fault(503)
        return None

    with FaultProxy(moto_endpoint, kill_the_reader) as proxy:
        with site.start(proxy.endpoint_url) as dagster:
            started.append(dagster)
            wait_for("the killed run", lambda: bool(killed))
            wait_for("half of a stream", lambda: ai in site.streams())
            statuses = {run["status"] for run in runs_of(dagster)}
            assert "FAILURE" in statuses
            site.put(site.keys(oceania))
            wait_for(
                "a stream of later",
                lambda: site.streams().get(oceania) == expected_ledger[oceania],
            )
            tags = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in runs_of(dagster)]
            assert {tag["openpool/stream"] for tag in tags} == {ai, oceania}
            dagster.kill()
        shutil.rmtree(site.storage)
        site.put(rest)
        site.put(site.keys(west))
        with site.start(proxy.endpoint_url) as dagster:
            wait_for("the expected ledger", lambda: site.streams() == expected_ledger)
            wait_for(
                "the end of the runs",
                lambda: {run["status"] for run in runs_of(dagster)} == {"SUCCESS"},
            )
            # Oceania had nothing to read, so after the loss it was not run.
            assert len(runs_of(dagster)) == 2
            assert_pages(dagster)
    assert site.streams() == expected_ledger


def assert_pages(dagster: DagsterDev) -> None:
    """Every asset of the ledgers was materialized, and only the check on silent streams fails.

    Deep checks are left to the hourly job, whose time may come meanwhile.
    """
    reading = {run["runId"] for run in runs_of(dagster)}
    deep = {key.name for check in DEEP_CHECKS for key in check.check_keys}
    read = {asset.key.path[-1] for asset in ASSETS}
    every = dagster.graphql(CHECKS)["assetNodes"]
    nodes = [node for node in every if node["assetKey"]["path"][-1] in read]
    assert len(nodes) == len(ASSETS)
    for node in nodes:
        stats = node["partitionStats"]
        assert stats is None or (stats["numMaterialized"], stats["numPartitions"]) == (2, 3)
        for check in node["assetChecksOrError"].get("checks", []):
            latest = check["executionForLatestMaterialization"]
            if latest is not None and latest["runId"] not in reading:
                continue
            if check["name"] in deep:
                assert latest is None
            else:
                assert latest["status"] == "SUCCEEDED" or check["name"] == "no_stream_silent"
