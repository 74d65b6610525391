"""``openpool archive``, and what other commands say of what it moved."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openpool_management_tests.cli.conftest import Command

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

OBJECTS = 28


@pytest.fixture
def options(
    openpool: Command,
    moto_client: "S3Client",
    moto_endpoint: str,
    versioned_bucket: str,
    bucket: str,
    real_events_dir: Path,
) -> dict[str, Any]:
    """The real objects in a bucket, read, and the options of an archive beside it."""
    for path in sorted(real_events_dir.rglob("*.json")):
        name = str(path.relative_to(real_events_dir))
        moto_client.put_object(Bucket=versioned_bucket, Key=name, Body=path.read_bytes())
    options = {
        "S3_BUCKET": versioned_bucket,
        "S3_ARCHIVE_BUCKET": bucket,
        "S3_ARCHIVE_PREFIX": "old/",
        "S3_ENDPOINT": moto_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    assert openpool("sync", **options).code == 0
    return options


def test_the_real_ledger_stands_when_all_its_objects_are_archived(
    openpool: Command, options: dict[str, Any], expected_ledger: dict[str, Any]
) -> None:
    young = openpool("archive", "--delete", "--json", **options)
    assert young.code == 0
    assert {it["deleted"] for it in young.json["streams"].values()} == {0}

    ran = openpool("archive", "--delete", "--older-than", "0", "--json", **options)
    assert ran.code == 0 and ran.stderr == ""
    assert ran.json["archive"] == f"s3://{options['S3_ARCHIVE_BUCKET']}/old/"
    reports = ran.json["streams"].values()
    assert sum(it["archived"] for it in reports) == sum(it["deleted"] for it in reports) == OBJECTS
    assert all(it["failed"] == [] for it in reports)

    synced = openpool("sync", "--full", "--json", **options)
    assert synced.code == 0
    assert sum(it["objects"] for it in synced.json["streams"].values()) == 0
    assert openpool("ledger", "--json").json["streams"] == expected_ledger
    verified = openpool("verify", "--json", **options)
    assert (verified.code, verified.json["equal"], verified.json["objects"]) == (0, True, OBJECTS)
    assert "error" not in {it["level"] for it in openpool("doctor", "--json", **options).json}


def test_a_dry_run_says_what_would_be_done(openpool: Command, options: dict[str, Any]) -> None:
    ran = openpool("archive", "--dry-run", "--delete", "--older-than", "0", **options)
    assert ran.code == 0 and "nothing was done" in ran.stdout
    ran = openpool("archive", "--dry-run", "--older-than", "0", "--json", **options)
    assert sum(it["archived"] for it in ran.json["streams"].values()) == OBJECTS


def test_trace_tells_where_the_object_is(
    openpool: Command, options: dict[str, Any], moto_client: "S3Client"
) -> None:
    worker = next(iter(openpool("ledger", "--json").json["balances"]))
    [line, *_] = openpool("trace", worker, "--json").json["lines"]
    job = line["jobs"][0]["event_id"]

    event = openpool("trace", job, "--json", **options).json["event"]
    assert event["object_place"] == f"s3://{options['S3_BUCKET']}/{event['object_key']}"

    openpool("archive", "--delete", "--older-than", "0", **options)
    place = openpool("trace", job, "--json", **options).json["event"]["object_place"]
    bucket, _, name = place.removeprefix("s3://").partition("/")
    assert bucket == options["S3_ARCHIVE_BUCKET"]
    assert name.startswith(f"old/{event['object_key']}/")
    assert job.encode() in moto_client.get_object(Bucket=bucket, Key=name)["Body"].read()
    assert place in openpool("trace", job, **options).stdout


def test_an_object_that_is_lost_is_told_with_code_3(
    openpool: Command, options: dict[str, Any], moto_client: "S3Client"
) -> None:
    bucket = options["S3_BUCKET"]
    one = moto_client.list_object_versions(Bucket=bucket)["Versions"][0]
    moto_client.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    ran = openpool("archive", "--older-than", "0", **options)
    assert ran.code == 3
    assert one["Key"] in ran.stdout


def test_without_an_archive_it_says_what_to_set(openpool: Command, real_events_dir: Path) -> None:
    ran = openpool(
        "archive", "--json", OPENPOOL_EVENTS_DIR=real_events_dir, S3_ARCHIVE_BUCKET="arc"
    )
    assert ran.code == 2 and ran.stdout == ""
    assert "S3_BUCKET" in ran.stderr and "Traceback" not in ran.stderr


def test_the_event_log_is_not_its_own_archive(openpool: Command) -> None:
    ran = openpool("settings", S3_BUCKET="pool-events", S3_ARCHIVE_BUCKET="pool-events")
    assert ran.code == 2
    assert "S3_ARCHIVE_BUCKET" in ran.stderr and "another bucket" in ran.stderr
