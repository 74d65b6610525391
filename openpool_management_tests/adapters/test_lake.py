"""What every event lake does, in a directory and in a bucket read over HTTP."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from openpool_management.adapters.directory_lake import DirectoryLake
from openpool_management.adapters.s3_client import s3_client
from openpool_management.adapters.s3_lake import S3Lake
from openpool_management.domain.batch import LakeFile
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import Lake

START = datetime(2026, 3, 1, tzinfo=UTC)
STREAM = Stream("ai", "us-central-2")
WIDEST = 10**30 - 1


@pytest.fixture(params=["directory", "bucket", "prefix"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "directory":
        return DirectoryLake(tmp_path / "lake")
    bucket: str = request.getfixturevalue("bucket")
    url = f"s3://{bucket}" if request.param == "bucket" else f"s3://{bucket}/deep/lake/"
    client = s3_client(
        endpoint_url=request.getfixturevalue("moto_endpoint"),
        access_key_id="test",
        secret_access_key="test",
    )
    return S3Lake(client, url, access_key_id="test", secret_access_key="test")


def rows_of(first: int, count: int) -> pl.DataFrame:
    numbers = range(first, first + count)
    columns = {
        "event_id": [number.to_bytes(16, "big") for number in numbers],
        "dt": [START + timedelta(seconds=number) for number in numbers],
        "event_type": ["job-processed"] * count,
        "object_index": list(numbers),
        "fees_wei": [WIDEST - number for number in numbers],
    }
    frame = pl.DataFrame(
        {name: columns.get(name, [None] * count) for name in LAKE_SCHEMA}, strict=False
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in LAKE_SCHEMA.items())


def test_what_was_written_is_scanned_exactly_and_in_the_order_of_the_files(lake: Lake) -> None:
    first, second = rows_of(0, 5), rows_of(5, 3)
    files = [lake.write(STREAM, "b1", first), lake.write(STREAM, "b2", second)]
    assert_frame_equal(lake.scan(files).collect(), pl.concat([first, second]))
    assert_frame_equal(lake.scan(files[1:]).collect(), second)
    assert lake.scan(files).collect()["fees_wei"].to_list()[0] == WIDEST


def test_a_file_is_described_by_what_it_holds(lake: Lake) -> None:
    file = lake.write(STREAM, "b1", rows_of(2, 4))
    assert (file.rows, file.dt_min, file.dt_max) == (
        4,
        START + timedelta(seconds=2),
        START + timedelta(seconds=5),
    )


def test_the_same_rows_get_the_same_name_and_other_rows_another(lake: Lake) -> None:
    once, again = (lake.write(STREAM, "b1", rows_of(0, 5)) for _ in range(2))
    other = lake.write(STREAM, "b1", rows_of(0, 4))
    assert once == again and once.name != other.name
    assert_frame_equal(lake.scan([once]).collect(), rows_of(0, 5))


@pytest.mark.parametrize("region", ["us-central-2", "pôle nord+1 %20", "a*[b]?"])
def test_any_region_can_be_written_and_scanned(lake: Lake, region: str) -> None:
    file = lake.write(Stream("transcode", region), "b1", rows_of(0, 2))
    assert_frame_equal(lake.scan([file]).collect(), rows_of(0, 2))
    assert lake.missing([file]) == []


@pytest.mark.parametrize("region", ["us-central-2", "pôle nord+1 %20", "a*[b]?"])
def test_rows_can_be_told_apart_by_their_file(lake: Lake, region: str) -> None:
    stream = Stream("transcode", region)
    files = [lake.write(stream, name, rows_of(0, count)) for name, count in (("b1", 2), ("b2", 3))]
    rows = lake.scan(files, file_column="file").collect()
    assert rows["file"].to_list() == [files[0].name] * 2 + [files[1].name] * 3
    assert_frame_equal(rows.drop("file"), pl.concat([rows_of(0, 2), rows_of(0, 3)]))
    found = lake.scan(files, file_column="file").filter(pl.col("file") == files[1].name)
    assert found.select("file", "dt").collect().height == 3
    assert lake.scan([], file_column="file").collect().schema == rows.schema


def test_no_files_are_no_rows(lake: Lake) -> None:
    assert_frame_equal(lake.scan([]).collect(), pl.DataFrame(schema=LAKE_SCHEMA))


def test_a_missing_file_is_named(lake: Lake) -> None:
    there = lake.write(STREAM, "b1", rows_of(0, 2))
    gone = LakeFile(there.name.replace("b1", "b2"), 2, there.dt_min, there.dt_max)
    elsewhere = LakeFile("region=nowhere/node_type=ai/x.parquet", 2, there.dt_min, there.dt_max)
    assert lake.missing([there, gone, elsewhere]) == [gone, elsewhere]


def test_a_probe_leaves_nothing_behind(lake: Lake) -> None:
    lake.probe()
    if isinstance(lake, S3Lake):
        assert "Contents" not in lake.client.list_objects_v2(Bucket=lake.bucket)
    else:
        assert isinstance(lake, DirectoryLake)
        assert list(lake.root.iterdir()) == []


def test_a_probe_fails_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        DirectoryLake(tmp_path / "file").probe()


def test_no_repr_shows_a_key(bucket: str, moto_endpoint: str) -> None:
    client = s3_client(
        endpoint_url=moto_endpoint, access_key_id="key-id-x", secret_access_key="secret-x"
    )
    lake = S3Lake(
        client, f"s3://{bucket}/lake", access_key_id="key-id-x", secret_access_key="secret-x"
    )
    assert "-x" not in repr(lake) and "-x" not in str(lake)
