"""Damage on the way, rights that are missing, and overwriting lose nothing."""

import pytest

from openpool_management.scratch import verify_pool
from openpool_management.services.archiving import ArchiveReport
from openpool_management_tests.archive_rig import PREFIX, ArchiveRig
from openpool_management_tests.log_objects import AI, TRANSCODE, key
from openpool_management_tests.servers.fault_proxy import Fault, FaultProxy
from openpool_management_tests.services.archiving.conftest import (
    LATER,
    OTHER,
    PAIR,
    SEGMENT,
    NewRig,
)


def test_overwritten_between_the_look_and_the_deletion_it_stays(new_rig: NewRig) -> None:
    rig = new_rig("Off")
    rig.put(key(TRANSCODE), SEGMENT)
    rig.sync()

    def overwrite(asked: str) -> Fault | None:
        if asked.startswith("DELETE"):
            rig.put(key(TRANSCODE), OTHER)
        return None

    with FaultProxy(rig.endpoint_url, overwrite) as proxy:
        report = rig.archive(delete=True, endpoint_url=proxy.endpoint_url)
    assert report.deleted == 0 and "overwritten since" in report.failed[0]
    assert [data for _, data in rig.contents()] == [OTHER]
    assert rig.sync() == 1


def test_a_bucket_that_does_not_say_whether_it_keeps_versions_loses_nothing(
    new_rig: NewRig,
) -> None:
    rig = new_rig("Enabled")
    rig.put(key(TRANSCODE), SEGMENT)
    rig.sync()

    def refuse(asked: str) -> Fault | None:
        return Fault(403, "AccessDenied") if "?versioning" in asked else None

    with FaultProxy(rig.endpoint_url, refuse) as proxy:
        report = rig.archive(endpoint_url=proxy.endpoint_url)
        assert (report.archived, report.failed) == (1, [])
        report = rig.archive(delete=True, endpoint_url=proxy.endpoint_url)
    assert report.deleted == 0
    assert [data for _, data in rig.contents()] == [SEGMENT]


@pytest.mark.parametrize("versioning", ["Off", "Enabled"])
@pytest.mark.parametrize("delete", [True, False])
def test_what_another_run_archives_meanwhile_is_no_failure(
    new_rig: NewRig, versioning: str, delete: bool
) -> None:
    rig = new_rig(versioning)
    rig.put(key(TRANSCODE), SEGMENT)
    rig.sync()
    others: list[ArchiveReport] = []

    def archive_first(asked: str) -> Fault | None:
        if asked.startswith(f"/{rig.bucket}/{key(TRANSCODE)}") and not others:
            others.append(rig.archive(delete=True))
        return None

    with FaultProxy(rig.endpoint_url, archive_first) as proxy:
        report = rig.archive(delete=delete, endpoint_url=proxy.endpoint_url)
    assert (others[0].archived, others[0].deleted) == (1, 1)
    assert (report.archived, report.already, report.failed) == (0, 1, [])
    assert rig.contents() == []
    rig.assert_proven(1)


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_copy_damaged_on_the_way_deletes_nothing_and_is_made_again(
    rig: ArchiveRig, method: str
) -> None:
    def damage(asked: str) -> Fault | None:
        on_the_way = f"/{rig.archive_bucket}/{PREFIX}" in asked and key(AI) in asked
        is_put = asked.startswith("PUT")
        return Fault(damaged=True) if on_the_way and is_put == (method == "PUT") else None

    with FaultProxy(rig.endpoint_url, damage) as proxy:
        report = rig.archive(delete=True, endpoint_url=proxy.endpoint_url)
    assert (report.archived, report.deleted) == (2, 2)
    [sentence] = report.failed
    assert key(AI) in sentence and "damaged" in sentence
    assert rig.contents() == [(key(AI), PAIR)]
    # A damaged copy is no copy, not for a run that deletes nothing either.
    assert rig.archive().failed == []
    assert PAIR in rig.copies().values()
    assert rig.archive(delete=True).deleted == 1
    rig.assert_proven(3)


def test_an_original_damaged_on_the_way_is_not_archived(rig: ArchiveRig) -> None:
    def damage(asked: str) -> Fault | None:
        return Fault(damaged=True) if asked.startswith(f"/{rig.bucket}/{key(AI)}") else None

    with FaultProxy(rig.endpoint_url, damage) as proxy:
        report = rig.archive(delete=True, endpoint_url=proxy.endpoint_url)
    assert "other bytes than its ETag" in report.failed[0]
    assert (key(AI), PAIR) in rig.contents()
    assert sorted(rig.copies().values()) == sorted([SEGMENT, LATER])


def test_an_etag_that_is_no_digest_is_proven_by_reading_twice(new_rig: NewRig) -> None:
    rig = new_rig("Enabled")
    upload = rig.client.create_multipart_upload(Bucket=rig.bucket, Key=key(TRANSCODE))
    part = rig.client.upload_part(
        Bucket=rig.bucket,
        Key=key(TRANSCODE),
        UploadId=upload["UploadId"],
        PartNumber=1,
        Body=SEGMENT,
    )
    rig.client.complete_multipart_upload(
        Bucket=rig.bucket,
        Key=key(TRANSCODE),
        UploadId=upload["UploadId"],
        MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]},
    )
    assert rig.sync() == 1
    assert rig.archive().archived == 1
    again = rig.archive()
    assert (again.archived, again.already) == (0, 1)
    assert rig.archive(delete=True).deleted == 1
    assert rig.contents() == []
    rig.assert_proven(1)


@pytest.mark.parametrize(
    ("refused", "right"),
    [
        ("PUT", "s3:PutObject"),
        ("DELETE", "s3:DeleteObject"),
        ("list-type=2", "s3:ListBucket"),
    ],
)
def test_a_right_that_is_missing_is_named(rig: ArchiveRig, refused: str, right: str) -> None:
    def refuse(asked: str) -> Fault | None:
        of_log = asked.startswith(f"/{rig.bucket}")
        return Fault(403, "AccessDenied") if refused in asked and not of_log else None

    with (
        FaultProxy(rig.endpoint_url, refuse) as proxy,
        pytest.raises(PermissionError, match=right),
    ):
        rig.archive(delete=True, endpoint_url=proxy.endpoint_url)
    assert len(rig.contents()) == 3
    assert rig.archive(delete=True).deleted == 3
    rig.assert_proven(3)


def test_an_archive_that_is_not_there_is_told(rig: ArchiveRig) -> None:
    rig.archive_bucket = "not-there"
    rig.forget()
    with pytest.raises(FileNotFoundError, match="S3_ARCHIVE_BUCKET"):
        rig.archive(delete=True)
    assert len(rig.contents()) == 3


def test_verify_names_a_copy_that_is_damaged_or_gone(rig: ArchiveRig) -> None:
    rig.archive(delete=True)
    name = next(name for name, data in rig.copies().items() if data == PAIR)
    stored = rig.client.head_object(Bucket=rig.archive_bucket, Key=name)
    rig.client.put_object(
        Bucket=rig.archive_bucket, Key=name, Body=OTHER, Metadata=stored["Metadata"]
    )
    [damaged] = verify_pool(rig.pool()).gone
    assert name in damaged and "damaged" in damaged
    rig.client.delete_object(Bucket=rig.archive_bucket, Key=name)
    [gone] = verify_pool(rig.pool()).gone
    assert key(AI) in gone and "Nor is it in the archive" in gone
