"""``openpool export``: files, standard output, and what is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from openpool_management_tests.cli.conftest import Command, start_openpool
from openpool_management_tests.log_objects import ALICE, TRANSCODE, body, key, transcoded


@pytest.fixture
def read(openpool: Command, tmp_path: Path) -> Command:
    """The command, with a ledger of a job of 2 × 10^27 wei."""
    write(tmp_path, 0, 2 * 10**27)
    assert openpool("sync", OPENPOOL_EVENTS_DIR=tmp_path / "events").code == 0
    return openpool


def write(directory: Path, second: int, fee_wei: int) -> None:
    """Let an object with a job appear in the log."""
    path = directory / "events" / key(TRANSCODE, second)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body([transcoded(ALICE, second, units=1, price=fee_wei)]))


@pytest.mark.parametrize("form", ["beancount", "csv", "parquet"])
def test_a_file_and_a_report(read: Command, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"journal.{form}"
    ran = read("export", "--format", form, "--to", str(file))
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == f"1 entries with 3 postings were written to {file} as {form}.\n"
    first = file.read_bytes()
    ran = read("export", "--format", form, "--to", str(file), "--json")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.json == {
        "format": form,
        "to": str(file),
        "entries": 1,
        "postings": 3,
        "size_bytes": len(first),
    }
    # The same journal is the same file.
    assert file.read_bytes() == first


@pytest.mark.parametrize("form", ["beancount", "csv"])
def test_standard_output_holds_the_journal_alone(read: Command, tmp_path: Path, form: str) -> None:
    file = tmp_path / "journal"
    assert read("export", "--format", form, "--to", str(file)).code == 0
    with start_openpool("export", "--format", form, "--to", "-", home=tmp_path / "home") as child:
        stdout, stderr = child.communicate()
    assert (child.returncode, stdout.encode()) == (0, file.read_bytes().replace(b"\r\n", b"\n"))
    assert stderr == f"1 entries with 3 postings were written to standard output as {form}.\n"


def test_what_a_format_can_not_hold_leaves_the_file(read: Command, tmp_path: Path) -> None:
    file = tmp_path / "journal"
    assert read("export", "--format", "beancount", "--to", str(file)).code == 0
    before, names = file.read_bytes(), sorted(tmp_path.iterdir())
    write(tmp_path, 60, 10**29)
    assert read("sync", OPENPOOL_EVENTS_DIR=tmp_path / "events").code == 0
    ran = read("export", "--format", "beancount", "--to", str(file), "--json")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("Up to entry 2 the journal moves 204")
    assert ran.stderr.endswith("export csv instead.\n")
    assert (file.read_bytes(), sorted(tmp_path.iterdir())) == (before, names)
    assert read("export", "--format", "csv", "--to", str(file)).code == 0
    assert str(75 * 10**27) in file.read_text()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--format", "parquet", "--to", "-"], 2, "Parquet is no text"),
        (["--format", "csv", "--to", "-", "--json"], 2, "Standard output is the journal's"),
        (["--format", "xlsx", "--to", "x"], 2, "'xlsx' is not one of"),
        (["--format", "csv", "--to", "{}/gone/x"], 4, "There is no directory"),
        (["--format", "csv", "--to", "{}"], 4, "is a directory: name a file."),
    ],
)
def test_what_is_refused(
    openpool: Command, tmp_path: Path, words: list[str], code: int, sentence: str
) -> None:
    ran = openpool("export", *(word.format(tmp_path) for word in words))
    assert (ran.code, ran.stdout) == (code, "")
    assert sentence in " ".join(ran.stderr.split())


def test_a_reader_that_goes_away_is_no_traceback(read: Command, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with start_openpool("export", "--format", "csv", "--to", "-", home=home) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        assert "Traceback" not in child.stderr.read()


def test_the_module_of_a_format_loads_when_it_is_asked_for() -> None:
    code = "import sys, openpool_management.cli.app; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
