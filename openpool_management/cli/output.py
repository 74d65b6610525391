"""What commands print: results to standard output, everything else to standard error."""

import json
import logging
import sys
import traceback
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openpool_management.domain.money import format_eth

# Output that goes to a file or a pipe is wide enough that no address or key is broken.
PIPE_COLUMNS = 5_000

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")
]
WeiFlag = Annotated[bool, typer.Option("--wei", help="Show amounts in wei instead of ETH.")]


def print_json(document: Any) -> None:
    """Print a document as the only thing on standard output."""
    typer.echo(json.dumps(document, indent=2))


def say(sentence: str) -> None:
    """Print a line of the result for people on standard output."""
    typer.echo(printable(sentence))


def tell(sentence: str) -> None:
    """Print a message on standard error."""
    typer.echo(printable(sentence), err=True)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: int = 0,
    whole: Collection[str] = (),
) -> None:
    """Print rows as a table; the last right columns hold numbers. Nothing is cut off.

    Where a terminal is too narrow, cells go on in the next line, but for columns in whole.
    """
    # Titles and cells are given as Text, so that no markup is read from what a log holds.
    table = Table(title=Text(title), title_justify="left", header_style="bold", show_edge=False)
    for index, column in enumerate(columns):
        number = index >= len(columns) - right
        table.add_column(
            column,
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=column in whole,
        )
    _print(table, rows)


def print_facts(title: str, facts: Iterable[Sequence[object]]) -> None:
    """Print names and their values under a title."""
    table = Table(title=Text(title), title_justify="left", show_header=False, show_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    _print(table, facts)


def _print(table: Table, rows: Iterable[Sequence[object]]) -> None:
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    Console(width=width).print(table, "")


def error_console() -> Console:
    """Where progress is shown."""
    return Console(stderr=True)


def amount(amount_wei: int | str, in_wei: bool) -> str:
    """An amount for people: exact ETH, or wei."""
    return str(amount_wei) if in_wei else format_eth(int(amount_wei))


def short_address(address: str) -> str:
    """An address by its two ends, for tables that stand beside one with whole addresses."""
    return f"{address[:6]}…{address[-4:]}"


def number(value: int) -> str:
    """A count with its thousands apart."""
    return f"{value:,}"


def printable(text: str) -> str:
    """Text without control characters: what the event log holds must not steer a terminal."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text
    )


class StderrHandler(logging.Handler):
    """Log records as plain lines on standard error, above a progress display.

    A record of a defect comes with its traceback.
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(logging.WARNING)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        if self.console is None:
            tell(text)
        else:
            self.console.print(Text(printable(text)), soft_wrap=True)
