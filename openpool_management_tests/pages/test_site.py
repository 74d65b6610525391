"""Pages out of a real ledger: what they state, and what of a log they let through."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from openpool_management.cli.sync import sync_streams
from openpool_management.domain.batch import AttributionCause
from openpool_management.domain.payouts.plan import Decision, Verdict
from openpool_management.export_desk import ExportDesk
from openpool_management.pages.account_lines import JOBS_SHOWN, account_lines
from openpool_management.pages.files import site_files
from openpool_management.pages.links import FileLinks, ServerLinks
from openpool_management.pages.site import STALE, Site, entry_page
from openpool_management.payout_desk import PayoutDesk
from openpool_management.pool import Pool
from openpool_management.services.exports.documents import Fixed, Published
from openpool_management.services.exports.publication import Publication
from openpool_management.services.holds import dismiss
from openpool_management.services.statement import trace_entry
from openpool_management.settings import Settings
from openpool_management_tests.log_objects import AI, ALICE, BOB, TRANSCODE, processed, received
from openpool_management_tests.pages.conftest import CONNECTION, MANY_JOBS, Shown

VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """A page's elements, all of which are closed in their order, its ids and its inline parts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.values: list[int] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.ids += [text for name, text in attrs if name == "id" and text]
        self.inline += [name for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(tag)
        if tag == "data":
            self.values.append(int(names["value"] or ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def every_page(shown: Shown) -> dict[str, str]:
    """All pages of the site as files, by key."""
    pages = {}
    for one in site_files(shown.publication, shown.pool.trail):
        if one.key.endswith(".html"):
            content = one.content if isinstance(one, Published) else one.make()
            pages[one.key] = content.decode()
    return pages


def test_every_page_is_sound_and_lets_no_markup_of_the_log_through(shown: Shown) -> None:
    pages = every_page(shown)
    assert len(pages) == 1 + 1 + 4 + 1 + 1 + 2 + 3
    for key, html in pages.items():
        page = Page(html)
        assert len(page.ids) == len(set(page.ids)), key
        assert page.inline == [], key
        assert "alert(" not in html or "&lt;script&gt;alert(" in html
        assert "<script>" not in html
        assert CONNECTION.partition(":")[0] not in html, key
    worker = pages[f"workers/{ALICE}.html"]
    assert "{{ 7 * 7 }}" in worker


def test_pages_of_entries_are_not_taken_for_those_of_another_ledger(
    shown: Shown, tmp_path: Path
) -> None:
    pool = Pool(Settings(home=tmp_path / "anew", events_dir=shown.pool.settings.events_dir))
    sync_streams(pool, pool.source.streams())
    publication = ExportDesk(PayoutDesk(pool)).publication()
    own, other = (
        {one.key for one in site_files(made, trail) if isinstance(one, Fixed)}
        for made, trail in ((shown.publication, shown.pool.trail), (publication, pool.trail))
    )
    pool.engine.dispose()
    assert len(own) == len(other) == 3 and own.isdisjoint(other)


def test_every_link_of_the_files_leads_to_a_file(shown: Shown) -> None:
    keys = {one.key for one in site_files(shown.publication, shown.pool.trail)}
    documents = {"pool.json", "payouts.json", "ranking.json", "quality.json"}
    documents |= {f"workers/{one}.json" for one in (ALICE, BOB)}
    found = set()
    for key, html in every_page(shown).items():
        for link in re.findall(r'(?:href|src|action)="([^"#]+)"', html):
            steps = key.split("/")[:-1]
            for part in link.split("/"):
                steps = steps[:-1] if part == ".." else [*steps, part]
            found.add("/".join(steps))
    statements = {one for one in found if one.startswith("statements/")}
    assert len(statements) == 4 and found - statements <= keys | documents
    assert keys <= found | {"workers-2.html"}


def test_a_page_leads_to_the_document_that_states_its_numbers(shown: Shown) -> None:
    site = Site(shown.publication, ServerLinks())
    for html, path in (
        (site.overview(), "status"),
        (site.workers(), "workers"),
        (site.worker(ALICE, []), f"workers/{ALICE}"),
        (site.ranking("24h"), "ranking?window=24h"),
        (site.payouts(), "payouts"),
        (site.quality(), "quality"),
    ):
        assert html is not None and f'<a href="/api/v1/{path}">JSON</a>' in html


def test_charts_say_which_days_they_count_by(shown: Shown) -> None:
    site = Site(shown.publication, ServerLinks())
    for html, figures in ((site.overview(), 2), (site.worker(ALICE, []), 1)):
        captions = re.findall(r"<figcaption>(.*?)</figcaption>", html)
        assert len(captions) == figures
        assert all("on which it was posted; 90 days at most" in one for one in captions)


def test_who_is_online_on_a_silent_stream_is_told_since_when_nothing_is_known(shown: Shown) -> None:
    pages = Site(shown.publication, ServerLinks())
    both = [f"The newest object of stream {one} ends at " for one in (AI, TRANSCODE)]
    assert shown.publication.worker(ALICE)["online"] is True
    for html, told in (
        (pages.overview(), [True, True]),
        (pages.worker(ALICE, []), [True, False]),
        (pages.worker(BOB, []), [False, False]),
    ):
        assert [f'<p class="notice">{sentence}' in html for sentence in both] == told


def test_what_was_redeemed_is_told_apart_by_what_the_chain_knows(shown: Shown) -> None:
    material = shown.publication.material
    for unverified_wei, told in ((0, "verified on the chain"), (7, 'value="7">')):
        solvency = replace(material.solvency, redeemed_wei=9, unverified_wei=unverified_wei)
        made = Publication(replace(material, solvency=solvency))
        html = Site(made, ServerLinks()).overview()
        [fact] = re.findall(r'<dd id="redeemed">(.*?)</dd>', html)
        assert 'value="9">' in fact and told in fact
        assert ("not looked up" in fact) is (unverified_wei > 0)


def test_fees_of_jobs_without_an_address_are_shown_where_there_are_any(shown: Shown) -> None:
    assert 'id="held"' not in Site(shown.publication, ServerLinks()).overview()
    material = shown.publication.material
    solvency = replace(material.solvency, held_wei=77)
    html = Site(Publication(replace(material, solvency=solvency)), ServerLinks()).overview()
    assert '<dd id="held"><data class="amount" value="77">' in html


def test_a_workers_page_states_the_balance(shown: Shown) -> None:
    document = shown.publication.worker(ALICE)
    lines = shown.pool.trail.records.statement(ALICE, 20)
    html = Site(shown.publication, ServerLinks()).worker(ALICE, lines)
    for field in ("earned", "paid", "in_payout", "payable"):
        name = field.replace("_", "-")
        [wei] = re.findall(rf'<dd id="{name}"><data class="amount" value="(\d+)">', html)
        assert wei == document["balance"][f"{field}_wei"]
    assert document["next_payment"]["reason"] in html
    rows = html.partition('<table id="lines">')[2].partition("</table>")[0]
    assert sum(Page(rows).values) == int(document["balance"]["payable_wei"])


def test_the_jobs_of_a_line_come_in_parts_that_add_up_to_it(shown: Shown) -> None:
    lines = shown.pool.trail.records.statement(ALICE, 20)
    [line] = [one for one in lines if one.jobs == MANY_JOBS]
    statement = trace_entry(shown.pool.trail, ALICE, line.entry_number)
    assert statement.errors == []
    events: list[str] = []
    earned_wei = 0
    for part in (1, 2, 3):
        html = entry_page(ServerLinks(), statement, part)
        assert html is not None and f"Part {part} of 3" in html
        assert "All its jobs, of which some are below, add up to this line to the wei" in html
        rows = html.partition('<table class="jobs">')[2]
        events += re.findall(r'<td class="job key">([^<]+)</td>', rows)
        earned_wei += sum(Page(rows.partition("</table>")[0]).values[1::2])
    assert len(set(events)) == len(events) == MANY_JOBS
    assert earned_wei == line.amount_wei
    assert entry_page(ServerLinks(), statement, 4) is None
    as_file = entry_page(FileLinks(2), statement, 1)
    assert as_file is not None and "Part 1" not in as_file
    assert f"{JOBS_SHOWN} of its jobs are shown here" in as_file


def test_a_job_that_moved_is_told_to_both_as_what_it_is(shown: Shown) -> None:
    shown.read(AI, 1000, received(BOB, 1001, request="0b"))
    shown.read(AI, 1200, processed(1201, request="0b", units=100, price=1))
    shown.read(AI, 1100, received(ALICE, 1101, request="0b"))
    told = []
    for worker in (ALICE, BOB):
        line = shown.pool.trail.records.statement(worker, 20)[0]
        [row, *_] = account_lines([line])
        html = entry_page(ServerLinks(), trace_entry(shown.pool.trail, worker, line.entry_number))
        assert html is not None and "(pair-arrived)" in html
        [said] = re.findall(r"Jobs came here from nobody or from another worker, (.*?)</p>", html)
        assert all(cause.value in said for cause in AttributionCause)
        told.append((row["label"], row["amount_wei"], row["jobs"]))
    assert told == [("Fees of jobs that moved", 75, 1), ("Fees of jobs that moved", -75, -1)]


def test_nobody_sees_the_jobs_of_another(shown: Shown) -> None:
    [line] = shown.pool.trail.records.statement(BOB, 20)
    of_bob = trace_entry(shown.pool.trail, BOB, line.entry_number)
    html = entry_page(ServerLinks(), of_bob)
    assert html is not None and len(re.findall(r'<td class="job key">', html)) == 1
    assert "The jobs below add up to this line to the wei." in html
    assert trace_entry(shown.pool.trail, BOB, 10**9).lines == ()
    assert entry_page(ServerLinks(), trace_entry(shown.pool.trail, BOB, 10**9)) is None


def test_what_is_not_there_has_no_page(shown: Shown) -> None:
    site = Site(shown.publication, ServerLinks())
    assert site.workers(2) is None and site.payouts(0) is None and site.ranking("8d") is None
    with pytest.raises(KeyError):
        site.worker("0x" + "0" * 40, [])


def test_an_old_page_says_so(shown: Shown) -> None:
    assert STALE not in Site(shown.publication, ServerLinks()).overview()
    assert STALE in Site(shown.publication, ServerLinks(), stale=True).overview()


def test_what_is_held_is_told_by_its_reason(shown: Shown) -> None:
    html = Site(shown.publication, ServerLinks()).quality()
    assert "Held items: 1." in html and "missing-field" in html
    [item] = shown.pool.holds.items(decided=False)
    dismiss(shown.pool.holds, item.id, "not an event", item.read_at)
    decided = ExportDesk(PayoutDesk(shown.pool)).publication()
    assert decided.quality["held_items"] == 0
    assert "Nothing is held." in Site(decided, ServerLinks()).quality()


def test_nothing_is_promised_while_payouts_do_not_run(shown: Shown) -> None:
    pay = replace(_decision(shown), verdict=Verdict.PAY, reason="5 wei are paid.")
    modes: list[tuple[str, bool, set[str], int | None]] = [
        ("off", False, set(), None),
        ("dry-run", False, {ALICE}, 9),
        ("live", True, {ALICE}, 9),
        ("live", False, {ALICE}, None),
        ("live", False, {BOB}, None),
        ("live", False, {BOB}, 9),
    ]
    reasons = []
    known = shown.publication.material
    for mode, paused, unapproved, chain_wei in modes:
        material = replace(
            known,
            decisions={ALICE: pay},
            payout_mode=mode,
            payouts_paused=paused,
            unapproved=frozenset(unapproved),
            solvency=replace(known.solvency, chain_wei=chain_wei),
        )
        told = Publication(material).worker(ALICE)["next_payment"]
        assert told["verdict"] == "pay"
        reasons.append(told["reason"])
    off, dry, paused_, waits, unknown, live = reasons
    assert off == dry and off.startswith("Due, but the pool's payouts are not switched on")
    assert paused_.startswith("Due, but the pool's payouts are paused")
    assert waits.startswith("Due, but a run that pays so much waits until")
    assert unknown.startswith("Due at the next run if the wallet covers it; what it holds is not")
    assert live == "Due at the next run: 5 wei are paid."


def _decision(shown: Shown) -> Decision:
    return shown.publication.material.decisions[ALICE]
