"""``openpool sync``: read everything that is new in the event log into the ledger."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from openpool_management.cli.exit_codes import ExitCode
from openpool_management.cli.output import (
    JsonFlag,
    number,
    print_json,
    print_table,
    say,
)
from openpool_management.cli.progress import shown_progress

if TYPE_CHECKING:
    from openpool_management.domain.streams import Stream
    from openpool_management.pool import Pool

COUNTS = ("batches", "objects", "events", "duplicates", "held")


def sync(
    full: Annotated[
        bool,
        typer.Option("--full", help="List everything, for objects later than the lateness window."),
    ] = False,
    stream: Annotated[
        list[str] | None,
        typer.Option("--stream", help="Only this stream, such as 'ai|us-central'; repeatable."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Read all that is new in the event log, now, and say what it was.

    Exits with 3 when some objects could not be read: they are tried again at the next sync.
    """
    from openpool_management.pool import Pool
    from openpool_management.settings import load_settings

    pool = Pool(load_settings())
    summary = sync_streams(pool, chosen_streams(pool, stream or []), full=full)
    if as_json:
        print_json({"source": pool.source.name, "streams": summary})
    else:
        print_summary(pool.source.name, summary)
    if any(counts["unread"] for counts in summary.values()):
        raise typer.Exit(ExitCode.UNREAD)


def chosen_streams(pool: "Pool", names: list[str]) -> list["Stream"]:
    """The streams of the source, or those named. Raises BadParameter for one it has not."""
    from openpool_management.domain.streams import Stream

    found = pool.source.streams()
    try:
        wanted = [Stream.parse(name) for name in names]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    for one in wanted:
        if one not in found:
            there = ", ".join(map(str, found)) or "none"
            raise typer.BadParameter(
                f"{pool.source.name} has no stream {one}: choose one of its streams ({there})."
            )
    return wanted or found


def sync_streams(
    pool: "Pool", streams: list["Stream"], *, full: bool = False
) -> dict[str, dict[str, Any]]:
    """Sync streams one after the other; what was read of each, and the keys that were not."""
    summary: dict[str, dict[str, Any]] = {}
    with shown_progress() as progress:
        for stream in streams:
            counts: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {"unread": []}
            summary[str(stream)] = counts
            task = progress.add_task(str(stream), total=None, read="")
            for outcome in pool.ingest.sync(stream, full=full):
                counts["unread"] += [unread.ref.key for unread in outcome.unread]
                if outcome.batch is not None:
                    counts["batches"] += 1
                    counts["objects"] += len(outcome.batch.objects)
                    counts["events"] += outcome.batch.events
                    counts["duplicates"] += outcome.batch.duplicates
                    counts["held"] += len(outcome.batch.held)
                read = f"{number(counts['objects'])} objects, {number(counts['events'])} events"
                progress.update(task, read=read)
            progress.update(task, total=1, completed=1)
    return summary


def print_summary(source: str, summary: dict[str, dict[str, Any]]) -> None:
    """Print what a sync read, for people."""
    if not summary:
        say(f"{source} holds no event objects.")
        return
    rows = [
        [name, *(number(counts[column]) for column in COUNTS), number(len(counts["unread"]))]
        for name, counts in summary.items()
    ]
    print_table(f"Read from {source}", ["stream", *COUNTS, "unread"], rows, right=6)
