import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openpool_management.domain.streams import stream_of_key, times_of_key
from openpool_management.simulation import Flush, Simulation, SimulationOptions, simulate
from openpool_management.simulation.directory_sink import DirectorySink
from openpool_management.simulation.flush import SinkError
from openpool_management.simulation.s3_sink import S3Sink

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KEY = "us-west/transcode/us-west-transcode-20260101T000000Z_20260101T000059Z.json"
NEXT_KEY = "us-west/transcode/us-west-transcode-20260101T000000Z_20260101T000100Z.json"
OPTIONS = SimulationOptions(events=6_000, flush_seconds=10, collision_share=0.5, seed=3)


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_a_directory_loses_nothing_to_collisions(tmp_path: Path) -> None:
    flushes = list(simulate(OPTIONS))
    assert max(Counter(flush.key for flush in flushes).values()) == 2
    sink = DirectorySink(tmp_path)
    keys = {sink.write(flush) for flush in flushes}
    written = files(tmp_path)
    assert written.keys() == keys
    assert Counter(written.values()) == Counter(flush.body for flush in flushes)
    assert all((s := stream_of_key(key)) and times_of_key(s, key) for key in written)


def test_writing_a_simulation_twice_changes_nothing(tmp_path: Path) -> None:
    for flush in simulate(OPTIONS):
        DirectorySink(tmp_path).write(flush)
    before = files(tmp_path)
    for flush in simulate(OPTIONS):
        DirectorySink(tmp_path).write(flush)
    assert files(tmp_path) == before


def test_other_content_under_a_key_goes_a_second_further(tmp_path: Path) -> None:
    sink = DirectorySink(tmp_path)
    assert sink.write(Flush(KEY, b"[]")) == KEY
    assert sink.write(Flush(KEY, b"null")) == NEXT_KEY
    assert sink.write(Flush(KEY, b"[]")) == KEY
    assert files(tmp_path) == {KEY: b"[]", NEXT_KEY: b"null"}


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "us-west").write_text("in the way")
    with pytest.raises(SinkError, match=r"us-west-transcode.*can't be written to"):
        DirectorySink(tmp_path).write(Flush(KEY, b"[]"))


def test_a_versioned_bucket_keeps_colliding_objects_as_versions(
    moto_endpoint: str, moto_client: "S3Client", versioned_bucket: str
) -> None:
    sink = S3Sink(
        versioned_bucket,
        access_key_id="test",
        secret_access_key="test",
        endpoint_url=moto_endpoint,
    )
    simulation = Simulation(SimulationOptions(events=2_000, flush_seconds=20, collision_share=1))
    flushes = list(simulation.run())
    assert len({flush.key for flush in flushes}) < len(flushes)
    for flush in flushes:
        assert sink.write(flush) == flush.key
    versions = moto_client.list_object_versions(Bucket=versioned_bucket)["Versions"]
    bodies = [
        moto_client.get_object(
            Bucket=versioned_bucket, Key=version["Key"], VersionId=version["VersionId"]
        )["Body"].read()
        for version in versions
    ]
    assert Counter(bodies) == Counter(flush.body for flush in flushes)
    assert sum(len(json.loads(body) or []) for body in bodies) == 2_000


def test_a_missing_bucket_is_named_and_no_secret(moto_endpoint: str) -> None:
    sink = S3Sink(
        "nowhere", access_key_id="test", secret_access_key="hush-hush", endpoint_url=moto_endpoint
    )
    with pytest.raises(SinkError, match="nowhere") as caught:
        sink.write(Flush(KEY, b"[]"))
    assert "hush-hush" not in f"{caught.value!r} {sink!r} {vars(sink)}"
