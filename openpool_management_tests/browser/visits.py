"""A visit to pages, in which everything that a browser complains of counts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from openpool_management_tests.servers.browser import axe_script

WAIT_MS = 20_000
IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
GRAVE = ("serious", "critical")

expect.set_options(timeout=WAIT_MS)


@contextmanager
def visit(browser: Browser, base: str, **options: Any) -> Iterator[Page]:
    """A page in a context of its own, whose relative URLs start at base.

    Fails at the end on a console message of any weight, an error of the script, a failed request,
    and a request to another origin.
    """
    complaints: list[str] = []
    origin = urlsplit(base)[:2]

    def asked(request: Request) -> None:
        if urlsplit(request.url)[:2] != origin:
            complaints.append(f"{request.url} is another origin than {base}")

    def told(message: ConsoleMessage) -> None:
        # A page that is not there is an error to the browser, whatever it shows.
        if not (message.text.endswith("404 (Not Found)") and message.location["url"] == page.url):
            complaints.append(f"{message.type} on {page.url}: {message.text}")

    def failed(request: Request) -> None:
        # The browser gives up what it loads when a visitor goes on to another page.
        if request.failure != "net::ERR_ABORTED":
            complaints.append(f"{request.url} failed: {request.failure}")

    with browser.new_context(base_url=base, **options) as context:
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.on("request", asked)
        page.on("console", told)
        page.on("pageerror", lambda error: complaints.append(f"on {page.url}: {error}"))
        page.on("requestfailed", failed)
        yield page
    assert not complaints, complaints


def grave_violations(page: Page) -> list[str]:
    """What axe-core finds serious or critical on a page."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(axe_script())
    found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
    return [
        f"{page.url}: {one['id']}: {node['html']}: {node['failureSummary']}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def tab_to(page: Page, wanted: Locator, most: int = 60) -> None:
    """Press Tab until something has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("it => it === document.activeElement"):
            return
    raise AssertionError(f"{wanted} does not have the focus after {most} times Tab.")


def stated_wei(where: Locator) -> list[int]:
    """The amounts in a part of a page, as it states them for machines, in the order of the page."""
    return [
        int(one) for one in where.locator("data").evaluate_all("them => them.map(i => i.value)")
    ]
