"""What only a directory can do wrong."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.services.ports import ObjectRef
from openpool_management_tests.adapters.source_stores import AI, DirectoryStore, key_of


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "events")


def test_a_missing_directory_is_an_error_that_names_it(store: DirectoryStore) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"events could not be listed .*OPENPOOL_EVENTS_DIR"
    ):
        store.source().streams()
    with pytest.raises(FileNotFoundError, match="could not be listed"):
        store.listed(AI)


def test_a_file_in_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="could not be listed"):
        DirectorySource(tmp_path / "file").streams()


def test_hidden_files_links_and_folders_are_passed_over(
    store: DirectoryStore, tmp_path: Path
) -> None:
    store.put(key_of(AI, 1), b"[]")
    folder = store.directory / AI.prefix
    (folder / ".draft.json").write_bytes(b"[]")
    (folder / "folder.json").mkdir()
    (tmp_path / "elsewhere.json").write_bytes(b"[]")
    (folder / "link.json").symlink_to(tmp_path / "elsewhere.json")
    (folder / os.fsdecode(b"bad-\xff.json")).write_bytes(b"[]")
    os.mkfifo(folder / "pipe.json")
    (store.directory / "linked").symlink_to(store.directory / "us-central")
    (store.directory / ".hidden" / "ai").mkdir(parents=True)
    (store.directory / ".hidden" / "ai" / "one.json").write_bytes(b"[]")
    (store.directory / "empty" / "ai").mkdir(parents=True)
    assert store.source().streams() == [AI]
    assert store.keys(AI) == [key_of(AI, 1)]


def test_the_etag_is_size_and_modification_time(store: DirectoryStore) -> None:
    store.put(key_of(AI, 0), b"[]")
    os.utime(store.directory / key_of(AI, 0), ns=(0, 1_700_000_000_123_456_789))
    (ref,) = store.listed(AI)
    assert ref == ObjectRef(
        key=key_of(AI, 0),
        version_id=None,
        etag="2-1700000000123456789",
        size_bytes=2,
        last_modified=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    )


def test_a_file_rewritten_after_the_listing_comes_with_its_own_etag(store: DirectoryStore) -> None:
    store.put(key_of(AI, 0), b"[]")
    source = store.source()
    refs = list(source.objects(AI, None))
    store.put(key_of(AI, 0), b"[1]")
    (fetched,) = source.fetch(refs)
    assert fetched.data == b"[1]"
    assert [fetched.ref] == store.listed(AI)
    assert fetched.ref != refs[0]


@pytest.mark.parametrize("key", ["../ai/secret.json", "/etc/ai/x", "../secret.json"])
def test_a_key_that_leads_out_of_the_directory_is_not_read(
    store: DirectoryStore, key: str, tmp_path: Path
) -> None:
    (tmp_path / "ai").mkdir()
    (tmp_path / "ai" / "secret.json").write_text("[]")
    (tmp_path / "secret.json").write_text("[]")
    store.directory.mkdir()
    ref = ObjectRef(key, None, "2-0", 2, datetime(2026, 1, 1, tzinfo=UTC))
    (fetched,) = store.source().fetch([ref])
    assert fetched.data is None
    assert fetched.error is not None and "is no key of an event object" in fetched.error
