"""The doctor on whole pools, well and ill, with real stores and databases."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openpool_management.adapters.directory_lake import DirectoryLake
from openpool_management.pool import Pool, utc_now
from openpool_management.services.doctor import doctor, worst
from openpool_management.services.findings import Finding, Level
from openpool_management.settings import Settings
from openpool_management_tests.log_objects import ALICE, TRANSCODE, body, key, transcoded

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BODY = body([transcoded(ALICE, 1), transcoded(ALICE, 2, fees=36)])


def pool_of(tmp_path: Path, **settings: Any) -> Pool:
    return Pool(Settings(home=tmp_path / "home", **settings))


def directory_pool(tmp_path: Path, **settings: Any) -> Pool:
    path = tmp_path / "events" / key(TRANSCODE)
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)
    return pool_of(tmp_path, events_dir=tmp_path / "events", **settings)


def examine(pool: Pool, clock_error: timedelta = timedelta(0)) -> dict[str, Finding]:
    """The gravest finding by subject."""

    def clock() -> datetime:
        return utc_now() + clock_error

    findings = list(doctor(pool, pool.settings, clock))
    for finding in findings:
        assert bool(finding.remedy) == (finding.level is not Level.OK), finding
    order = [Level.OK, Level.WARNING, Level.ERROR]
    found = sorted(findings, key=lambda one: order.index(one.level))
    return {finding.subject: finding for finding in found}


def sync(pool: Pool) -> None:
    for stream in pool.source.streams():
        list(pool.ingest.sync(stream))


def test_a_pool_that_is_well_has_nothing_but_what_is_held(tmp_path: Path, ledger_url: str) -> None:
    pool = directory_pool(tmp_path, ledger_url=ledger_url)
    sync(pool)
    found = examine(pool)
    pool.engine.dispose()
    assert {name for name, one in found.items() if one.level is not Level.OK} == {"held items"}
    assert str(TRANSCODE) in found["event log"].sentence
    assert "revision 0003" in found["ledger"].sentence
    assert ("journal mode wal" in found["ledger"].sentence) == ledger_url.startswith("sqlite")
    assert found["lake files"].sentence.startswith("All 1 files")


@pytest.mark.parametrize(
    ("kind", "level"), [("bucket", Level.WARNING), ("versioned_bucket", Level.OK)]
)
def test_versioning_of_a_bucket_is_judged(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    moto_client: "S3Client",
    moto_endpoint: str,
    kind: str,
    level: Level,
) -> None:
    bucket: str = request.getfixturevalue(kind)
    moto_client.put_object(Bucket=bucket, Key=key(TRANSCODE), Body=BODY)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    pool = pool_of(
        tmp_path,
        s3_bucket=bucket,
        s3_endpoint=moto_endpoint,
        lake_url=f"s3://{bucket}/lake",
        **keys,
    )
    sync(pool)
    found = examine(pool)
    assert found["versioning"].level is level
    assert found["event log"].level is found["lake"].level is found["lake files"].level is Level.OK
    assert found["clock"].level is Level.OK and "apart" in found["clock"].sentence

    slow = examine(pool, timedelta(minutes=-2))["clock"]
    pool.engine.dispose()
    assert slow.level is Level.WARNING and "NTP" in slow.remedy


def test_without_an_event_log_the_rest_is_examined_all_the_same(tmp_path: Path) -> None:
    found = examine(pool_of(tmp_path))
    assert found["event log"].level is Level.ERROR
    assert "S3_BUCKET" in found["event log"].sentence
    assert not {"versioning", "clock"} & set(found)
    assert found["ledger"].level is found["lake"].level is Level.OK


def test_a_missing_bucket_is_named_for_log_and_lake(tmp_path: Path, moto_endpoint: str) -> None:
    found = examine(
        pool_of(
            tmp_path,
            s3_bucket="not-there",
            s3_endpoint=moto_endpoint,
            lake_url="s3://not-there-either/lake",
            aws_access_key_id="test",
            aws_secret_access_key="hush-hush",
        )
    )
    assert "s3://not-there" in found["event log"].sentence
    assert "s3://not-there-either" in found["lake"].sentence
    assert found["lake"].level is Level.ERROR
    assert not any("hush-hush" in one.sentence + one.remedy for one in found.values())


def test_a_database_that_cannot_be_reached_shows_no_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://pool:hush-hush@127.0.0.1:1/ledger"
    found = examine(directory_pool(tmp_path, ledger_url=url))
    assert found["ledger"].level is Level.ERROR and "127.0.0.1" in found["ledger"].sentence
    assert "OPENPOOL_LEDGER_URL" in found["ledger"].remedy
    for name in ("lake files", "commission", "data"):
        assert found[name].sentence == "Not examined: the ledger can't be reached."
    assert found["event log"].level is Level.OK
    assert not any("hush-hush" in one.sentence + one.remedy for one in found.values())


def test_a_lake_without_its_files_is_an_error(tmp_path: Path) -> None:
    pool = directory_pool(tmp_path)
    sync(pool)
    lake = pool.lake
    assert isinstance(lake, DirectoryLake)
    (file,) = lake.root.rglob("*.parquet")
    file.unlink()
    found = examine(pool)["lake files"]
    assert found.level is Level.ERROR and file.name in found.sentence


def test_a_commission_that_the_ledger_does_not_follow_is_told(tmp_path: Path) -> None:
    pool = directory_pool(tmp_path)
    sync(pool)
    pool.engine.dispose()
    other = pool_of(tmp_path, events_dir=tmp_path / "events", pool_commission_rate="0.1")
    found = examine(other)["commission"]
    assert found.level is Level.WARNING
    assert "10 %" in found.sentence and "25 %" in found.sentence
    assert "openpool commission set" in found.remedy


def test_an_empty_source_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    found = examine(pool_of(tmp_path, events_dir=tmp_path / "events"))
    assert found["event log"].level is Level.WARNING


def test_the_worst_level_counts() -> None:
    fine, bad = (Finding(level, "x", "x") for level in (Level.OK, Level.ERROR))
    assert (worst([]), worst([fine]), worst([bad, fine])) == (Level.OK, Level.OK, Level.ERROR)
