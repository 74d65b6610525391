"""A page is drawn once for a publication, and never shown for another."""

from datetime import timedelta

from openpool_management.server.kept_pages import MOST_PAGES, KeptPages
from openpool_management_tests.server.apps import NOW, nothing_at


def test_a_page_is_made_once_for_each_publication() -> None:
    kept, made = KeptPages(), []
    first, second = nothing_at(NOW), nothing_at(NOW + timedelta(minutes=1))

    def make() -> str:
        made.append(1)
        return f"page {len(made)}"

    assert [kept.page(first, "a", make) for _ in range(3)] == ["page 1"] * 3
    assert kept.page(first, "b", make) == "page 2"
    # A publication of the same content is another one all the same.
    assert kept.page(nothing_at(NOW), "a", make) == "page 3"
    assert [kept.page(second, "a", make) for _ in range(2)] == ["page 4"] * 2


def test_one_that_is_made_for_the_publication_before_is_not_shown_for_the_next() -> None:
    kept = KeptPages()
    first, second = nothing_at(NOW), nothing_at(NOW + timedelta(minutes=1))

    def slow() -> str:
        assert kept.page(second, "a", lambda: "of the second") == "of the second"
        return "of the first"

    assert kept.page(first, "a", slow) == "of the first"
    assert kept.page(second, "a", lambda: "made again") == "of the second"


def test_no_more_are_kept_than_fit() -> None:
    kept, of = KeptPages(), nothing_at(NOW)
    for number in range(2 * MOST_PAGES):
        assert kept.page(of, number, lambda: "kept") == "kept"
    assert kept.page(of, 0, lambda: "made again") == "kept"
    assert kept.page(of, MOST_PAGES, lambda: "made again") == "made again"
    for name in ("missing", "missing"):
        assert kept.page(of, name, lambda: None) is None
