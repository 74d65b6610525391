"""``python -m openpool_management_tests.mutants``: put each error into a copy, and see it noticed.

The tests that are to notice it must pass on the copy before. Ends with 1 if an error survives.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from openpool_management_tests.mutants.mutants import MUTANTS, Mutant

PROJECT = Path(__file__).parent.parent.parent
COPIED = ("openpool_management", "openpool_management_tests", "pyproject.toml", "setup.py")


def main() -> int:
    """Run all, or those whose name has the words of the command line in it."""
    words = " ".join(sys.argv[1:])
    chosen = [mutant for mutant in MUTANTS if words in mutant.name]
    with tempfile.TemporaryDirectory(prefix="openpool-mutants-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = PROJECT / name
            ignored = shutil.ignore_patterns("__pycache__")
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=ignored)
            else:
                shutil.copyfile(source, copy / name)
        every_test = sorted({test for mutant in chosen for test in mutant.tests})
        clean, output = _tests_fail(copy, every_test)
        if clean:
            print(f"The tests fail without any error put in:\n{output}")
            return 1
        survivors = [mutant.name for mutant in chosen if not _is_noticed(copy, mutant)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} errors were noticed.")
    return 1 if survivors else 0


def _is_noticed(copy: Path, mutant: Mutant) -> bool:
    file = copy / mutant.file
    sound = file.read_text(encoding="utf-8")
    if sound.count(mutant.old) != 1:
        raise SystemExit(
            f"{mutant.name!r} replaces what {mutant.file} does not hold once: bring it up to date."
        )
    file.write_text(sound.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        noticed, output = _tests_fail(copy, mutant.tests)
    finally:
        file.write_text(sound, encoding="utf-8")
    by = [line.split(" ")[1] for line in output.splitlines() if line.startswith("FAILED")]
    print(f"{'noticed ' if noticed else 'SURVIVED'}  {mutant.name}  {by[0] if by else ''}")
    return noticed


def _tests_fail(copy: Path, tests: tuple[str, ...] | list[str]) -> tuple[bool, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-n", "2",
         "-m", "not soak", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    # Of two workers, the one that did not fail is interrupted, which pytest calls 2.
    failed = ended.returncode in (1, 2) and "\nFAILED" in ended.stdout
    if ended.returncode and not failed:
        raise SystemExit(f"The tests could not be run:\n{ended.stdout}{ended.stderr}")
    return failed, ended.stdout


if __name__ == "__main__":
    sys.exit(main())
