"""The command line ``openpool``: the services without Dagster."""

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command, by default the one this process was started with, and exit with its code.

    Raises SystemExit always. Expected failures end as a sentence on standard error.
    """
    from openpool_management.cli.app import run

    raise SystemExit(run(arguments))
