"""``openpool unattributed``: jobs that are nobody's, and an operator's word on whose they are."""

from typing import Annotated

import typer

from openpool_management.cli.exit_codes import EXIT_CODES_HELP
from openpool_management.cli.output import (
    JsonFlag,
    WeiFlag,
    amount,
    number,
    print_json,
    print_table,
    say,
)

app = typer.Typer(
    help="Jobs whose fee was earned by nobody who is known.",
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
)


@app.command("list", epilog=EXIT_CODES_HELP)
def list_jobs(as_json: JsonFlag = False, wei: WeiFlag = False) -> None:
    """List jobs that are nobody's, oldest first: no worker known, or one without an address."""
    from openpool_management.cli.documents import as_document, time_text
    from openpool_management.pool import Pool
    from openpool_management.services.attribution import open_unattributed
    from openpool_management.settings import load_settings

    rows = open_unattributed(Pool(load_settings()).unattributed)
    if as_json:
        print_json(as_document(rows))
        return
    if not rows:
        say("Every job is somebody's.")
        return
    unit = "wei" if wei else "ETH"
    total = amount(sum(row.fees_wei for row in rows), wei)
    print_table(
        f"Unattributed: {number(len(rows))} jobs, {total} {unit}",
        ["event ID", "stream", "time", "pipeline", "model", "why", f"fee {unit}"],
        [
            [
                *(row.event_id, row.stream, time_text(row.dt), row.pipeline, row.model),
                "zero address" if row.held else "worker unknown",
                amount(row.fees_wei, wei),
            ]
            for row in rows
        ],
        right=1,
    )


@app.command(epilog=EXIT_CODES_HELP)
def assign(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="The job's event ID.")],
    worker: Annotated[str, typer.Argument(metavar="WORKER", help="The worker's address.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the ledger.")],
    stream: Annotated[
        str | None, typer.Option("--stream", help="For an event ID that is in several streams.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Give a job that is nobody's to a worker, for ever."""
    from openpool_management.domain.streams import Stream
    from openpool_management.pool import Pool, utc_now
    from openpool_management.services import attribution
    from openpool_management.settings import load_settings

    try:
        chosen = None if stream is None else Stream.parse(stream)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--stream") from error
    pool = Pool(load_settings())
    batch = attribution.assign(
        pool.unattributed,
        pool.ledger,
        pool.lake,
        event_id,
        worker,
        reason,
        utc_now(),
        stream=chosen,
    )
    holder = batch.attributions[0].worker
    if as_json:
        print_json({"event_id": batch.subject, "worker": holder, "batch_id": batch.id})
    else:
        say(f"Job {batch.subject} of stream {batch.stream} is {holder}'s, by batch {batch.id}.")
