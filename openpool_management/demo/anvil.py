"""Foundry's anvil, a chain for tests and demos: where it is, and how it is installed."""

import platform
import shutil
import sys
from pathlib import Path

from openpool_management.demo.npm_package import NpmPackage, PackageMissing

VERSION = "1.7.1"
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
HINT = (
    'Run pip install -e ".[dev]", which brings npm to install it with, '
    "or install Foundry and put anvil on the PATH."
)


class AnvilMissing(Exception):
    """There is no anvil and none could be installed; the message says why and what to do."""


def anvil_binary(cache: Path) -> Path:
    """The program anvil: the one on the PATH, or else one that npm installs once into cache.

    Any number of processes may ask at once. Raises AnvilMissing.
    """
    on_path = shutil.which("anvil")
    if on_path is not None:
        return Path(on_path)
    package = NpmPackage(_package(), VERSION, file="bin/anvil", title="anvil", hint=HINT)
    try:
        return package.installed(cache)
    except PackageMissing as missing:
        raise AnvilMissing(str(missing)) from missing


def _package() -> str:
    system, machine = sys.platform, MACHINES.get(platform.machine().lower())
    if system not in ("linux", "darwin") or machine is None:
        raise AnvilMissing(
            f"npm has no anvil for {system} on {platform.machine()}: "
            "install Foundry and put anvil on the PATH."
        )
    return f"@foundry-rs/anvil-{system}-{machine}"
