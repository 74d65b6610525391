"""``openpool archive``: copy what the ledger has read to the archive, and delete the originals."""

from typing import TYPE_CHECKING, Annotated

import typer

from openpool_management.cli.exit_codes import ExitCode
from openpool_management.cli.output import JsonFlag, number, print_json, print_table, say
from openpool_management.cli.progress import shown_progress

if TYPE_CHECKING:
    from datetime import datetime

    from rich.progress import TaskID

    from openpool_management.services.archiving import Archiver, ArchiveReport

SHOWN = 20


def archive(
    older_than: Annotated[
        int | None,
        typer.Option(
            "--older-than",
            metavar="DAYS",
            min=0,
            max=36_500,
            help="Objects written longer ago than this; without it OPENPOOL_ARCHIVE_AFTER_DAYS.",
        ),
    ] = None,
    delete: Annotated[
        bool,
        typer.Option(
            "--delete", help="Delete each original, once its copy was read back and is whole."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Copy old objects that were read to S3_ARCHIVE_BUCKET; run again, it takes up what is left.

    Exits with 3 when some objects could not be archived: the rest was.
    """
    from datetime import timedelta

    from openpool_management.cli.documents import as_document
    from openpool_management.pool import Pool, utc_now
    from openpool_management.settings import load_settings

    pool = Pool(load_settings())
    archiver = pool.archiver
    days = pool.settings.archive_after_days if older_than is None else older_than
    before = utc_now() - timedelta(days=days)
    reports = archive_streams(archiver, before, delete=delete, dry_run=dry_run)
    if as_json:
        print_json(
            {
                "archive": archiver.archive.name,
                "before": as_document(before),
                "dry_run": dry_run,
                "streams": as_document(reports),
            }
        )
    else:
        print_reports(archiver.archive.name, reports, dry_run=dry_run)
    if any(report.failed for report in reports.values()):
        raise typer.Exit(ExitCode.UNREAD)


def archive_streams(
    archiver: "Archiver", before: "datetime", *, delete: bool, dry_run: bool
) -> "dict[str, ArchiveReport]":
    """Archive the streams of the ledger one after the other."""
    reports = {}
    with shown_progress() as progress:
        for stream in archiver.record.streams():
            task = progress.add_task(str(stream), total=None, read="")

            def show(objects: int, task: "TaskID" = task) -> None:
                progress.update(task, read=f"{number(objects)} objects")

            reports[str(stream)] = archiver.archive_stream(
                stream, before, delete=delete, dry_run=dry_run, progress=show
            )
            progress.update(task, total=1, completed=1)
    return reports


def print_reports(name: str, reports: "dict[str, ArchiveReport]", *, dry_run: bool) -> None:
    """Print what was done, for people."""
    columns = ("archived", "archived_bytes", "already", "deleted")
    rows = [
        [stream, *(number(getattr(it, column)) for column in columns), number(len(it.failed))]
        for stream, it in reports.items()
    ]
    would = " (dry run: nothing was done)" if dry_run else ""
    titles = ("archived", "bytes", "archived before", "deleted", "failed")
    print_table(f"Archive {name}{would}", ["stream", *titles], rows, right=5)
    failed = [sentence for report in reports.values() for sentence in report.failed]
    for sentence in failed[:SHOWN]:
        say(sentence)
    if len(failed) > SHOWN:
        say(f"... and {number(len(failed) - SHOWN)} more; --json shows all.")
