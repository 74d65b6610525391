"""Rigs: an event log with an archive, on each kind of bucket."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openpool_management_tests.archive_rig import ArchiveRig
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    TRANSCODE,
    body,
    key,
    processed,
    received,
    transcoded,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

NewRig = Callable[[str], ArchiveRig]

PAIR = body([received(ALICE, no=1), processed(1, no=2)])
SEGMENT = body([transcoded(BOB, no=3)])
OTHER = body([transcoded(ALICE, 5, no=4, units=11)])
LATER = body([transcoded(BOB, 70, no=5, units=13)])


@pytest.fixture
def new_rig(moto_client: "S3Client", moto_endpoint: str, tmp_path: Path) -> Iterator[NewRig]:
    """Makes rigs by the versioning of their event log: Off, Enabled or Suspended."""
    rigs = []

    def make(versioning: str) -> ArchiveRig:
        log, archive = (f"{name}-{secrets.token_hex(6)}" for name in ("events", "archive"))
        for bucket in (log, archive):
            moto_client.create_bucket(Bucket=bucket)
        rig = ArchiveRig(moto_client, log, archive, tmp_path / "home", moto_endpoint)
        if versioning != "Off":
            set_versioning(rig, versioning)
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        rig.forget()


def set_versioning(rig: ArchiveRig, status: str) -> None:
    """Switch versioning of the event log."""
    rig.client.put_bucket_versioning(
        Bucket=rig.bucket,
        VersioningConfiguration={"Status": "Enabled" if status == "Enabled" else "Suspended"},
    )
    rig.forget()


@pytest.fixture(params=["Off", "Enabled"])
def rig(request: pytest.FixtureRequest, new_rig: NewRig) -> ArchiveRig:
    """Three objects of two streams, read; on each kind of bucket."""
    rig = new_rig(request.param)
    rig.put(key(AI), PAIR)
    rig.put(key(TRANSCODE), SEGMENT)
    rig.put(key(TRANSCODE, 60), LATER)
    assert rig.sync() == 3
    return rig
