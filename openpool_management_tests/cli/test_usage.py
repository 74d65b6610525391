import subprocess
import sys

import pytest
import typer

from openpool_management.cli.app import app
from openpool_management_tests.cli.conftest import CHECKOUT, Command


def test_help_and_version_load_nothing_heavy() -> None:
    """What is slow to import would be felt at every command, help and completion too."""
    code = (
        "import sys; from openpool_management.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(sorted({'polars', 'sqlalchemy', 'boto3', 'dagster', 'pandas', 'pydantic'}"
        " & set(sys.modules)))"
    )
    for argument in ("--help", "--version"):
        ran = subprocess.run(
            [sys.executable, "-c", code, argument],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.splitlines()[-1] == "[]"


def test_the_version_is_told(openpool: Command) -> None:
    ran = openpool("--version")
    assert ran.code == 0
    assert ran.stdout.startswith("openpool")


def names_in(group: typer.Typer) -> list[str]:
    """The commands of one group."""
    return [
        str(one.name or getattr(one.callback, "__name__", "")) for one in group.registered_commands
    ]


def command_names() -> list[list[str]]:
    """Every command, with its group before it."""
    names = [[name] for name in names_in(app)]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        names += [[str(group.name), name] for name in names_in(group.typer_instance)]
    return names


def test_every_command_is_described() -> None:
    """The issue's list, and docs/commands.md, name them all."""
    described = (CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert len(command_names()) == 38
    for command in command_names():
        assert f"| `{' '.join(command)}" in described


@pytest.mark.parametrize("command", command_names(), ids=" ".join)
def test_every_command_has_help_json_and_exit_codes(openpool: Command, command: list[str]) -> None:
    ran = openpool(*command, "--help")
    assert ran.code == 0
    assert "--json" in ran.stdout
    assert "Exit codes: 0 done" in ran.stdout


@pytest.mark.parametrize("arguments", [["nonsense"], ["sync", "--nonsense"], ["simulate"]])
def test_wrong_usage_is_two(openpool: Command, arguments: list[str]) -> None:
    ran = openpool(*arguments)
    assert ran.code == 2
    assert ran.stdout == ""
    assert ran.stderr
