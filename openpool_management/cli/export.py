"""``openpool export``: the whole journal for other tools."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openpool_management.cli.output import JsonFlag, number, print_json, say, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from openpool_management.domain.journal import JournalSize
    from openpool_management.services.ports.journal import JournalSnapshot

    Writer = Callable[[JournalSnapshot, BinaryIO], JournalSize]

STDOUT = "-"


class JournalFormat(StrEnum):
    """What the journal can be written as."""

    BEANCOUNT = "beancount"
    CSV = "csv"
    PARQUET = "parquet"


def export(
    format_: Annotated[JournalFormat, typer.Option("--format", help="The form of the file.")],
    to: Annotated[str, typer.Option("--to", help="A file, or - for standard output.")],
    as_json: JsonFlag = False,
) -> None:
    """Write the whole journal: every entry with its postings, exact to the wei.

    A file that is there is replaced when the other one is whole. Nothing in the ledger is changed,
    and others may write to it meanwhile: the journal is the one of a single moment.
    """
    from openpool_management.adapters.replaced_file import replaced_file
    from openpool_management.adapters.sql.journal import SqlJournal
    from openpool_management.pool import Pool
    from openpool_management.settings import load_settings

    if to == STDOUT and format_ is JournalFormat.PARQUET:
        raise typer.BadParameter("Parquet is no text: name a file instead of -.", param_hint="--to")
    if to == STDOUT and as_json:
        raise typer.BadParameter(
            "Standard output is the journal's with --to -: name a file, or leave --json out.",
            param_hint="--json",
        )
    write = _writer(format_)
    journal = SqlJournal(Pool(load_settings()).engine)
    if to == STDOUT:
        with journal.at_one_moment() as snapshot:
            size = write(snapshot, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        path = Path(to).expanduser()
        with replaced_file(path) as output, journal.at_one_moment() as snapshot:
            size = write(snapshot, output)
    if as_json:
        counts = {"entries": size.entries, "postings": size.postings}
        document = {"format": format_.value, "to": to, **counts}
        print_json(document | {"size_bytes": path.stat().st_size})
    else:
        report = tell if to == STDOUT else say
        report(
            f"{number(size.entries)} entries with {number(size.postings)} postings were written "
            f"to {'standard output' if to == STDOUT else to} as {format_.value}."
        )


def _writer(format_: JournalFormat) -> "Writer":
    match format_:
        case JournalFormat.BEANCOUNT:
            from openpool_management.services.journal.beancount import write_beancount

            return write_beancount
        case JournalFormat.CSV:
            from openpool_management.services.journal.csv_table import write_csv

            return write_csv
        case JournalFormat.PARQUET:
            from openpool_management.adapters.journal_parquet import write_parquet

            return write_parquet
