"""Verify says equal when the ledger is what its objects add up to, and what differs when not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import AccountBook
from openpool_management.domain.accounts import Account, AccountKind, Entry, Posting
from openpool_management.domain.holds import HoldReason
from openpool_management.domain.streams import Stream
from openpool_management.pool import Pool, utc_now
from openpool_management.scratch import verify_pool
from openpool_management.services.attribution import assign, open_unattributed
from openpool_management.services.holds import dismiss, open_holds, release
from openpool_management.settings import Settings
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


@pytest.fixture
def pool(tmp_path: Path, ledger_url: str) -> Iterator[Pool]:
    """A pool on an empty directory, on each database."""
    events = tmp_path / "events"
    events.mkdir()
    pool = Pool(Settings(home=tmp_path / "home", events_dir=events, ledger_url=ledger_url))
    yield pool
    pool.engine.dispose()


def put(pool: Pool, name: str, data: bytes) -> None:
    """Write one object."""
    assert pool.settings.events_dir
    path = pool.settings.events_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def sync(pool: Pool) -> None:
    """Read all that is new."""
    for stream in pool.source.streams():
        for _ in pool.ingest.sync(stream):
            pass


def test_what_was_read_and_decided_is_equal(pool: Pool) -> None:
    put(pool, key(AI), body([received(ALICE), processed(1), processed(2, request="ffffffff")]))
    sync(pool)
    put(pool, key(AI, 60), body([processed(61, request="eeeeeeee", fees=99)]))
    put(pool, key(AI, 120), b"[")
    sync(pool)
    (job,) = open_unattributed(pool.unattributed)
    now = utc_now()
    assign(pool.unattributed, pool.ledger, pool.lake, job.event_id, BOB, "known", now)
    for item in open_holds(pool.holds):
        if item.reason is HoldReason.FEE_MISMATCH:
            rules = pool.pair_rules
            release(pool.holds, pool.ledger, pool.lake, rules, item.id, "agreed", now)
        else:
            dismiss(pool.holds, item.id, "broken", now)
    put(pool, key(AI, 180), body([received(BOB, 62, request="eeeeeeee")]))
    sync(pool)
    report = verify_pool(pool)
    assert (report.gone, report.refused, report.differences) == ([], [], [])
    assert report.equal and report.objects == 4


def test_an_entry_that_no_object_backs_is_a_difference(pool: Pool) -> None:
    put(pool, key(TRANSCODE), body([transcoded(ALICE)]))
    sync(pool)
    stream = str(TRANSCODE)
    gift = Entry(
        "gift",
        (
            Posting(Account(AccountKind.REVENUE, stream), -5),
            Posting(Account(AccountKind.PAYABLE, stream, BOB, "transcode"), 5),
        ),
    )
    with pool.engine.begin() as connection:
        AccountBook(connection, schema.account.c.stream == stream).post(
            gift, None, datetime(2026, 1, 1, tzinfo=UTC)
        )
    report = verify_pool(pool)
    assert not report.equal
    assert any(BOB in line and "5 wei" in line for line in report.differences)


def test_an_object_that_is_gone_is_named(pool: Pool) -> None:
    put(pool, key(TRANSCODE), body([transcoded(ALICE)]))
    sync(pool)
    assert pool.settings.events_dir
    (pool.settings.events_dir / key(TRANSCODE)).unlink()
    report = verify_pool(pool)
    assert len(report.gone) == 1 and key(TRANSCODE) in report.gone[0]
    assert not report.equal


def test_what_is_committed_meanwhile_is_no_difference(pool: Pool) -> None:
    put(pool, key(TRANSCODE), body([transcoded(ALICE)]))
    sync(pool)
    later = [transcoded(BOB, 61), transcoded(BOB, 121)]

    def commit_more(stream: Stream, objects: int) -> None:
        if later:
            put(pool, key(TRANSCODE, 60 * len(later)), body([later.pop()]))
            sync(pool)

    report = verify_pool(pool, commit_more)
    assert report.equal and report.objects == 3


def test_what_was_read_before_versions_were_kept_is_found(
    tmp_path: Path, moto_endpoint: str, moto_client: "S3Client", bucket: str
) -> None:
    pool = Pool(
        Settings(
            home=tmp_path,
            s3_bucket=bucket,
            s3_endpoint=moto_endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
    )
    name = key(TRANSCODE)
    moto_client.put_object(Bucket=bucket, Key=name, Body=body([transcoded(ALICE)]))
    sync(pool)
    moto_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    moto_client.put_object(Bucket=bucket, Key=name, Body=body([transcoded(BOB)]))
    fresh = Pool(pool.settings)
    sync(fresh)
    report = verify_pool(fresh)
    assert (report.gone, report.differences, report.objects) == ([], [], 2)
    for one in (pool, fresh):
        one.engine.dispose()
