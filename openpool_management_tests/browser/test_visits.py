"""The visits notice what they are there to notice."""

import pytest
from playwright.sync_api import Browser

from openpool_management_tests.browser.visits import grave_violations, visit

BASE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("<script>console.warn('a warning')</script>", "warning on about:blank: a warning"),
        ("<script>throw Error('a defect')</script>", "on about:blank: a defect"),
        ("<img src='http://127.0.0.1:9/picture' alt=''>", "failed: net::ERR_"),
        ("<img src='http://127.0.0.1:10/picture' alt=''>", "another origin"),
    ],
)
def test_complaints_of_the_browser_count(browser: Browser, content: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint), visit(browser, BASE) as page:
        page.set_content(content)


def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content(
            "<html lang='en'><title>t</title><main><h1>h</h1><img src='data:,'></main>"
        )
        [found] = grave_violations(page)
    assert "image-alt" in found
