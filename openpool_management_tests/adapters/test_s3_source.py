"""What only a bucket can do: versions, pages, requests and a network."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from openpool_management.adapters.s3_client import s3_client
from openpool_management.adapters.s3_source import S3Source, Versioning
from openpool_management.domain.streams import Stream
from openpool_management_tests.adapters.source_stores import AI, START, BucketStore, key_of
from openpool_management_tests.servers.fault_proxy import Fault, FaultProxy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.fixture
def plain(moto_client: "S3Client", bucket: str) -> BucketStore:
    return BucketStore(moto_client, bucket)


@pytest.fixture
def versioned(moto_client: "S3Client", versioned_bucket: str) -> BucketStore:
    return BucketStore(moto_client, versioned_bucket)


def client_of(endpoint_url: str, max_attempts: int = 1, threads: int = 16) -> "S3Client":
    return s3_client(
        endpoint_url=endpoint_url,
        access_key_id="test",
        secret_access_key="hidden-half",
        max_attempts=max_attempts,
        threads=threads,
    )


def contents(store: BucketStore, **since: timedelta) -> list[bytes | None]:
    source = store.source()
    after = START + since["since"] if since else None
    return [one.data for one in source.fetch(list(source.objects(AI, after)))]


def test_without_versioning_an_overwritten_key_has_one_object(plain: BucketStore) -> None:
    plain.put(key_of(AI, 0), b"[1]")
    plain.put(key_of(AI, 0), b"[2]")
    (ref,) = plain.listed(AI)
    assert ref.version_id is None
    assert contents(plain) == [b"[2]"]


def test_an_object_overwritten_after_the_listing_comes_with_its_own_etag(
    plain: BucketStore,
) -> None:
    plain.put(key_of(AI, 0), b"[1]")
    source = plain.source()
    refs = list(source.objects(AI, None))
    plain.put(key_of(AI, 0), b"[1, 2]")
    (fetched,) = source.fetch(refs)
    assert fetched.data == b"[1, 2]"
    assert fetched.ref.etag != refs[0].etag
    assert [fetched.ref.etag] == [ref.etag for ref in plain.listed(AI)]
    assert fetched.ref.size_bytes == 6


@pytest.mark.parametrize("page_size", [1, 2, 3, 1000])
def test_every_version_is_listed_oldest_first_within_a_key(
    versioned: BucketStore, page_size: int
) -> None:
    versioned.page_size = page_size
    for data in (b"a1", b"a2", b"a3"):
        versioned.put(key_of(AI, 0), data)
    versioned.put(key_of(AI, 1), b"b1")
    for data in (b"c1", b"c2"):
        versioned.put(key_of(AI, 2), data)
    assert contents(versioned) == [b"a1", b"a2", b"a3", b"b1", b"c1", b"c2"]
    assert contents(versioned, since=timedelta(minutes=1)) == [b"b1", b"c1", b"c2"]
    assert contents(versioned, since=timedelta(seconds=61)) == [b"c1", b"c2"]
    assert contents(versioned, since=timedelta(hours=-1)) == contents(versioned)


def test_a_listed_version_is_read_though_overwritten_since(versioned: BucketStore) -> None:
    versioned.put(key_of(AI, 0), b"old")
    source = versioned.source()
    refs = list(source.objects(AI, None))
    versioned.put(key_of(AI, 0), b"new")
    (fetched,) = source.fetch(refs)
    assert fetched.data == b"old"
    assert fetched.ref.etag == refs[0].etag
    assert fetched.ref.version_id == refs[0].version_id


@pytest.mark.parametrize("page_size", [1, 1000])
def test_behind_a_delete_marker_the_version_is_read(versioned: BucketStore, page_size: int) -> None:
    versioned.page_size = page_size
    versioned.put(key_of(AI, 0), b"a1")
    versioned.delete(key_of(AI, 0))
    versioned.put(key_of(AI, 1), b"b1")
    versioned.delete(key_of(AI, 1))
    versioned.put(key_of(AI, 1), b"b2")
    assert contents(versioned) == [b"a1", b"b1", b"b2"]


def test_a_stream_whose_objects_are_all_deleted_is_still_found(versioned: BucketStore) -> None:
    versioned.put(key_of(AI, 0), b"a1")
    versioned.delete(key_of(AI, 0))
    assert versioned.source().streams() == [AI]


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_objects_older_than_versioning_are_version_null(plain: BucketStore, status: str) -> None:
    plain.put(key_of(AI, 0), b"before")
    plain.put(key_of(AI, 1), b"kept")
    plain.client.put_bucket_versioning(
        Bucket=plain.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    plain.put(key_of(AI, 0), b"after")
    if status == "Suspended":
        plain.client.put_bucket_versioning(
            Bucket=plain.bucket, VersioningConfiguration={"Status": "Suspended"}
        )
    source = plain.source()
    refs = list(source.objects(AI, None))
    assert [ref.version_id == "null" for ref in refs] == [True, False, True]
    assert [one.data for one in source.fetch(refs)] == [b"before", b"after", b"kept"]
    assert [one.ref.version_id for one in source.fetch(refs)] == [ref.version_id for ref in refs]
    assert source.versioning() == Versioning(status)


def test_pages_are_asked_for_when_they_are_needed(plain: BucketStore) -> None:
    plain.page_size = 10
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda minute: plain.put(key_of(AI, minute), b"[]"), range(35)))
    source = plain.source()
    objects = source.objects(AI, None)
    assert source.requests == 0
    next(objects)
    asked_versioning_and_first_page = 2
    assert source.requests == asked_versioning_and_first_page
    assert 1 + len(list(objects)) == 35
    assert source.requests == asked_versioning_and_first_page + 3


@pytest.mark.parametrize("kind", ["bucket", "versioned_bucket"])
def test_a_tick_costs_the_same_requests_however_many_old_objects(
    moto_client: "S3Client", request: pytest.FixtureRequest, kind: str
) -> None:
    store = BucketStore(moto_client, request.getfixturevalue(kind), page_size=3)
    store.put(key_of(Stream("transcode", "oceania"), 5000), b"[]")
    store.put(key_of(AI, 5000), b"[]")
    costs = []
    # Four and forty old objects are two and fourteen pages, and none of them is asked for.
    for old_objects in (range(4), range(4, 40)):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda minute: store.put(key_of(AI, minute), b"[]"), old_objects))
        source = store.source()
        since = START + timedelta(minutes=4999)
        found = [ref.key for each in source.streams() for ref in source.objects(each, since)]
        assert found == [key_of(AI, 5000), key_of(Stream("transcode", "oceania"), 5000)]
        costs.append(source.requests)
    versioning, bucket_listing, regions, streams = 1, 1, 2, 2
    assert costs == [versioning + bucket_listing + regions + streams] * 2


def test_gets_run_in_parallel(plain: BucketStore) -> None:
    for minute in range(8):
        plain.put(key_of(AI, minute), f"[{minute}]".encode())
    refs = plain.listed(AI)
    threads = 4
    together = Barrier(threads)

    def wait_for_the_others(path: str) -> None:
        together.wait(timeout=30)

    with FaultProxy(plain.client.meta.endpoint_url, wait_for_the_others) as proxy:
        source = S3Source(
            client_of(proxy.endpoint_url, threads=threads), plain.bucket, threads=threads
        )
        read = [one.data for one in source.fetch(refs)]
    assert read == [f"[{minute}]".encode() for minute in range(8)]


def test_look_ahead_is_bounded(plain: BucketStore) -> None:
    for minute in range(20):
        plain.put(key_of(AI, minute), b"[]")
    source = S3Source(plain.client, plain.bucket, threads=2)
    refs = plain.listed(AI)
    fetching = source.fetch(refs)
    next(fetching)
    # Leaving the generator waits for all that was handed to the threads.
    del fetching
    assert source.requests == 4


def test_requests_that_fail_for_a_while_are_retried(plain: BucketStore) -> None:
    plain.put(key_of(AI, 0), b"[]")
    refs = plain.listed(AI)
    faults = [Fault(503, "SlowDown"), Fault(500)]
    with FaultProxy(
        plain.client.meta.endpoint_url, lambda path: faults.pop() if faults else None
    ) as proxy:
        source = S3Source(client_of(proxy.endpoint_url, max_attempts=3), plain.bucket)
        (fetched,) = source.fetch(refs)
    assert (fetched.data, fetched.error) == (b"[]", None)
    assert len(proxy.paths) == 3


def test_a_body_that_breaks_off_is_read_again(plain: BucketStore) -> None:
    plain.put(key_of(AI, 0), b"[1, 2, 3]")
    refs = plain.listed(AI)
    faults = [Fault(body_share=0.5), Fault(body_share=0)]
    with FaultProxy(
        plain.client.meta.endpoint_url, lambda path: faults.pop() if faults else None
    ) as proxy:
        (fetched,) = S3Source(client_of(proxy.endpoint_url), plain.bucket).fetch(refs)
    assert (fetched.data, fetched.error) == (b"[1, 2, 3]", None)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(body_share=0.5), "check that S3_ENDPOINT is right"),
        (Fault(500), "InternalError (HTTP 500): the store failed after all retries"),
        (Fault(403, "AccessDenied"), "AccessDenied (HTTP 403): allow these credentials"),
        (Fault(403, "InvalidObjectState"), "it lies in an archive storage class"),
        (Fault(404, "NoSuchVersion"), "NoSuchVersion (HTTP 404): that version was deleted"),
    ],
)
def test_an_object_that_cannot_be_read_is_a_sentence(
    versioned: BucketStore, fault: Fault, words: str
) -> None:
    versioned.put(key_of(AI, 0), b"[1, 2]")
    versioned.put(key_of(AI, 1), b"[3]")
    bad, good = versioned.listed(AI)
    with FaultProxy(
        versioned.client.meta.endpoint_url, lambda path: fault if bad.key in path else None
    ) as proxy:
        source = S3Source(client_of(proxy.endpoint_url), versioned.bucket)
        failed, read = source.fetch([bad, good])
    assert read.data == b"[3]"
    assert failed.ref == bad
    assert failed.data is None
    assert failed.error is not None
    assert failed.error.startswith(
        f"s3://{versioned.bucket}/{bad.key} (version {bad.version_id}) could not be read: "
    )
    assert words in failed.error


def test_an_endpoint_that_is_down_fails_reads_by_sentence_and_listings_by_error(
    plain: BucketStore,
) -> None:
    plain.put(key_of(AI, 0), b"[]")
    refs = plain.listed(AI)
    url = "http://127.0.0.1:9"
    source = S3Source(client_of(url, max_attempts=2), plain.bucket)
    (fetched,) = source.fetch(refs)
    assert fetched.data is None
    assert fetched.error is not None
    assert f"EndpointConnectionError while talking to {url}" in fetched.error
    with pytest.raises(ConnectionError, match=r"could not be listed: .* check that S3_ENDPOINT"):
        source.streams()


def test_a_missing_bucket_is_an_error_that_names_it(moto_client: "S3Client") -> None:
    with pytest.raises(FileNotFoundError, match=r"s3://no-such-bucket .*NoSuchBucket.*S3_BUCKET"):
        S3Source(moto_client, "no-such-bucket").streams()


def test_refused_credentials_are_an_error(plain: BucketStore) -> None:
    with FaultProxy(
        plain.client.meta.endpoint_url, lambda path: Fault(403, "SignatureDoesNotMatch")
    ) as proxy:
        source = S3Source(client_of(proxy.endpoint_url), plain.bucket)
        with pytest.raises(PermissionError, match="check AWS_SECRET_ACCESS_KEY") as caught:
            list(source.objects(AI, None))
    assert "hidden-half" not in str(caught.value) + repr(source)


@pytest.mark.parametrize(
    "fault", [Fault(501, "NotImplemented"), Fault(403, "AccessDenied")], ids=lambda it: it.code
)
def test_a_store_that_does_not_tell_of_versions_is_read_without_and_remembered(
    plain: BucketStore, fault: Fault
) -> None:
    plain.put(key_of(AI, 0), b"[]")
    with FaultProxy(
        plain.client.meta.endpoint_url, lambda path: fault if path.endswith("?versioning") else None
    ) as proxy:
        source = S3Source(client_of(proxy.endpoint_url), plain.bucket)
        assert source.streams() == [AI]
        assert [ref.version_id for ref in source.objects(AI, None)] == [None]
        assert sum(path.endswith("?versioning") for path in proxy.paths) == 1
    versioning = source.versioning()
    assert versioning.status == "Unknown"
    assert versioning.reason is not None and fault.code in versioning.reason


def test_a_failure_while_asking_for_versions_is_no_answer(plain: BucketStore) -> None:
    faults = [Fault(503, "SlowDown")]
    with FaultProxy(
        plain.client.meta.endpoint_url, lambda path: faults.pop() if faults else None
    ) as proxy:
        source = S3Source(client_of(proxy.endpoint_url), plain.bucket)
        with pytest.raises(ConnectionError, match="SlowDown"):
            source.versioning()
        assert source.versioning() == Versioning("Off")


def test_half_of_the_credentials_is_refused() -> None:
    with pytest.raises(ValueError, match="AWS_SECRET_ACCESS_KEY is not set"):
        s3_client(access_key_id="test")


def test_path_style_holds_for_names_that_could_be_hosts(plain: BucketStore) -> None:
    plain.put(key_of(AI, 0), b"[]")
    with FaultProxy(plain.client.meta.endpoint_url, lambda path: None) as proxy:
        endpoint_url = proxy.endpoint_url.replace("127.0.0.1", "localhost")
        assert S3Source(client_of(endpoint_url), plain.bucket).streams() == [AI]
        assert all(path.startswith(f"/{plain.bucket}?") for path in proxy.paths)
