"""What every source of the event log does, on a directory and on buckets of both kinds."""

from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openpool_management.domain.streams import Stream
from openpool_management_tests.adapters.source_stores import (
    AI,
    START,
    BucketStore,
    DirectoryStore,
    Store,
    key_of,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.fixture(params=["directory", "bucket", "versioned_bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        (tmp_path / "events").mkdir()
        return DirectoryStore(tmp_path / "events")
    client: S3Client = request.getfixturevalue("moto_client")
    # Two keys a page, so that everything here also crosses pages.
    return BucketStore(client, request.getfixturevalue(request.param), page_size=2)


def test_an_empty_store_has_no_streams_and_no_objects(store: Store) -> None:
    assert store.source().streams() == []
    assert store.listed(AI) == []


def test_streams_are_found_in_the_keys_and_appear_without_notice(store: Store) -> None:
    regions = ["us", "us-central", "us-central-2", "eu--west", "pôle nord+1 %20"]
    for region in regions:
        store.put(key_of(Stream("ai", region), 0), b"[]")
    store.put(key_of(Stream("transcode", "us"), 0), b"[]")
    store.put("us/gateway/us-gateway-20260301T000000Z_20260301T000100Z.json", b"[]")
    store.put("readme.json", b"[]")
    expected = [Stream("ai", region) for region in sorted(regions)] + [Stream("transcode", "us")]
    source = store.source()
    assert source.streams() == expected
    for stream in expected:
        assert [ref.key for ref in source.objects(stream, None)] == [key_of(stream, 0)]

    store.put(key_of(Stream("transcode", "oceania"), 0), b"[]")
    assert Stream("transcode", "oceania") in source.streams()


def test_objects_come_in_key_order_though_written_in_another(store: Store) -> None:
    for minute in (4, 0, 3, 1, 2):
        store.put(key_of(AI, minute), b"[]")
    assert store.keys(AI) == [key_of(AI, minute) for minute in range(5)]


def test_a_late_key_that_sorts_before_listed_ones_is_listed(store: Store) -> None:
    store.put(key_of(AI, 5), b"[]")
    before = store.keys(AI)
    store.put(key_of(AI, 2), b"[]")
    assert set(store.keys(AI)) - set(before) == {key_of(AI, 2)}


def test_since_leaves_out_earlier_starts_and_keeps_the_same_second(store: Store) -> None:
    for minute in range(5):
        store.put(key_of(AI, minute), b"[]")
    since = START + timedelta(minutes=2)
    assert store.keys(AI, since) == [key_of(AI, minute) for minute in (2, 3, 4)]
    assert store.keys(AI, since + timedelta(seconds=1)) == [key_of(AI, 3), key_of(AI, 4)]
    assert store.keys(AI, START + timedelta(days=1)) == []
    assert store.keys(AI, START - timedelta(days=1)) == store.keys(AI, None)


def test_only_json_objects_directly_under_the_stream_are_listed(store: Store) -> None:
    store.put(key_of(AI, 0), b"[]")
    for name in ("notes.txt", "partial.json.tmp", "old/copy.json", "odd-name.json"):
        store.put(f"{AI.prefix}{name}", b"[]")
    assert store.keys(AI) == sorted([key_of(AI, 0), f"{AI.prefix}odd-name.json"])


def test_a_stream_does_not_list_another_whose_name_begins_alike(store: Store) -> None:
    store.put(key_of(Stream("ai", "us"), 0), b"[]")
    store.put(key_of(Stream("ai", "us-central"), 0), b"[]")
    assert store.keys(Stream("ai", "us")) == [key_of(Stream("ai", "us"), 0)]


def test_a_ref_states_size_time_and_a_bare_etag(store: Store) -> None:
    store.put(key_of(AI, 0), b"[1, 2]")
    (ref,) = store.listed(AI)
    assert ref.size_bytes == 6
    assert ref.etag and '"' not in ref.etag
    assert ref.last_modified.utcoffset() == timedelta(0)
    assert ref.last_modified.astimezone(UTC) > START


def test_overwriting_changes_the_etag(store: Store) -> None:
    store.put(key_of(AI, 0), b"[]")
    before = {(ref.key, ref.etag) for ref in store.listed(AI)}
    store.put(key_of(AI, 0), b"[1]")
    after = {(ref.key, ref.etag) for ref in store.listed(AI)}
    assert len(after - before) == 1


def test_fetch_keeps_the_order_of_refs(store: Store) -> None:
    for minute in range(20):
        store.put(key_of(AI, minute), f"[{minute}]".encode())
    source = store.source()
    refs = list(source.objects(AI, None))[::-1]
    fetched = list(source.fetch(refs))
    assert [one.ref for one in fetched] == refs
    assert [one.data for one in fetched] == [f"[{n}]".encode() for n in range(19, -1, -1)]
    assert [one.error for one in fetched] == [None] * 20
    assert list(source.fetch([])) == []


def test_an_object_that_is_gone_is_a_sentence_and_the_rest_is_read(store: Store) -> None:
    for minute in range(3):
        store.put(key_of(AI, minute), b"[]")
    source = store.source()
    refs = list(source.objects(AI, None))
    if isinstance(store, BucketStore) and refs[1].version_id is not None:
        store.client.delete_object(
            Bucket=store.bucket, Key=refs[1].key, VersionId=refs[1].version_id
        )
    else:
        store.delete(refs[1].key)
    fetched = list(source.fetch(refs))
    assert [one.data for one in fetched] == [b"[]", None, b"[]"]
    error = fetched[1].error
    assert error is not None
    assert source.name in error and refs[1].key in error and "restore it" in error
    assert fetched[1].ref == refs[1]


def test_the_real_objects_are_read_whole(store: Store, real_events_dir: Path) -> None:
    files = sorted(real_events_dir.rglob("*.json"))
    contents = {str(file.relative_to(real_events_dir)): file.read_bytes() for file in files}
    for key, data in contents.items():
        store.put(key, data)
    source = store.source()
    refs = [ref for stream in source.streams() for ref in source.objects(stream, None)]
    assert {one.ref.key: one.data for one in source.fetch(refs)} == contents
