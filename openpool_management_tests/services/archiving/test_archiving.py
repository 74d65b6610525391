"""What was read is copied, goes only behind its copy, and is found afterwards."""

from datetime import UTC, datetime

from openpool_management.pool import utc_now
from openpool_management.services.doctor import doctor
from openpool_management.services.findings import Level
from openpool_management_tests.archive_rig import PREFIX, ArchiveRig
from openpool_management_tests.log_objects import AI, BOB, TRANSCODE, body, key, transcoded
from openpool_management_tests.services.archiving.conftest import (
    LATER,
    OTHER,
    PAIR,
    SEGMENT,
    NewRig,
    set_versioning,
)


def test_a_copy_is_kept_apart_and_the_original_stays(rig: ArchiveRig) -> None:
    before = rig.contents()
    report = rig.archive()
    assert (report.archived, report.already, report.deleted, report.failed) == (3, 0, 0, [])
    assert report.archived_bytes == len(PAIR) + len(SEGMENT) + len(LATER)
    copies = rig.copies()
    assert sorted(copies.values()) == sorted([PAIR, SEGMENT, LATER])
    assert {name.rpartition("/")[0] for name in copies} == {
        PREFIX + name for name in (key(AI), key(TRANSCODE), key(TRANSCODE, 60))
    }
    assert rig.contents() == before
    again = rig.archive()
    assert (again.archived, again.already, again.deleted, again.failed) == (0, 3, 0, [])
    assert rig.copies() == copies


def test_what_was_deleted_behind_its_copy_is_not_read_again_and_still_proven(
    rig: ArchiveRig,
) -> None:
    balances = rig.balances_wei()
    assert balances
    report = rig.archive(delete=True)
    assert (report.archived, report.deleted, report.failed) == (3, 3, [])
    assert rig.contents() == []
    assert rig.sync() == 0
    assert rig.balances_wei() == balances
    rig.assert_proven(3)
    again = rig.archive(delete=True)
    assert (again.archived, again.already, again.deleted, again.failed) == (0, 3, 0, [])


def test_what_was_copied_before_can_be_deleted_later(rig: ArchiveRig) -> None:
    rig.archive()
    report = rig.archive(delete=True)
    assert (report.archived, report.already, report.deleted) == (0, 3, 3)
    assert rig.contents() == []
    rig.assert_proven(3)


def test_what_was_not_read_is_neither_copied_nor_deleted(rig: ArchiveRig) -> None:
    unread = body([transcoded(BOB, 130, no=6)])
    rig.put(key(TRANSCODE, 120), unread)
    # Other content under a key that was read: it was not read either.
    rig.put(key(TRANSCODE), OTHER)
    rig.put("notes.txt", b"mine")
    rig.archive(delete=True)
    assert unread not in rig.copies().values() and OTHER not in rig.copies().values()
    left = rig.contents()
    assert left == [
        ("notes.txt", b"mine"),
        (key(TRANSCODE), OTHER),
        (key(TRANSCODE, 120), unread),
    ]
    assert rig.sync() == 2


def test_the_young_stay(rig: ArchiveRig) -> None:
    report = rig.archive(delete=True, before=datetime(2026, 1, 1, tzinfo=UTC))
    assert (report.archived, report.already, report.deleted) == (0, 0, 0)
    assert rig.copies() == {} and len(rig.contents()) == 3


def test_a_dry_run_counts_and_does_nothing(rig: ArchiveRig) -> None:
    report = rig.archive(delete=True, dry_run=True)
    assert (report.archived, report.already, report.deleted) == (3, 0, 3)
    assert rig.copies() == {} and len(rig.contents()) == 3


def test_contents_that_were_overwritten_have_copies_of_their_own(new_rig: NewRig) -> None:
    rig = new_rig("Enabled")
    rig.put(key(TRANSCODE), SEGMENT)
    rig.put(key(TRANSCODE), OTHER)
    assert rig.sync() == 2
    report = rig.archive(delete=True)
    assert (report.archived, report.deleted, report.failed) == (2, 2, [])
    assert sorted(rig.copies().values()) == sorted([SEGMENT, OTHER])
    assert rig.contents() == [] and rig.sync() == 0
    rig.assert_proven(2)


def test_without_versions_an_overwritten_content_is_told_and_its_key_left(new_rig: NewRig) -> None:
    rig = new_rig("Off")
    rig.put(key(TRANSCODE), SEGMENT)
    rig.sync()
    rig.put(key(TRANSCODE), OTHER)
    [sentence] = rig.archive(delete=True).failed
    assert key(TRANSCODE) in sentence and "not what was read" in sentence
    assert [data for _, data in rig.contents()] == [OTHER]
    # Copied before it was overwritten, it would have been proven.
    rig.put(key(TRANSCODE), SEGMENT)
    rig.archive()
    rig.put(key(TRANSCODE), OTHER)
    assert rig.archive(delete=True).deleted == 0
    assert rig.sync() == 1
    rig.assert_proven(2)


def test_what_was_read_before_versioning_is_deleted_by_its_version(new_rig: NewRig) -> None:
    rig = new_rig("Off")
    rig.put(key(TRANSCODE), SEGMENT)
    rig.sync()
    set_versioning(rig, "Enabled")
    rig.put(key(TRANSCODE), OTHER)
    report = rig.archive(delete=True)
    assert (report.archived, report.deleted, report.failed) == (1, 1, [])
    assert [data for _, data in rig.contents()] == [OTHER]
    assert rig.sync() == 1
    rig.assert_proven(2)


def test_while_versioning_is_suspended_what_can_be_overwritten_stays(new_rig: NewRig) -> None:
    rig = new_rig("Enabled")
    rig.put(key(TRANSCODE), SEGMENT)
    set_versioning(rig, "Suspended")
    rig.put(key(TRANSCODE, 60), LATER)
    assert rig.sync() == 2
    report = rig.archive(delete=True)
    assert (report.archived, report.deleted) == (2, 1)
    assert "suspended" in report.failed[0]
    assert [data for _, data in rig.contents()] == [LATER]


def test_the_doctor_mistakes_no_archived_object_for_a_loss(rig: ArchiveRig) -> None:
    def found() -> list[tuple[str, Level]]:
        pool = rig.pool()
        findings = list(doctor(pool, pool.settings, utc_now))
        return [(one.subject, one.level) for one in findings if one.subject != "versioning"]

    before = found()
    assert ("archive", Level.OK) in before
    rig.archive(delete=True)
    after = found()
    assert [one for one in after if one[1] is not Level.OK] == [
        one for one in before if one[1] is not Level.OK
    ]
