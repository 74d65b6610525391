"""The documents name what exists: files, headings, folders, commands, numbers."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.sql.payouts.tables import PAYOUT_TABLES
from openpool_management.adapters.sql.schema import LEDGER_TABLES
from openpool_management.adapters.sql.ticket_schema import TICKET_TABLES
from openpool_management.cli.app import app
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.holds import HoldReason
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management_tests.conftest import DATA
from openpool_management_tests.ledgers import ScratchLedger

PROJECT = Path(__file__).parent.parent
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
WITH_COMMANDS = [
    *("README.md", "docs/api.md", "docs/runbook.md", "docs/ledger.md", "docs/architecture.md"),
]
HOSTS = {
    "arbiscan.io",
    "duckdb.org",
    "first.example.com",
    "graphviz.org",
    "keepachangelog.com",
    "s3.example.com",
    "second.example.com",
    "semver.org",
}

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`(openpool [^`]+)`")
_PLACE = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users|opt|mnt)\b")


def _name(document: Path) -> str:
    return str(document.relative_to(PROJECT))


def _prose(document: Path) -> str:
    return _FENCE.sub("", document.read_text(encoding="utf-8"))


def _anchors(document: Path) -> set[str]:
    """What a heading can be linked as: lower case, without punctuation, blanks as dashes."""
    headings = re.findall(r"^#+ (.+)$", _prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _problem(document: Path, link: str) -> str | None:
    if "://" in link:
        return None
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    if not target.exists():
        return f"{link}: there is no {path}"
    if anchor and anchor not in _anchors(target):
        return f"{link}: {target.name} has no such heading"
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    links = _LINK.findall(_prose(document))
    assert [problem for link in links if (problem := _problem(document, link))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_no_document_names_a_machine_or_a_registry(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert _PLACE.findall(text) == []
    assert set(re.findall(r"https?://([\w.-]+)", text)) - {"127.0.0.1"} <= HOSTS


def test_every_decision_is_in_the_index() -> None:
    index = PROJECT / "docs" / "adr" / "README.md"
    named = {link for link in _LINK.findall(index.read_text(encoding="utf-8")) if link[0].isdigit()}
    assert named == {path.name for path in index.parent.glob("[0-9]*.md")}


def _drawn_folders() -> Iterator[Path]:
    """The folders of the tree in architecture.md, by their indentation."""
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = next(body for language, body in _FENCE.findall(text) if "domain/" in body)
    above: list[Path] = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        above[depth:] = [Path(*above[:depth][-1:], line.split()[0])]
        yield above[depth]


def test_folders_of_the_architecture_exist() -> None:
    drawn = set(_drawn_folders())
    assert Path("openpool_management/adapters/sql/migrations") in drawn
    assert {folder for folder in drawn if not (PROJECT / folder).is_dir()} == set()


def test_every_room_is_in_the_architecture() -> None:
    rooms = {path.parent for path in (PROJECT / "openpool_management").glob("*/__init__.py")}
    assert {room.relative_to(PROJECT) for room in rooms} <= set(_drawn_folders())


def test_files_named_in_the_architecture_exist() -> None:
    text = _prose(PROJECT / "docs" / "architecture.md")
    names = set(re.findall(r"`(\w+/[\w/]*(?:\.py)?)`", text))
    assert "services/ingest.py" in names
    package = PROJECT / "openpool_management"
    assert {name for name in names if not (package / name).exists()} == set()


def _command_lines(document: Path) -> Iterator[list[str]]:
    """The arguments of each line of shell that runs openpool."""
    for language, body in _FENCE.findall(document.read_text(encoding="utf-8")):
        for line in body.splitlines() if language == "sh" else ():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words[:1] == ["openpool"]:
                ends = [words.index(mark) for mark in (">", "|") if mark in words]
                yield words[1 : min(ends, default=len(words))]


def _parse(words: list[str]) -> None:
    """Parse as the command line does, and run nothing. Raises its usage error."""
    command = typer.main.get_command(app)
    context = command.make_context("openpool", list(words))
    while isinstance(command, typer.core.TyperGroup):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_command_lines_can_be_parsed(name: str) -> None:
    for words in _command_lines(PROJECT / name):
        _parse(words)


def test_the_runbook_names_every_reason_for_holding() -> None:
    text = (PROJECT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert [reason.value for reason in HoldReason if f"`{reason.value}`" not in text] == []


def test_the_runbook_has_command_lines() -> None:
    lines = list(_command_lines(PROJECT / "docs" / "runbook.md"))
    assert ["sync", "--full"] in lines
    assert len(lines) > 20


@pytest.mark.parametrize("words", [["synch"], ["sync", "--al"], ["held", "release", "H1"]])
def test_a_wrong_command_line_is_noticed(words: list[str]) -> None:
    with pytest.raises(typer._click.exceptions.UsageError):
        _parse(words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_commands_named_in_sentences_exist(document: Path) -> None:
    for text in _INLINE.findall(_prose(document)):
        command = typer.main.get_command(app)
        for word in text.split()[1:]:
            if not isinstance(command, typer.core.TyperGroup) or not re.fullmatch(r"[a-z]+", word):
                break
            assert word in command.commands, text
            command = command.commands[word]


def _first_cells(heading: str) -> set[str]:
    """What stands in the first column of the tables under a heading of ledger.md."""
    text = (PROJECT / "docs" / "ledger.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\|([^|]+)\|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_ledger_document_names_every_table() -> None:
    beside = {table.name for table in (*PAYOUT_TABLES, *TICKET_TABLES)}
    assert _first_cells("The tables") == {*LEDGER_TABLES, *beside}


def test_the_ledger_document_names_every_column_of_the_lake() -> None:
    assert _first_cells("The lake") == set(LAKE_SCHEMA)


def test_the_example_of_the_ledger_holds(tmp_path: Path) -> None:
    """The table of lines in ledger.md is what the real objects come to."""
    text = (PROJECT / "docs" / "ledger.md").read_text(encoding="utf-8")
    worker = re.findall(r"worker `(0x\w{40})` is owed", text)[0]
    example = text.split("## A balance")[1].split("\n## ")[0]
    stated = {
        (stream.replace("\\", ""), pipeline, model): (int(jobs), int(net.replace(",", "")))
        for stream, pipeline, model, jobs, net in re.findall(
            r"^\| `(\S+)` \| (\S+) \|(?: (\S+))? \| (\d+) \| [\d,]+ \| ([\d,]+) \|$",
            example,
            re.MULTILINE,
        )
    }
    with ScratchLedger.in_directory(tmp_path) as scratch:
        scratch.sync(DirectorySource(DATA / "events"))
        lines = {
            (one.account.stream, one.account.pipeline, one.account.model): (
                one.jobs,
                one.balance_wei,
            )
            for one in scratch.books.standings()
            if one.account.kind is AccountKind.PAYABLE and one.account.worker == worker
        }
    assert stated == lines
    assert f"**{sum(net for _, net in lines.values()):,}** wei" in example
