import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openpool_management_tests.cli.conftest import Command, start_openpool

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LOG = ("--streams", "ai|eu-north-1,transcode|eu-north-1", "--workers", "3", "--events", "1500")
MOTO = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def contents(directory: Path) -> dict[str, bytes]:
    """Objects by key."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*.json")
    }


def test_a_seed_gives_the_same_objects_and_another_gives_others(
    openpool: Command, tmp_path: Path
) -> None:
    for folder, seed in (("one", "5"), ("same", "5"), ("other", "6")):
        ran = openpool("simulate", "--to", str(tmp_path / folder), "--seed", seed, *LOG)
        assert ran.code == 0
    one = contents(tmp_path / "one")
    assert one
    assert contents(tmp_path / "same") == one
    assert contents(tmp_path / "other") != one


def test_the_ledger_of_a_directory_is_what_the_simulation_expects(
    openpool: Command, tmp_path: Path
) -> None:
    rate = {"POOL_COMMISSION_RATE": "0.1337"}
    written = openpool("simulate", "--json", "--to", str(tmp_path / "log"), *LOG, **rate)
    assert written.json["events"] == 1500
    assert written.json["objects"] == len(contents(tmp_path / "log"))
    assert openpool("sync", OPENPOOL_EVENTS_DIR=tmp_path / "log", **rate).code == 0
    ledger = openpool("ledger", "--json", **rate).json
    assert ledger["streams"] == written.json["expected"]["streams"]
    assert set(ledger["streams"]) == {"ai|eu-north-1", "transcode|eu-north-1"}


def test_the_ledger_of_a_bucket_is_what_the_simulation_expects(
    openpool: Command, moto_endpoint: str, versioned_bucket: str
) -> None:
    options = {"S3_ENDPOINT": moto_endpoint, **MOTO}
    target = f"s3://{versioned_bucket}/"
    written = openpool("simulate", "--json", "--to", target, *LOG, **options)
    assert written.code == 0
    assert openpool("sync", S3_BUCKET=versioned_bucket, **options).code == 0
    ledger = openpool("ledger", "--json").json
    assert ledger["streams"] == written.json["expected"]["streams"]


def test_a_directory_and_a_bucket_get_the_same_bytes(
    openpool: Command,
    tmp_path: Path,
    moto_endpoint: str,
    moto_client: "S3Client",
    versioned_bucket: str,
) -> None:
    apart = (*LOG, "--collision-share", "0", "--orchestrators", "1")
    openpool("simulate", "--to", str(tmp_path), *apart)
    openpool(
        "simulate", "--to", f"s3://{versioned_bucket}", *apart, S3_ENDPOINT=moto_endpoint, **MOTO
    )
    pages = moto_client.get_paginator("list_objects_v2").paginate(Bucket=versioned_bucket)
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    in_bucket = {
        key: moto_client.get_object(Bucket=versioned_bucket, Key=key)["Body"].read() for key in keys
    }
    assert in_bucket == contents(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_live_simulation_ends_on_a_signal_with_everything_written(
    openpool: Command, tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "log"
    started = datetime.now(UTC)
    with start_openpool(
        *("simulate", "--live", "--json", "--to", str(log), *LOG),
        *("--flush-seconds", "2", "--jobs-per-second", "20"),
        home=tmp_path / "home",
    ) as process:
        assert process.stderr is not None
        assert "going on until Ctrl-C" in process.stderr.readline()
        history = len(contents(log))
        while len(contents(log)) == history and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    document = json.loads(stdout)
    assert document["events"] > 1500
    times = {event["DT"] for body in contents(log).values() for event in json.loads(body) or []}
    assert datetime.fromisoformat(max(times)) >= started.replace(microsecond=0)
    openpool("sync", OPENPOOL_EVENTS_DIR=log)
    assert openpool("ledger", "--json").json["streams"] == document["expected"]["streams"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--to", "s3://bucket/prefix"), "s3://BUCKET"),
        (("--to", "s3://bucket"), "AWS_ACCESS_KEY_ID"),
        (("--to", "log", "--streams", "ai"), "nodeType|region"),
        (("--to", "log", "--workers", "0"), "workers is 0"),
    ],
)
def test_what_cannot_be_simulated_is_wrong_usage(
    openpool: Command, arguments: tuple[str, ...], told: str
) -> None:
    ran = openpool("simulate", *arguments)
    assert ran.code == 2
    assert ran.stdout == ""
    assert told in ran.stderr


def test_a_place_that_cannot_be_written_is_a_sentence(openpool: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = openpool("simulate", "--to", str(tmp_path / "file"), *LOG)
    assert ran.code == 4
    assert "can't be written" in ran.stderr


def test_the_log_that_is_read_is_written_to_only_when_told(
    openpool: Command, tmp_path: Path
) -> None:
    log, link = tmp_path / "log", tmp_path / "link"
    log.mkdir()
    link.symlink_to(log)
    for place, read in ((log, log), (link, log), (log, link)):
        ran = openpool("simulate", "--to", str(place), *LOG, OPENPOOL_EVENTS_DIR=read)
        assert ran.code == 2
        assert "OPENPOOL_EVENTS_DIR" in ran.stderr and "--into-own-log" in ran.stderr
        assert not contents(log)
    told = ("--into-own-log", "--json", "--to", str(log))
    ran = openpool("simulate", *told, *LOG, OPENPOOL_EVENTS_DIR=log)
    assert ran.code == 0
    assert "these settings read" in ran.stderr
    assert ran.json["events"] == 1500


def test_the_bucket_that_is_read_is_refused(openpool: Command) -> None:
    ran = openpool("simulate", "--to", "s3://pool-log", *LOG, S3_BUCKET="pool-log", **MOTO)
    assert ran.code == 2
    assert "S3_BUCKET" in ran.stderr and "--into-own-log" in ran.stderr
