"""What a worker does with the pages: find the money, follow it, take the statement along."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from openpool_management.pages.amounts import short_eth
from openpool_management_tests.browser.visits import stated_wei, tab_to, visit
from openpool_management_tests.shown_pool import ShownPool

NOBODY = "0x" + "ab" * 20


@pytest.fixture(params=["live", "files"])
def site(request: pytest.FixtureRequest, pool_on_show: ShownPool) -> str:
    """The pages of the server, and the same ones as files."""
    url: str = getattr(pool_on_show, request.param)
    return url


def test_money_is_two_clicks_away_and_adds_up(
    browser: Browser, pool_on_show: ShownPool, site: str
) -> None:
    worker = pool_on_show.worker
    with visit(browser, site, accept_downloads=True) as page:
        page.goto("/")
        page.get_by_role("link", name="Workers", exact=True).click()
        page.get_by_role("link", name=worker).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Worker {worker}")
        [payable_wei] = stated_wei(page.locator("#payable"))
        payable = page.locator("#payable data")
        assert payable_wei > 0
        expect(payable).to_have_text(f"{short_eth(payable_wei)} ETH", use_inner_text=True)
        page.get_by_label("Amounts in wei").check()
        expect(payable).to_have_text(f"{payable_wei} wei", use_inner_text=True)
        page.reload()
        expect(payable).to_have_text(f"{payable_wei} wei", use_inner_text=True)
        _follow_a_line(page, pool_on_show)
        page.go_back()
        with page.expect_download() as started:
            page.locator(".statements a", has_text="CSV").first.click()
        rows = list(csv.DictReader(Path(started.value.path()).read_text().splitlines()))
        assert started.value.suggested_filename.endswith(".csv")
        amounts_wei = [int(row["amount_wei"]) for row in rows[1:-1]]
        assert int(rows[0]["balance_wei"]) + sum(amounts_wei) == payable_wei
        assert int(rows[-1]["balance_wei"]) == payable_wei


def _follow_a_line(page: Page, pool: ShownPool) -> None:
    """From the newest line of jobs to the jobs, and to where they stand in the event log."""
    line = page.locator("#lines tbody tr", has=page.locator("a:not([href^='#'])")).first
    [line_wei] = stated_wei(line)
    line.get_by_role("link").click()
    jobs = page.locator("table.jobs tbody tr")
    jobs.first.wait_for()
    told = jobs.evaluate_all("them => them.map(i => [...i.cells].map(j => j.textContent))")
    net_wei = [stated_wei(job)[-1] for job in jobs.all()]
    assert told and sum(net_wei) == line_wei
    for event_id, *_, place in told:
        found = re.fullmatch(r"(\S+\.json)(?:, version \S+)?, place (\d+)(?: \(.*\))?", place)
        assert found is not None, place
        assert pool.event_at(found[1], int(found[2])) == event_id


def test_the_keyboard_is_enough(browser: Browser, pool_on_show: ShownPool, site: str) -> None:
    worker = pool_on_show.worker
    with visit(browser, site) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        tab_to(page, page.get_by_label("A worker’s address"))
        page.keyboard.type(NOBODY)
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"No worker of this pool has the address {NOBODY}")).to_be_visible()
        page.goto("/")
        tab_to(page, page.get_by_label("A worker’s address"))
        page.keyboard.type(worker.lower())
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Worker {worker}")
        switch = page.get_by_label("Amounts in wei")
        tab_to(page, switch)
        page.keyboard.press("Space")
        expect(switch).to_be_checked()
        expect(page.locator("#payable data")).to_contain_text(" wei", use_inner_text=True)
        tab_to(page, page.locator("#lines a:not([href^='#'])").first)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Jobs of entry")


def test_without_script_the_same_is_read(
    browser: Browser, pool_on_show: ShownPool, site: str
) -> None:
    at = "/workers" if site == pool_on_show.live else "/workers.html"
    seen = []
    for script in (True, False):
        with visit(browser, site, java_script_enabled=script) as page:
            page.goto("/")
            pool = page.locator("main").inner_text()
            if site == pool_on_show.live:
                page.get_by_label("A worker’s address").fill(pool_on_show.worker.upper())
                page.get_by_role("button", name="Find").click()
            else:
                page.goto(at)
                page.get_by_role("link", name=pool_on_show.worker).click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(pool_on_show.worker)
            page.wait_for_load_state()
            money = page.locator("main").inner_text()
            page.get_by_label("Amounts in wei").check()
            seen.append((pool, money, page.locator("main").inner_text()))
    assert seen[0] == seen[1]
    assert "\xa0ETH" in seen[0][1] and "\xa0wei" not in seen[0][1]
    assert "\xa0wei" in seen[0][2] and "\xa0ETH" not in seen[0][2]
    assert str(stated_balance(pool_on_show)) in seen[0][2]


def stated_balance(pool: ShownPool) -> int:
    """What the ledger owes the worker."""
    balance = pool.press.document(f"workers/{pool.worker}.json")["balance"]
    return int(balance["payable_wei"])


def test_a_phone_shows_the_money(browser: Browser, pool_on_show: ShownPool, site: str) -> None:
    size: ViewportSize = {"width": 390, "height": 844}
    with visit(browser, site, viewport=size, has_touch=True, is_mobile=True) as page:
        page.goto("/")
        page.get_by_label("A worker’s address").fill(NOBODY)
        page.get_by_role("button", name="Find").tap()
        expect(page.get_by_text(f"No worker of this pool has the address {NOBODY}")).to_be_visible()
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        page.get_by_label("A worker’s address").fill(pool_on_show.worker)
        page.get_by_role("button", name="Find").tap()
        expect(page.get_by_role("heading", level=1)).to_contain_text(pool_on_show.worker)
        page.wait_for_load_state()
        for money in ("earned", "paid", "in-payout", "payable"):
            box = page.locator(f"#{money} data").bounding_box()
            assert box is not None
            assert box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
            assert box["y"] + box["height"] <= size["height"], f"{money} is below the first screen"
