"""Every page kind: no complaint of the browser, nothing grave for axe-core, no scrolling aside."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from openpool_management.services.performance.report import Window
from openpool_management_tests.browser.visits import IP, grave_violations, visit
from openpool_management_tests.shown_pool import ShownPool

NOBODY = "0x" + "ab" * 20
PHONE: ViewportSize = {"width": 390, "height": 844}
SCREEN: ViewportSize = {"width": 1280, "height": 900}
GROUND = "getComputedStyle(document.body).backgroundColor"
WINDOWS = [window.label for window in Window]


def live_paths(pool: ShownPool, page: Page) -> Iterator[str]:
    """A page of each kind that the server has, and pages that it has not."""
    yield from ("/", "/workers", f"/workers/{pool.worker}")
    yield entry_of(page)
    yield from (f"/ranking?window={window}" for window in WINDOWS)
    yield from ("/payouts", "/quality")
    yield from (f"/workers?address={NOBODY}", f"/workers/{NOBODY}", "/nothing", "/payouts?page=9")


def file_paths(pool: ShownPool, page: Page) -> Iterator[str]:
    """A page of each kind that the exported site has."""
    yield from ("/index.html", "/workers.html", f"/workers/{pool.worker}.html")
    yield entry_of(page)
    yield from (f"/ranking-{window}.html" for window in WINDOWS)
    yield from ("/payouts.html", "/quality.html")


def entry_of(page: Page) -> str:
    """Where the first line of the worker whose page is open leads."""
    href = page.locator("#lines a:not([href^='#'])").first.evaluate("it => it.pathname")
    return str(href)


@pytest.mark.parametrize("paths", [live_paths, file_paths])
def test_nobody_complains(browser: Browser, pool_on_show: ShownPool, paths: object) -> None:
    live = paths is live_paths
    base = pool_on_show.live if live else pool_on_show.files
    with visit(browser, base, viewport=SCREEN) as page:
        for path in (live_paths if live else file_paths)(pool_on_show, page):
            answer = page.goto(path)
            there = not any(text in path for text in (f"/{NOBODY}", "/nothing", "page=9"))
            assert answer is not None and answer.status == (200 if there else 404), path
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            assert page.title().strip(" –") and page.locator("html").get_attribute("lang") == "en"
            assert IP.findall(page.content()) == []
            assert page.evaluate(GROUND) == "rgb(255, 255, 255)", "the style sheet does not apply"
            violations = grave_violations(page) if live else []
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size(PHONE)
            assert page.evaluate(GROUND) == "rgb(17, 23, 21)"
            # The files are made of the same templates.
            violations += grave_violations(page) if live else []
            assert not violations, "\n".join(violations)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], f"{path} scrolls aside on a phone: {width} px"
            page.emulate_media(color_scheme="light")
            page.set_viewport_size(SCREEN)


def test_files_are_read_without_any_server(browser: Browser, pool_on_show: ShownPool) -> None:
    root = pool_on_show.press.directory.as_uri()
    with visit(browser, root) as page:
        page.goto(f"{root}/index.html")
        page.get_by_role("link", name="Workers", exact=True).click()
        page.get_by_role("link", name=pool_on_show.worker).click()
        expect(page.locator("#payable data")).to_be_visible()
        page.get_by_label("Amounts in wei").check()
        expect(page.locator("#payable .eth")).to_be_hidden()
