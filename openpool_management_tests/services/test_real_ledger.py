"""The objects of a real orchestrator add up to the expected ledger, however they are read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.s3_source import S3Source
from openpool_management.services.ports import EventSource
from openpool_management_tests.ledgers import (
    MemorySource,
    ScratchLedger,
    Version,
    sync_in_turns,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.fixture
def real_versions(real_events_dir: Path) -> list[Version]:
    """The real objects, in key order."""
    return [
        Version(path.relative_to(real_events_dir).as_posix(), path.read_bytes())
        for path in sorted(real_events_dir.rglob("*.json"))
    ]


@pytest.fixture(params=["directory", "S3", "versioned S3"])
def real_source(
    request: pytest.FixtureRequest, real_events_dir: Path, real_versions: list[Version]
) -> EventSource:
    """The real objects in each kind of source."""
    if request.param == "directory":
        return DirectorySource(real_events_dir)
    client: S3Client = request.getfixturevalue("moto_client")
    kind = "bucket" if request.param == "S3" else "versioned_bucket"
    name: str = request.getfixturevalue(kind)
    for version in real_versions:
        client.put_object(Bucket=name, Key=version.key, Body=version.data)
    return S3Source(client, name, threads=4)


@pytest.fixture
def scratch(ledger_url: str, tmp_path: Path) -> ScratchLedger:
    """An empty ledger on each kind of database."""
    return ScratchLedger(ledger_url, tmp_path / "lake")


def assert_expected(scratch: ScratchLedger, expected: dict[str, Any]) -> None:
    with scratch:
        document = scratch.picture().document
    assert document["streams"] == expected
    assert document["held"] == 0


@pytest.mark.parametrize("batch_objects", [250, 1])
def test_real_objects_add_up(
    scratch: ScratchLedger,
    real_source: EventSource,
    batch_objects: int,
    expected_ledger: dict[str, Any],
) -> None:
    outcomes = scratch.sync(real_source, batch_objects=batch_objects)
    assert len(outcomes) == (3 if batch_objects == 250 else 28)
    assert not any(outcome.unread for outcome in outcomes)
    assert_expected(scratch, expected_ledger)


def test_real_objects_read_twice(
    scratch: ScratchLedger,
    real_events_copy: Path,
    expected_ledger: dict[str, Any],
) -> None:
    scratch.sync(DirectorySource(real_events_copy))
    assert scratch.sync(DirectorySource(real_events_copy), full=True) == []
    for path in real_events_copy.rglob("*.json"):
        # The same events in other bytes are another version of the object.
        path.write_bytes(path.read_bytes() + b"\n")
    again = scratch.sync(DirectorySource(real_events_copy), batch_objects=3)
    assert sum(outcome.batch.duplicates for outcome in again if outcome.batch) == sum(
        sum(stream["events"].values()) for stream in expected_ledger.values()
    )
    assert_expected(scratch, expected_ledger)


def test_real_objects_in_reverse_order(
    scratch: ScratchLedger, real_versions: list[Version], expected_ledger: dict[str, Any]
) -> None:
    sync_in_turns(scratch, [[version] for version in reversed(real_versions)])
    assert_expected(scratch, expected_ledger)


def test_real_objects_every_other_first(
    scratch: ScratchLedger, real_versions: list[Version], expected_ledger: dict[str, Any]
) -> None:
    sync_in_turns(scratch, [real_versions[1::2], real_versions[::2]], batch_objects=2)
    assert_expected(scratch, expected_ledger)


def test_real_objects_lose_nothing_in_the_lake(
    tmp_path: Path, real_versions: list[Version], expected_ledger: dict[str, Any]
) -> None:
    with ScratchLedger.in_directory(tmp_path) as scratch:
        source = MemorySource(real_versions)
        scratch.sync(source, batch_objects=4)
        for stream in source.streams():
            counted = expected_ledger[str(stream)]["events"]
            rows = scratch.events(stream).group_by("event_type").len().rows()
            assert dict(rows) == counted
