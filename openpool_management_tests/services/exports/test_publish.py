"""What is written, what is left alone, and what is kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openpool_management.adapters.documents import DirectoryDocuments
from openpool_management.services.exports.documents import (
    CSV_TYPE,
    Fixed,
    Published,
    json_document,
)
from openpool_management.services.exports.publish import publish

NOW = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)


def document(text: str, at: datetime = NOW, key: str = "a/b.json") -> Published:
    """A document that says a text."""
    return json_document(key, {"export_timestamp": at.isoformat(), "text": text})


@pytest.fixture
def store(tmp_path: Path) -> DirectoryDocuments:
    """An empty store."""
    return DirectoryDocuments(tmp_path)


def test_the_time_alone_is_no_change(store: DirectoryDocuments) -> None:
    first = document("one")
    report = publish([first], store, NOW)
    assert (report.written, report.unchanged, report.kept) == (("a/b.json",), (), ())
    later = NOW + timedelta(days=1)
    report = publish([document("one", later)], store, later)
    assert (report.written, report.unchanged, report.kept) == ((), ("a/b.json",), ())
    assert store.read("a/b.json") == first.content


def test_the_first_of_a_day_is_kept(store: DirectoryDocuments) -> None:
    day = timedelta(days=1)
    for text, at in (("one", NOW), ("two", NOW), ("three", NOW), ("four", NOW + day)):
        publish([document(text, at)], store, at)
    assert store.read("a/b.json") == document("four", NOW + day).content
    assert store.read("history/2026-12-01/a/b.json") == document("one").content
    assert store.read("history/2026-12-02/a/b.json") == document("three").content


def test_what_is_no_json_is_compared_as_it_is(store: DirectoryDocuments) -> None:
    for text in (b"a,b\n", b"a,c\n"):
        made = [Published("x.csv", text, CSV_TYPE)]
        assert publish(made, store, NOW).written == ("x.csv",)
        assert publish(made, store, NOW).unchanged == ("x.csv",)
    for broken in (b"{", b"[1]", b"\xff"):
        store.write("a/b.json", broken, "application/json")
        assert publish([document("one")], store, NOW).written == ("a/b.json",)


def test_many_at_once_are_told_in_their_order(store: DirectoryDocuments) -> None:
    keys = [f"{number % 7}/{number}.json" for number in range(60)]
    report = publish([document("x", key=key) for key in keys], store, NOW, threads=8)
    assert report.written == tuple(keys)
    assert len([path for path in store.root.rglob("*") if path.is_file()]) == 60


def test_a_page_is_not_written_for_its_time_alone_and_not_kept(store: DirectoryDocuments) -> None:
    def page(text: str, at: datetime) -> Published:
        html = f'<p>{text}</p><span id="as-of"><time>{at.isoformat()}</time></span>\n'
        return Published("a.html", html.encode(), "text/html; charset=utf-8", dated=False)

    later = NOW + timedelta(days=1)
    assert publish([page("one", NOW)], store, NOW).written == ("a.html",)
    assert publish([page("one", later)], store, later).unchanged == ("a.html",)
    assert store.read("a.html") == page("one", NOW).content
    report = publish([page("two", later)], store, later)
    assert (report.written, report.kept) == (("a.html",), ())


def test_what_is_fixed_is_made_once(store: DirectoryDocuments) -> None:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"fixed"

    for written in (("a.html",), ()):
        assert publish([Fixed("a.html", make, "text/html")], store, NOW).written == written
    assert made == [1] and store.read("a.html") == b"fixed"


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_document("a.json", {"ratio": float("nan")})
