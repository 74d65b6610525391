"""``openpool verify``: replay the event log and compare it with the ledger."""

from typing import TYPE_CHECKING

import typer

from openpool_management.cli.exit_codes import ExitCode
from openpool_management.cli.output import JsonFlag, number, print_json, say
from openpool_management.cli.progress import shown_progress

if TYPE_CHECKING:
    from openpool_management.domain.streams import Stream

SHOWN = 20


def verify(as_json: JsonFlag = False) -> None:
    """Replay every object into a scratch ledger and compare the two account by account.

    Exits with 1 on a difference, and for an object that is no longer what was read.
    """
    from openpool_management.pool import Pool
    from openpool_management.scratch import verify_pool
    from openpool_management.settings import load_settings

    pool = Pool(load_settings())
    read: dict[str, int] = {}
    with shown_progress() as progress:
        task = progress.add_task("replay", total=None, read="")

        def show(stream: "Stream", objects: int) -> None:
            read[str(stream)] = read.get(str(stream), 0) + objects
            progress.update(
                task, description=str(stream), read=f"{number(read[str(stream)])} objects"
            )

        report = verify_pool(pool, show)
    if as_json:
        from openpool_management.cli.documents import as_document

        print_json({"equal": report.equal} | as_document(report))
    else:
        replayed = f"{number(report.objects)} objects of {number(report.batches)} batches"
        if report.equal:
            say(f"{replayed} were replayed: the ledger is equal to them, to the wei.")
        else:
            say(
                f"{replayed} were replayed: {number(len(report.gone))} objects gone, "
                f"{number(len(report.refused))} decisions refused, "
                f"{number(len(report.differences))} differences."
            )
            for sentences in (report.gone, report.refused, report.differences):
                _say_first(sentences)
    if not report.equal:
        raise typer.Exit(ExitCode.FINDING)


def _say_first(sentences: list[str]) -> None:
    for sentence in sentences[:SHOWN]:
        say(sentence)
    if len(sentences) > SHOWN:
        say(f"... and {number(len(sentences) - SHOWN)} more; --json shows all.")
