"""``make screenshots``: pictures of a running demo for docs/tour.md, in docs/tour/."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, Route, ViewportSize

from openpool_management_tests.servers.browser import chromium

FOLDER = Path(__file__).parent.parent / "docs" / "tour"
SCREEN: ViewportSize = {"width": 1280, "height": 860}
TALL: ViewportSize = {"width": 1280, "height": 1060}
PHONE: ViewportSize = {"width": 390, "height": 844}
COLOURS = 128
MOST_BYTES = 150_000
SETTLE_MS = 1_500
"""Dagster's UI draws in steps; nothing in it says when it is done."""

WAIT_SECONDS = 300
JOBS = ("payout_job", "performance_job", "check_job")
GROUPS = ("event_log", "ledger", "payouts", "exports", "analytics")
_LAUNCH = """
mutation ($tags: [ExecutionTag!]!, $job: String!) {
  launchRun(executionParams: {
    selector: {
      repositoryLocationName: "openpool_management", repositoryName: "__repository__", jobName: $job
    },
    executionMetadata: { tags: $tags }
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""
_STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"


@dataclass(frozen=True, slots=True)
class Demo:
    """Where a demo shows itself, and a worker who was paid there."""

    dagster: str
    pages: str
    worker: str

    def ask(self, query: str, **variables: object) -> Any:
        """The data of a GraphQL answer of Dagster's."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"{self.dagster}/graphql", body, {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            return json.load(answer)["data"]

    def run(self, job: str) -> None:
        """Start a job and wait for its end, however it ends."""
        today = {"key": "dagster/partition", "value": f"{datetime.now(UTC):%Y-%m-%d}"}
        launched = self.ask(_LAUNCH, job=job, tags=[today] if job == "payout_job" else [])
        run = launched["launchRun"]["run"]["runId"]
        deadline = time.monotonic() + WAIT_SECONDS
        while self.ask(_STATUS, run=run)["runOrError"]["status"] not in ("SUCCESS", "FAILURE"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{job} did not end within {WAIT_SECONDS} s: see run {run}.")
            time.sleep(1)


@contextmanager
def running_demo(home: Path) -> Iterator[Demo]:
    """A demo that has paid its workers. Raises RuntimeError with its output if it ends before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "openpool_management.demo", "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    told = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            told += line
            if line.startswith("Dagster's UI: "):
                break
        found = re.search(r"^The pages: (\S+) .*/workers/(0x\w+)\nDagster's UI: (\S+)", told, re.M)
        if found is None:
            raise RuntimeError(f"The demo did not get to its end:\n{told}")
        yield Demo(found[3], found[1], found[2])
    finally:
        process.terminate()
        process.communicate()


def take_all(demo: Demo, browser: Browser, folder: Path) -> None:
    """Write every picture."""
    shots = Shots(browser, folder)
    assets = f"{demo.dagster}/assets"
    groups = ",".join(f"global@global:{name}" for name in GROUPS)
    graph = f"{demo.dagster}/asset-groups?expanded={quote(groups)}"
    shots.take("dagster-graph", graph, _open_graph, size=TALL)
    shots.take("dagster-runs", f"{demo.dagster}/runs", _narrow)
    shots.take("dagster-pool-report", f"{assets}/pool_report?view=events", _open_event)
    shots.take("dagster-chart", f"{assets}/worker_summary?view=events", _open_chart)
    shots.take("dagster-payouts", f"{assets}/worker_payouts?view=events", _open_event)
    shots.take("dagster-checks", f"{assets}/wallet?view=checks", _open_check)
    shots.take("pool", demo.pages)
    worker = f"{demo.pages}/workers/{demo.worker}"
    shots.take("worker", worker)
    shots.take("worker-lines", worker, _show_lines)
    shots.take("entry", worker, _follow_a_line)
    shots.take("worker-phone", worker, size=PHONE)
    shots.take("payouts", f"{demo.pages}/payouts")
    shots.take("ranking", f"{demo.pages}/ranking?window=24h", scheme="dark")


def _narrow(page: Page) -> None:
    page.get_by_text("Hide navigation").click()


def _open_graph(page: Page) -> None:
    _narrow(page)
    page.get_by_text("worker_payouts").first.wait_for()
    page.get_by_placeholder("Jump to").locator("xpath=following::button[1]").click()
    # The colours of the assets come last.
    page.wait_for_timeout(4 * SETTLE_MS)
    # A double click beside everything makes the graph as large as fits.
    page.mouse.dblclick(TALL["width"] // 2, TALL["height"] - 30)


def _open_event(page: Page) -> None:
    page.get_by_text("aterialized in run").first.wait_for()
    _narrow(page)


def _open_chart(page: Page) -> None:
    _open_event(page)
    row = page.locator("tr", has=page.get_by_text("paid and owed", exact=True)).last
    row.get_by_text("Show Markdown").click()


def _open_check(page: Page) -> None:
    page.get_by_text("wallet_equals_chain", exact=True).first.click()
    page.get_by_text("Passed").first.wait_for()
    _narrow(page)


def _show_lines(page: Page) -> None:
    page.get_by_label("Amounts in wei").check()
    heading = page.get_by_role("heading", name="Newest lines of the account")
    heading.evaluate("it => it.scrollIntoView()")


def _follow_a_line(page: Page) -> None:
    page.locator("#lines a:not([href^='#'])").first.click()
    page.locator("table.jobs").first.wait_for()


@dataclass(frozen=True, slots=True)
class Shots:
    """A camera. Nothing but this machine is asked for anything."""

    browser: Browser
    folder: Path

    def take(
        self,
        name: str,
        url: str,
        prepare: Callable[[Page], None] = lambda page: None,
        *,
        size: ViewportSize = SCREEN,
        scheme: Any = "light",
    ) -> None:
        """Write a page as a PNG of few colours. Raises ValueError for one that got too large."""
        with self.browser.new_context(viewport=size, color_scheme=scheme) as context:
            context.route("**/*", _stay_here)
            page = context.new_page()
            page.goto(url, wait_until="load")
            page.wait_for_timeout(SETTLE_MS)
            prepare(page)
            page.wait_for_timeout(SETTLE_MS)
            picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        path = self.folder / f"{name}.png"
        # Few colours cover most of a picture; this method keeps those of small parts too.
        few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path} has {path.stat().st_size} bytes: show less of the page.")
        print(f"{path.name}: {path.stat().st_size} bytes")


def _stay_here(route: Route) -> None:
    if route.request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
        route.continue_()
    else:
        route.abort()


def main() -> None:
    """Take all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="openpool-tour-") as home,
        running_demo(Path(home)) as demo,
    ):
        for job in JOBS:
            demo.run(job)
        with chromium() as browser:
            take_all(demo, browser, FOLDER)


if __name__ == "__main__":
    main()
