"""Chromium for tests: the system's, driven by Playwright; and axe-core, which judges pages."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from openpool_management.demo.npm_package import NpmPackage, packages_cache

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL_SECONDS = 280
START_SECONDS = 120
HINT = (
    "Put chromium on the PATH, or name it in the variable CHROMIUM. "
    "On Debian: apt-get install --no-install-recommends chromium"
)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
AXE = NpmPackage(
    "axe-core",
    "4.14.1",
    file="axe.min.js",
    title="axe-core",
    hint='Run pip install -e ".[dev]", which brings npm to install it with.',
)


class ChromiumMissing(Exception):
    """There is no chromium and none could be installed; the message says why and what to do."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser, until the end of the block.

    While it lives, this thread has a running event loop: asyncio.run fails in it.
    """
    binary = chromium_binary(packages_cache(os.environ))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=[*FLAGS], timeout=1000 * START_SECONDS
        )
        yield browser
        browser.close()


def axe_script() -> str:
    """The program axe-core. Raises PackageMissing."""
    return AXE.installed(packages_cache(os.environ)).read_text(encoding="utf-8")


def chromium_binary(cache: Path) -> Path:
    """The browser's program. Where there is none, root on a Debian machine gets one by apt-get.

    cache holds the lock under which that happens. Raises ChromiumMissing.
    """
    found = _found()
    if found is not None:
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ChromiumMissing(f"The tests of the pages need chromium, and there is none. {HINT}")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "chromium.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another process may have installed it meanwhile.
        found = _found() or _install()
    if found is None:
        raise ChromiumMissing(f"apt-get installed chromium, but it is not on the PATH. {HINT}")
    return found


def _found() -> Path | None:
    for name in filter(None, (os.environ.get("CHROMIUM"), *NAMES)):
        path = shutil.which(name)
        if path is not None:
            return Path(path)
    return None


def _install() -> Path | None:
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            ["apt-get", "-q", *words],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            reason = " ".join(done.stdout.split())[-300:]
            raise ChromiumMissing(f"apt-get {words[0]} failed: {reason}. {HINT}")
    return _found()
