"""``openpool trace``: from an event or a worker to the jobs, the objects and the ledger's lines."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from openpool_management.cli.exit_codes import ExitCode
from openpool_management.cli.output import (
    JsonFlag,
    WeiFlag,
    amount,
    number,
    print_facts,
    print_json,
    print_table,
    say,
    tell,
)

if TYPE_CHECKING:
    from openpool_management.pool import Pool
    from openpool_management.services.trace import EventTrace


def trace(
    what: Annotated[
        str, typer.Argument(metavar="EVENT_ID|WORKER", help="An event ID, or a worker's address.")
    ],
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Lines of a worker to show, the newest first.")
    ] = 20,
    as_json: JsonFlag = False,
    wei: WeiFlag = False,
) -> None:
    """Show where an event is and what became of it, or what a worker's statement is made of.

    Exits with 1 when a line of a worker is not what its jobs add up to.
    """
    from openpool_management.cli.documents import as_document
    from openpool_management.domain.addresses import checksum_address
    from openpool_management.pool import Pool
    from openpool_management.services.trace import trace_event, trace_worker
    from openpool_management.settings import load_settings

    pool = Pool(load_settings())
    trail = pool.trail
    worker = checksum_address(what)
    if worker is None:
        event = trace_event(trail, what)
        found = as_document(event)
        add_places(pool, event, found)
        if as_json:
            print_json(found)
        else:
            print_event(found, in_wei=wei)
        return
    statement = trace_worker(trail, worker, limit)
    document = as_document(statement)
    if as_json:
        print_json(document | {"errors": statement.errors})
    else:
        print_statement(document, in_wei=wei)
    if statement.errors:
        raise typer.Exit(ExitCode.FINDING)


def add_places(pool: "Pool", trace: "EventTrace", document: dict[str, Any]) -> None:
    """Say of each event where its object is, if there is an archive that it may be in."""
    events = [(trace.event, document["event"]), (trace.claimed_job, document["claimed_job"])]
    if trace.job is not None:
        events.append((trace.job.pair, document["job"]["pair"]))
    for event, part in events:
        if event is None:
            continue
        try:
            place = pool.place(event.stream, event.object_key, event.object_version)
        except OSError as error:
            tell(f"{error} So it is not said where the object is.")
            return
        if place is not None:
            part["object_place"] = place


def print_event(document: dict[str, Any], *, in_wei: bool) -> None:
    """Print an event's trace, for people."""
    parts = (
        ("Event", document["event"]),
        ("Job", document["job"]),
        ("Paired with the job-received", (document["job"] or {}).get("pair")),
        ("Claimed by the job", document["claimed_job"]),
    )
    for title, part in parts:
        if part is not None:
            print_facts(title, _facts(part, in_wei))
    job = document["job"] or {"changes": [], "lines": []}
    if job["changes"]:
        columns = ["at", "worker", "cause", "reason", "batch_id"]
        rows = [[change[column] or "" for column in columns] for change in job["changes"]]
        print_table("Its worker changed", columns, rows)
    for line in job["lines"]:
        print_facts("Line of the ledger", _facts(line, in_wei))
    for item in document["held"]:
        print_facts("Held", _facts(item, in_wei))


def print_statement(document: dict[str, Any], *, in_wei: bool) -> None:
    """Print the lines of a worker with their jobs, for people."""
    if not document["lines"]:
        say(f"Nothing was posted to {document['worker']}.")
        return
    unit = "wei" if in_wei else "ETH"
    for statement_line in document["lines"]:
        line = statement_line["line"]
        account = line["account"]
        columns = ["job", "time", "object", "version", "index", "units", f"fee {unit}"]
        print_table(
            f"{line['posted_at']}  {account['stream']}  {account['pipeline']}  {account['model']}"
            f"  {number(line['jobs'])} jobs  {amount(line['amount_wei'], in_wei)} {unit}",
            [*columns, "commission bps", f"net {unit}"],
            [
                [
                    *(job["event_id"], job["dt"], job["object_key"], job["object_version"]),
                    *(job["object_index"], number(job["compute_units"])),
                    amount(job["fees_wei"], in_wei),
                    job["fee_bps"],
                    amount(job["net_wei"], in_wei),
                ]
                for job in statement_line["jobs"]
            ],
            right=5,
        )
        if statement_line["error"]:
            say(statement_line["error"])


def _facts(part: dict[str, Any], in_wei: bool, prefix: str = "") -> list[list[str]]:
    """Names and values of what is known; lists have tables of their own."""
    rows = []
    for name, value in part.items():
        if isinstance(value, dict) and name != "pair":
            rows += _facts(value, in_wei, f"{prefix}{name}.")
        elif name.endswith("_wei") and value is not None:
            unit = "wei" if in_wei else "ETH"
            rows.append([prefix + name.removesuffix("_wei"), f"{amount(value, in_wei)} {unit}"])
        elif value is not None and not isinstance(value, list | dict):
            rows.append([prefix + name, str(value)])
    return rows
