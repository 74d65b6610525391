"""Chromium is found or installed, or a sentence says what to do."""

import os
from pathlib import Path

import pytest

from openpool_management_tests.servers.browser import ChromiumMissing, axe_script, chromium_binary
from openpool_management_tests.servers.test_anvil import program


def only(folder: Path, monkeypatch: pytest.MonkeyPatch, *, user: int = 0) -> None:
    """Let a folder be the whole PATH, and this process a user's."""
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: user)


def test_a_browser_that_is_there_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path, monkeypatch)
    chrome = program(tmp_path / "google-chrome", "exit 0")
    assert chromium_binary(tmp_path / "cache") == chrome
    named = program(tmp_path / "elsewhere" / "browser", "exit 0")
    monkeypatch.setenv("CHROMIUM", str(named))
    assert chromium_binary(tmp_path / "cache") == named


def test_root_has_it_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path, monkeypatch)
    installs = f'case "$*" in *"install -y"*) /bin/cp "$0" {tmp_path}/chromium;; esac'
    program(tmp_path / "apt-get", f'echo "$@" >> {tmp_path}/asked\n{installs}')
    for _ in range(2):
        assert chromium_binary(tmp_path / "cache") == tmp_path / "chromium"
    assert (tmp_path / "asked").read_text().splitlines() == [
        "-q update",
        "-q install -y --no-install-recommends chromium",
    ]


@pytest.mark.parametrize(
    ("apt_get", "user", "sentence"),
    [
        (None, 0, "there is none"),
        ("exit 0", 1000, "there is none"),
        ("echo E: no network; exit 100", 0, "apt-get update failed: E: no network"),
        ("exit 0", 0, "not on the PATH"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    apt_get: str | None,
    user: int,
    sentence: str,
) -> None:
    only(tmp_path, monkeypatch, user=user)
    if apt_get is not None:
        program(tmp_path / "apt-get", apt_get)
    with pytest.raises(ChromiumMissing, match=rf"{sentence}.*CHROMIUM"):
        chromium_binary(tmp_path / "cache")


def test_axe_is_installed() -> None:
    assert "axe" in axe_script()[:200]
