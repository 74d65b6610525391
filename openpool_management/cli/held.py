"""``openpool held``: what was read and not believed, and the decisions on it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from openpool_management.cli.exit_codes import EXIT_CODES_HELP
from openpool_management.cli.output import (
    JsonFlag,
    number,
    print_facts,
    print_json,
    print_table,
    say,
)

if TYPE_CHECKING:
    from openpool_management.services.ports import HeldRow

app = typer.Typer(
    help="What was read and not believed: look at it, release it, dismiss it.",
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
)

HeldId = Annotated[str, typer.Argument(metavar="ID", help="As `openpool held list` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the ledger.")]


@app.command("list", epilog=EXIT_CODES_HELP)
def list_items(
    every: Annotated[
        bool, typer.Option("--all", help="Those that were decided on as well.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """List held items, oldest first."""
    from openpool_management.pool import Pool
    from openpool_management.services.holds import open_holds
    from openpool_management.settings import load_settings

    rows = open_holds(Pool(load_settings()).holds, decided=every)
    if as_json:
        print_json([_document(row) for row in rows])
    elif not rows:
        say("Nothing is held.")
    else:
        print_table(
            f"Held: {number(len(rows))}",
            ["id", "stream", "reason", "event", "object", "index", "decision"],
            [_cells(row) for row in rows],
        )


@app.command(epilog=EXIT_CODES_HELP)
def show(held_id: HeldId, as_json: JsonFlag = False) -> None:
    """Show one held item with everything that is known of it."""
    from openpool_management.domain.holds import WHOLE_OBJECT
    from openpool_management.pool import Pool
    from openpool_management.services.holds import held_item
    from openpool_management.settings import load_settings

    row = held_item(Pool(load_settings()).holds, held_id)
    document = _document(row)
    if as_json:
        print_json(document)
        return
    decision = document.pop("decision")
    if row.event_index == WHOLE_OBJECT:
        document["event_index"] = "whole object"
    lines = document | {f"decision.{name}": text for name, text in (decision or {}).items()}
    print_facts(
        f"Held item {held_id}", [(name, "" if it is None else it) for name, it in lines.items()]
    )
    say(_choice(row))


@app.command(epilog=EXIT_CODES_HELP)
def release(
    held_id: HeldId,
    reason: Reason,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", help="Another doubt to set aside, by its name; repeatable."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Post a held event after all. The decision is final."""
    from openpool_management.domain.holds import HoldReason
    from openpool_management.pool import Pool, utc_now
    from openpool_management.services import holds
    from openpool_management.settings import load_settings

    try:
        doubts = [HoldReason(name) for name in also or []]
    except ValueError as error:
        raise typer.BadParameter(
            f"{error}: choose from {', '.join(HoldReason)}.", param_hint="--also"
        ) from error
    pool = Pool(load_settings())
    batch = holds.release(
        pool.holds,
        pool.ledger,
        pool.lake,
        pool.pair_rules,
        held_id,
        reason,
        utc_now(),
        also=doubts,
    )
    if as_json:
        print_json({"held_id": held_id, "decision": "release", "batch_id": batch.id})
    else:
        say(f"{held_id} is released: batch {batch.id} of stream {batch.stream} posts it.")


@app.command(epilog=EXIT_CODES_HELP)
def dismiss(held_id: HeldId, reason: Reason, as_json: JsonFlag = False) -> None:
    """Decide that a held item is never posted. The decision is final."""
    from openpool_management.pool import Pool, utc_now
    from openpool_management.services import holds
    from openpool_management.settings import load_settings

    row = holds.dismiss(Pool(load_settings()).holds, held_id, reason, utc_now())
    if as_json:
        print_json(_document(row))
    else:
        say(f"{held_id} is dismissed: it is never posted.")


def _document(row: "HeldRow") -> dict[str, Any]:
    from openpool_management.cli.documents import as_document

    document: dict[str, Any] = as_document(row)
    return document


def _choice(row: "HeldRow") -> str:
    from openpool_management.domain.holds import WAIVABLE

    if row.decision is not None:
        return f"It is decided: {row.decision.decision}. A decision is final."
    if row.raw is None or row.reason not in WAIVABLE:
        return f"It can't be released, only dismissed: `openpool held dismiss {row.id}`."
    return (
        f"It can be released, with `openpool held release {row.id}`, or dismissed, with "
        f"`openpool held dismiss {row.id}`."
    )


def _cells(row: "HeldRow") -> list[object]:
    whole = row.event_index < 0
    return [
        row.id,
        row.stream,
        row.reason.value,
        "whole object" if whole else row.event_type or "unknown",
        row.object_key,
        "" if whole else row.event_index,
        "open" if row.decision is None else row.decision.decision,
    ]
