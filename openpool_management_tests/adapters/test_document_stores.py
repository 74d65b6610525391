"""Both places of documents, by one contract."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openpool_management.adapters.documents import DirectoryDocuments, S3Documents
from openpool_management.services.ports.documents import DocumentStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KEYS = ["pool.json", "a/b/c.json", "../ai/up.json", "./x", f"{'r' * 300}/ai/long.json", "ä ö/é.csv"]


@pytest.fixture(params=["directory", "s3"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, moto_client: "S3Client", bucket: str
) -> DocumentStore:
    """An empty store."""
    if request.param == "directory":
        return DirectoryDocuments(tmp_path / "documents")
    return S3Documents(moto_client, bucket)


@pytest.mark.parametrize("key", KEYS)
def test_what_is_written_is_read(store: DocumentStore, key: str) -> None:
    assert store.read(key) is None
    store.write(key, b"one", "text/csv; charset=utf-8")
    store.write(key, b"two", "application/json")
    assert store.read(key) == b"two"


def test_objects_bear_their_content_type(moto_client: "S3Client", bucket: str) -> None:
    S3Documents(moto_client, bucket).write("a.csv", b"x", "text/csv; charset=utf-8")
    found = moto_client.head_object(Bucket=bucket, Key="a.csv")
    assert found["ContentType"] == "text/csv; charset=utf-8"


def test_a_directory_holds_documents_alone_and_nothing_outside(tmp_path: Path) -> None:
    store = DirectoryDocuments(tmp_path / "deep" / "documents")
    for key in (*KEYS, "/etc/x", "a\\..\\b", "a\0b/c", "../../../y"):
        store.write(key, key.encode(), "text/plain")
        assert store.read(key) == key.encode()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == len(KEYS) + 4
    assert all(path.is_relative_to(store.root) for path in files)
    assert not [path for path in files if path.name.endswith(".draft")]


@pytest.mark.parametrize("name", ["pool.json", "2026-01.csv", "index.html"])
def test_a_region_that_is_called_like_a_document_does_not_stand_in_its_way(
    store: DocumentStore, name: str
) -> None:
    keys = [name, f"{name}/ai/worker_summary.json", f"history/2026-01-31/{name}"]
    keys.append(f"history/2026-01-31/{name}/ai/worker_summary.json")
    for key in (*keys, *reversed(keys)):
        store.write(key, key.encode(), "application/json")
    assert [store.read(key) for key in keys] == [key.encode() for key in keys]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    store = DirectoryDocuments(tmp_path)
    store.write("taken/document.json", b"old", "application/json")
    with pytest.raises(IsADirectoryError):
        store.write("taken", b"new", "application/json")
    assert store.read("taken/document.json") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_bucket_that_is_not_there_is_told_in_a_sentence(moto_client: "S3Client") -> None:
    store = S3Documents(moto_client, "no-such-bucket-here")
    with pytest.raises(ConnectionError, match=r"s3://no-such-bucket-here.*NoSuchBucket"):
        store.read("a")
    with pytest.raises(ConnectionError, match=r"s3://no-such-bucket-here.*NoSuchBucket"):
        store.write("a", b"", "text/plain")
