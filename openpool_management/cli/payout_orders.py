"""``openpool payouts``: what an operator may order."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openpool_management.cli.exit_codes import EXIT_CODES_HELP, ExitCode
from openpool_management.cli.output import JsonFlag, print_json, say
from openpool_management.cli.payout_arguments import open_desk, threshold_of, worker_of

if TYPE_CHECKING:
    from openpool_management.domain.payouts.payout import Payout
    from openpool_management.payout_desk import PayoutDesk
    from openpool_management.services.ports.payouts import Pause

PayoutId = Annotated[str, typer.Argument(metavar="ID", help="As `openpool payouts list` shows it.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A worker.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the ledger.")]


def add_to(app: typer.Typer) -> None:
    """Add the orders to the commands of ``openpool payouts``."""
    orders: tuple[Callable[..., None], ...] = (
        approve,
        cancel,
        retry,
        accept,
        pause,
        resume,
        threshold,
        block,
        unblock,
        reconcile,
        rebuild,
    )
    for order in orders:
        app.command(epilog=EXIT_CODES_HELP)(order)
    app.command("open", epilog=EXIT_CODES_HELP)(open_wallet)


def approve(
    plan_hash: Annotated[str, typer.Argument(metavar="HASH", help="How its hash begins.")],
    reason: Reason,
    as_json: JsonFlag = False,
) -> None:
    """Approve a saved plan: the next run carries out exactly this one."""
    from openpool_management.domain.money import format_eth
    from openpool_management.services.payouts.approvals import approve_plan

    desk = open_desk()
    saved = approve_plan(desk.planner, plan_hash, reason, desk.clock())
    paid = len(saved.document["payments"])
    if as_json:
        print_json({"plan": saved.hash, "total_wei": str(saved.total_wei), "payments": paid})
    else:
        say(
            f"Plan {saved.hash[:12]} of {saved.run_key} is approved: the next run within seven "
            f"days pays {format_eth(saved.total_wei)} ETH to {paid} workers."
        )


def cancel(payout_id: PayoutId, reason: Reason, as_json: JsonFlag = False) -> None:
    """Let a payout not be made; what was set aside is owed again when that is certain."""
    from openpool_management.services.payouts import orders

    desk = open_desk()
    _show(orders.cancel(desk.book, payout_id, reason, desk.clock()), as_json)


def retry(payout_id: PayoutId, reason: Reason, as_json: JsonFlag = False) -> None:
    """Go on with a payout that is held or to be cancelled; let a refused worker be paid again."""
    from openpool_management.services.payouts import orders

    desk = open_desk()
    payout = orders.retry(desk.book, payout_id, reason, desk.clock())
    _show(payout, as_json)
    if payout.ended and not as_json:
        say(f"{payout.intent.worker} is paid again by the next plan.")


def accept(payout_id: PayoutId, reason: Reason, as_json: JsonFlag = False) -> None:
    """Take a held payout as paid by the transaction that used its nonce."""
    from openpool_management.services.payouts import orders

    desk = open_desk()
    _show(orders.accept(desk.book, payout_id, reason, desk.clock()), as_json)


def pause(reason: Reason, as_json: JsonFlag = False) -> None:
    """Sign and send nothing from this moment on. Asks no node."""
    from openpool_management.services.payouts import orders

    desk = open_desk()
    _show_pause(orders.pause(desk.book, reason, desk.clock()), as_json)


def resume(reason: Reason, as_json: JsonFlag = False) -> None:
    """Let payouts go on. What made the program pause makes it pause again if it is still so."""
    from openpool_management.services.payouts import orders

    desk = open_desk()
    _show_pause(orders.resume(desk.book, reason, desk.clock()), as_json)


def threshold(
    worker: Address,
    wei: Annotated[str, typer.Argument(metavar="WEI", help="Or: default, for the pool's.")],
    reason: Reason,
    as_json: JsonFlag = False,
) -> None:
    """Set a worker's own threshold, at or above the pool's."""
    address, desk = worker_of(worker), open_desk()
    own = threshold_of(wei, desk.policy.threshold_wei)
    desk.book.set_threshold(address, own, _stated(reason), desk.clock())
    shown = None if own is None else str(own)
    if as_json:
        print_json({"worker": address, "threshold_wei": shown})
    else:
        say(f"The threshold of {address} is {shown + ' wei' if shown else 'as for all'}.")


def block(worker: Address, reason: Reason, as_json: JsonFlag = False) -> None:
    """Pay a worker no more, until unblocked; name the payouts that are on their way already."""
    from openpool_management.cli.payout_documents import cancel_command, next_step, payout_document
    from openpool_management.domain.money import format_eth
    from openpool_management.services.payouts import orders

    address, desk = worker_of(worker), open_desk()
    on_their_way = orders.block(desk.book, address, reason, desk.clock())
    if as_json:
        payouts = [payout_document(one) | {"cancel": cancel_command(one)} for one in on_their_way]
        print_json({"worker": address, "blocked": True, "open_payouts": payouts})
        return
    say(f"{address} is not paid any more.")
    for one in on_their_way:
        command = cancel_command(one)
        then = f"It goes on unless you stop it: {command}" if command else next_step(one)
        eth = format_eth(one.intent.amount_wei)
        say(f"Payout {one.id} of {eth} ETH to them is {one.state.value}. {then}")


def unblock(worker: Address, reason: Reason, as_json: JsonFlag = False) -> None:
    """Let a worker be paid again."""
    address, desk = worker_of(worker), open_desk()
    why = f"Paid again by the operator: {_stated(reason)}"
    desk.book.set_block(address, False, why, desk.clock())
    if as_json:
        print_json({"worker": address, "blocked": False})
    else:
        say(f"{address} is paid again by the next plan.")


def open_wallet(
    reason: Reason,
    nonce: Annotated[
        int | None,
        typer.Option("--nonce", min=0, help="Of its first payout; without it, none was one."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Let the ledger's account of a wallet begin that has sent transactions before."""
    from openpool_management.services.payouts import orders

    opening = orders.open_at(open_desk().looking(), nonce, _stated(reason))
    document = {
        "wallet": opening.sender,
        "nonce": opening.nonce,
        "balance_wei": str(opening.balance_wei),
        "block_number": opening.block_number,
    }
    if as_json:
        print_json(document)
    else:
        say(
            f"The account of {opening.sender} begins at block {opening.block_number} with nonce "
            f"{opening.nonce} and {opening.balance_wei} wei."
        )


def reconcile(
    accept_all: Annotated[
        bool,
        typer.Option("--accept", help="Post what the ledger does not know as not explained."),
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; with --accept.")] = "",
    not_payouts: Annotated[
        bool,
        typer.Option("--not-payouts", help="With --accept: transfers to workers did not pay them."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Hold the wallet's history on the chain against the ledger, and list every difference."""
    from openpool_management.services.payouts import reconcile as history

    desk = open_desk()
    found = (
        history.accept_missing(desk.looking(), _workers(desk), reason, not_payouts=not_payouts)
        if accept_all
        else history.reconcile(desk.looking())
    )
    if as_json:
        difference_wei = found.difference_wei
        print_json(
            {
                "block_number": found.block_number,
                "differences": found.differences,
                "unfinal": found.unfinal,
                "difference_wei": None if difference_wei is None else str(difference_wei),
            }
        )
    else:
        for difference in found.differences:
            say(difference)
        if not found.differences:
            say(f"The chain and the ledger agree at the final block {found.block_number}.")
    if found.differences:
        raise typer.Exit(ExitCode.FINDING)


def rebuild(reason: Reason, as_json: JsonFlag = False) -> None:
    """Restore payouts from the chain into a ledger that is older than it. Sends nothing."""
    from openpool_management.services.payouts import reconcile as history

    desk = open_desk()
    restored = history.rebuild(desk.looking(), _workers(desk), reason)
    if as_json:
        print_json({"restored": restored})
        return
    for sentence in restored:
        say(sentence)
    say("Payouts are paused: see openpool payouts reconcile, then openpool payouts resume.")


def _workers(desk: "PayoutDesk") -> set[str]:
    return {one.worker for one in desk.planning.standings()}


def _stated(reason: str) -> str:
    from openpool_management.services.decisions import stated_reason

    return stated_reason(reason)


def _show(payout: "Payout", as_json: bool) -> None:
    from openpool_management.cli.payout_documents import next_step, payout_document

    if as_json:
        document: dict[str, Any] = payout_document(payout)
        print_json(document)
    else:
        say(f"Payout {payout.id} is {payout.state.value}. {next_step(payout)}")


def _show_pause(order: "Pause", as_json: bool) -> None:
    if as_json:
        from openpool_management.cli.documents import time_text

        at = time_text(order.at)
        print_json({"paused": order.paused, "reason": order.reason, "at": at})
    else:
        say("Payouts are paused." if order.paused else "Payouts go on with the next run.")
