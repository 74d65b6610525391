from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openpool_management_tests.cli.conftest import Command
from openpool_management_tests.servers.fault_proxy import Fault, FaultProxy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

OBJECTS = {"ai|us-central": 16, "transcode|oceania": 4, "transcode|us-west": 8}


def test_sync_tells_what_it_read_and_reads_it_once(
    openpool: Command, real_events_dir: Path
) -> None:
    first = openpool("sync", "--json", OPENPOOL_EVENTS_DIR=real_events_dir)
    assert first.code == 0
    assert first.stderr == ""
    streams = first.json["streams"]
    assert {name: counts["objects"] for name, counts in streams.items()} == OBJECTS
    assert all(counts["events"] and not counts["unread"] for counts in streams.values())

    again = openpool("sync", "--json", "--full", OPENPOOL_EVENTS_DIR=real_events_dir)
    assert again.code == 0
    assert [counts["objects"] for counts in again.json["streams"].values()] == [0, 0, 0]


def test_sync_reads_a_bucket(
    openpool: Command,
    moto_endpoint: str,
    moto_client: "S3Client",
    versioned_bucket: str,
    real_events_dir: Path,
    expected_ledger: dict[str, Any],
) -> None:
    for path in sorted(real_events_dir.rglob("*.json")):
        key = str(path.relative_to(real_events_dir))
        moto_client.put_object(Bucket=versioned_bucket, Key=key, Body=path.read_bytes())
    ran = openpool(
        "sync",
        S3_BUCKET=versioned_bucket,
        S3_ENDPOINT=moto_endpoint,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        MAX_FILES_PER_BATCH=5,
    )
    assert ran.code == 0
    assert "6,033" in ran.stdout
    assert openpool("ledger", "--json").json["streams"] == expected_ledger


def test_sync_of_one_stream_leaves_the_others(
    openpool: Command, real_events_dir: Path, expected_ledger: dict[str, Any]
) -> None:
    ran = openpool("sync", "--stream", "transcode|oceania", OPENPOOL_EVENTS_DIR=real_events_dir)
    assert ran.code == 0
    assert openpool("ledger", "--json").json["streams"] == {
        "transcode|oceania": expected_ledger["transcode|oceania"]
    }


@pytest.mark.parametrize("stream", ["transcode|nowhere", "oceania"])
def test_a_stream_that_is_none_is_wrong_usage(
    openpool: Command, real_events_dir: Path, stream: str
) -> None:
    ran = openpool("sync", "--stream", stream, OPENPOOL_EVENTS_DIR=real_events_dir)
    assert ran.code == 2
    assert ran.stdout == ""
    assert stream in ran.stderr


def test_an_object_that_cannot_be_read_is_told_and_the_rest_is_read(
    openpool: Command,
    moto_endpoint: str,
    moto_client: "S3Client",
    bucket: str,
    real_events_dir: Path,
    expected_ledger: dict[str, Any],
) -> None:
    folder = real_events_dir / "oceania"
    keys = [str(path.relative_to(real_events_dir)) for path in sorted(folder.rglob("*.json"))]
    for key in keys:
        moto_client.put_object(Bucket=bucket, Key=key, Body=(real_events_dir / key).read_bytes())

    def refused(path: str) -> Fault | None:
        return Fault(status=403, code="AccessDenied") if path.endswith(keys[1]) else None

    options = {"S3_BUCKET": bucket, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with FaultProxy(moto_endpoint, refused) as proxy:
        ran = openpool("sync", "--json", S3_ENDPOINT=proxy.endpoint_url, **options)
    assert ran.code == 3
    counts = ran.json["streams"]["transcode|oceania"]
    assert counts["objects"] == len(keys) - 1
    assert counts["unread"] == [keys[1]]
    assert keys[1] in ran.stderr

    assert openpool("sync", S3_ENDPOINT=moto_endpoint, **options).code == 0
    stream = openpool("ledger", "--json").json["streams"]["transcode|oceania"]
    assert stream == expected_ledger["transcode|oceania"]


def test_without_an_event_log_it_says_what_to_set(openpool: Command) -> None:
    ran = openpool("sync", "--json")
    assert ran.code == 2
    assert ran.stdout == ""
    assert "S3_BUCKET" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_unreachable_store_is_a_sentence(openpool: Command) -> None:
    ran = openpool(
        "sync",
        S3_BUCKET="pool-events",
        S3_ENDPOINT="http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="hush-hush",
    )
    assert ran.code == 4
    assert ran.stderr.startswith("s3://pool-events could not be listed")
    assert "hush-hush" not in ran.stdout + ran.stderr


def test_a_missing_bucket_is_a_sentence(openpool: Command, moto_endpoint: str) -> None:
    ran = openpool(
        "sync",
        S3_BUCKET="no-such-bucket",
        S3_ENDPOINT=moto_endpoint,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
    )
    assert ran.code == 4
    assert "there is no such bucket" in ran.stderr
