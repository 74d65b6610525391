"""Lines of an account on a page: they are those that the balance beside them is made of."""

import re
from typing import Any

from openpool_management.cli.sync import sync_streams
from openpool_management.export_desk import ExportDesk
from openpool_management.pages.account_lines import LINES_SHOWN, LinesPart, lines_part
from openpool_management.pages.files import site_files
from openpool_management.pages.links import ServerLinks
from openpool_management.pages.site import Site
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
    lines = lines_part(publication, shown.pool.trail, ALICE).lines
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


def test_older_lines_lead_back_to_the_first_and_no_entry_is_cut(shown: Shown) -> None:
    assert shown.pool.settings.events_dir is not None
    models = [f"model-{number:02}" for number in range(LINES_SHOWN + 5)]
    of_models = [
        event
        for number, model in enumerate(models)
        for event in (
            received(ALICE, 60, request=f"{number:08x}", modelID=model),
            processed(61, request=f"{number:08x}", modelID=model),
        )
    ]
    for minute in range(2, 2 + 2 * LINES_SHOWN):
        stream, jobs = TRANSCODE, [transcoded(ALICE, 60 * minute)]
        if minute == LINES_SHOWN:
            stream, jobs = AI, of_models
        name = key(stream, 60 * minute)
        (shown.pool.settings.events_dir / name).write_bytes(body(jobs))
        sync_streams(shown.pool, shown.pool.source.streams())
    publication = ExportDesk(PayoutDesk(shown.pool)).publication()
    site = Site(publication, ServerLinks())

    part = lines_part(publication, shown.pool.trail, ALICE)
    pages = [(part.lines, site.worker(ALICE, part.lines, part.older))]
    while part.older is not None:
        assert f'href="/workers/{ALICE}/lines?before={part.older}"' in pages[-1][1]
        part = lines_part(publication, shown.pool.trail, ALICE, part.older)
        html = site.lines(ALICE, part.lines, part.older)
        assert html is not None
        pages.append((part.lines, html))
    assert 'id="older"' not in pages[-1][1]
    assert [len(lines) for lines, _ in pages] == [LINES_SHOWN, 1, len(models), LINES_SHOWN]
    shown_lines = [one for lines, _ in pages for one in lines]
    assert shown_lines == shown.pool.trail.records.statement(ALICE, 10**6)
    wei = [int(one) for _, html in pages for one in _amounts(html.partition('id="lines"')[2])]
    assert wei == [one.amount_wei for one in shown_lines]
    assert sum(wei) == int(publication.worker(ALICE)["balance"]["payable_wei"])
    assert lines_part(publication, shown.pool.trail, ALICE, 1) == LinesPart([], None)
    assert site.lines(ALICE, [], None) is None


def _amounts(table: str) -> list[str]:
    return re.findall(r'<data class="amount" value="(-?\d+)">', table.partition("</table>")[0])
