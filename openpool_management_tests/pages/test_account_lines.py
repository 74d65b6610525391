"""Lines of an account on a page: they are those that the balance beside them is made of."""

from typing import Any

from openpool_management.cli.sync import sync_streams
from openpool_management.export_desk import ExportDesk
from openpool_management.pages.account_lines import newest_lines
from openpool_management.pages.files import site_files
from openpool_management.payout_desk import PayoutDesk
from openpool_management.services.exports.documents import Published
from openpool_management.services.exports.publication import Publication
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    TRANSCODE,
    body,
    key,
    processed,
    received,
    transcoded,
)
from openpool_management_tests.pages.conftest import Shown


def lines_and_balance(shown: Shown, publication: Publication) -> tuple[int, int]:
    """Wei of the newest lines, which are all that there are, and what the balance states."""
    lines = newest_lines(publication, shown.pool.trail, ALICE)
    earned_wei = int(publication.worker(ALICE)["balance"]["earned_wei"])
    return sum(one.amount_wei for one in lines), earned_wei


def page_of(shown: Shown, publication: Publication) -> bytes:
    """ALICE's page as a file."""
    [page] = [
        one.content
        for one in site_files(publication, shown.pool.trail)
        if isinstance(one, Published) and one.key == f"workers/{ALICE}.html"
    ]
    return page


def test_what_was_posted_after_the_publication_is_not_on_its_pages(shown: Shown) -> None:
    lines_wei, earned_wei = lines_and_balance(shown, shown.publication)
    assert lines_wei == earned_wei > 0
    page = page_of(shown, shown.publication)

    # A line more of an account that there was, and the first one of another.
    model: dict[str, Any] = {"pipeline": "of-later", "modelID": "of-later"}
    assert shown.pool.settings.events_dir is not None
    for name, content in {
        key(TRANSCODE, 60): [transcoded(ALICE, 70)],
        key(AI, 60): [received(ALICE, 70, **model), processed(71, **model)],
    }.items():
        (shown.pool.settings.events_dir / name).write_bytes(body(content))
    sync_streams(shown.pool, shown.pool.source.streams())

    assert lines_and_balance(shown, shown.publication) == (earned_wei, earned_wei)
    assert page_of(shown, shown.publication) == page
    later = ExportDesk(PayoutDesk(shown.pool)).publication()
    lines_wei, later_wei = lines_and_balance(shown, later)
    assert lines_wei == later_wei > earned_wei
    assert b"of-later" in page_of(shown, later) and b"of-later" not in page
