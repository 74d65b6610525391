"""``openpool payouts``: plan, pay, settle, look."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openpool_management.cli import payout_orders
from openpool_management.cli.exit_codes import EXIT_CODES_HELP, ExitCode
from openpool_management.cli.output import (
    JsonFlag,
    WeiFlag,
    amount,
    number,
    print_json,
    say,
    tell,
)
from openpool_management.cli.payout_arguments import open_desk, period_of, worker_of
from openpool_management.cli.payout_tables import (
    print_payout,
    print_payouts,
    print_plan,
    print_problems,
    print_run,
    print_status,
)

if TYPE_CHECKING:
    from openpool_management.domain.payouts.plan import Plan
    from openpool_management.payout_desk import PayoutDesk
    from openpool_management.services.payouts.drive import DriveReport
    from openpool_management.services.payouts.run import RunReport

app = typer.Typer(
    help="Pay workers: plan, run, follow to finality, and put right what went otherwise.",
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
)
payout_orders.add_to(app)

Period = Annotated[
    str | None, typer.Option("--period", metavar="YYYY-MM-DD", help="A day by UTC; today's if not.")
]
WAIT_SECONDS = 5


@app.command(epilog=EXIT_CODES_HELP)
def plan(
    period: Period = None,
    save: Annotated[
        bool, typer.Option("--save", help="Save it, so that it can be approved.")
    ] = False,
    as_json: JsonFlag = False,
    wei: WeiFlag = False,
) -> None:
    """Show who is paid at the moment, and why others not yet. Pays nobody, in any mode."""
    from openpool_management.domain.payouts.plan_document import plan_document
    from openpool_management.services.payouts.approvals import waiting_plans

    desk = open_desk()
    made = desk.plan(period_of(period))
    if save:
        _expect_saveable(made)
        desk.planner.save(made, desk.clock())
    waiting = waiting_plans(desk.planner, desk.clock())
    if as_json:
        document = plan_document(made) | {
            "needs_approval": made.needs_approval(desk.policy),
            "waiting_for_approval": [one.hash for one in waiting],
        }
        print_json(document)
        return
    print_plan(made, in_wei=wei)
    if made.needs_approval(desk.policy):
        say("It needs approval: save it with --save, then openpool payouts approve with its hash.")
    for one in waiting:
        say(f"Waits for approval: {one.hash[:12]}, {amount(one.total_wei, wei)} of {one.run_key}.")


@app.command(epilog=EXIT_CODES_HELP)
def run(
    period: Period = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Go on until every payout is final.")
    ] = False,
    as_json: JsonFlag = False,
    wei: WeiFlag = False,
) -> None:
    """Pay the plan of the day, or in a dry run try it. A second run pays nobody twice."""
    from openpool_management.cli.payout_documents import run_document

    desk = open_desk()
    report = desk.pay(period_of(period))
    try:
        if wait and report.driven is not None:
            _wait(desk, report, report.driven)
    finally:
        # What was paid is told however the waiting ends, by Ctrl-C too.
        if as_json:
            print_json(run_document(report))
        else:
            print_run(report, in_wei=wei)
    if report.problems:
        raise typer.Exit(ExitCode.FINDING)


@app.command(epilog=EXIT_CODES_HELP)
def settle(as_json: JsonFlag = False, wei: WeiFlag = False) -> None:
    """Follow payouts that are under way; in live mode send again what needs it."""
    from openpool_management.cli.payout_documents import payout_document

    driven = open_desk().settle()
    if as_json:
        rows = [payout_document(one) for one in driven.payouts.values()]
        print_json({"payouts": rows, "problems": driven.problems})
    else:
        print_payouts(list(driven.payouts.values()), "Under way", in_wei=wei)
        print_problems(driven.problems)
    if driven.problems:
        raise typer.Exit(ExitCode.FINDING)


@app.command("list", epilog=EXIT_CODES_HELP)
def list_payouts(
    worker: Annotated[str | None, typer.Option("--worker", help="Those to one address.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Those that have not ended.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    as_json: JsonFlag = False,
    wei: WeiFlag = False,
) -> None:
    """List payouts, newest first, under a line on how things stand."""
    from openpool_management.cli.payout_documents import payout_document

    to = None if worker is None else worker_of(worker)
    desk = open_desk()
    if only_open:
        found = [one for one in desk.book.open_payouts()[::-1] if to in (None, one.intent.worker)]
        found = found[:limit]
    else:
        found = desk.book.payouts(worker=to, limit=limit)
    status = _status(desk)
    if as_json:
        print_json({"status": status, "payouts": [payout_document(one) for one in found]})
        return
    print_payouts(found, "Payouts", in_wei=wei)
    print_status(status, in_wei=wei)


@app.command(epilog=EXIT_CODES_HELP)
def show(
    payout_id: Annotated[str, typer.Argument(metavar="ID")],
    as_json: JsonFlag = False,
    wei: WeiFlag = False,
) -> None:
    """Show one payout: its nonces, everything signed for them, answers, events, what is next."""
    from openpool_management.cli.payout_documents import whole_payout_document
    from openpool_management.services.payouts.orders import find_payout

    desk = open_desk()
    payout = find_payout(desk.book, payout_id)
    document = whole_payout_document(payout)
    document["explorer"] = desk.explorer.link(payout.intent.chain_id, document["tx_hash"])
    if as_json:
        print_json(document)
        return
    print_payout(document, in_wei=wei)


def _expect_saveable(made: "Plan") -> None:
    from openpool_management.services.payouts.paymaster import PayoutsStopped

    if not made.payments:
        raise PayoutsStopped(f"The plan of {made.run_key} pays nobody: there is nothing to save.")
    if not made.sender:
        raise PayoutsStopped(
            "It is not known which wallet pays, and a plan is approved for one: set "
            "OPENPOOL_PAYOUT_SENDER, then save it."
        )


def _status(desk: "PayoutDesk") -> dict[str, Any]:
    pause, open_payouts = desk.book.pause(), desk.book.open_payouts()
    paused = pause is not None and pause.paused
    return {
        "mode": desk.mode.value,
        "wallet": desk.sender(),
        "paused": paused,
        "paused_by": pause.asked_by if pause and paused else None,
        "pause_reason": pause.reason if pause and paused else None,
        "open": len(open_payouts),
        "in_payout_wei": str(sum(one.intent.amount_wei for one in open_payouts)),
    }


def _wait(desk: "PayoutDesk", report: "RunReport", driven: "DriveReport") -> None:
    """Settle until nothing is under way, or something stands in the way of that."""
    from openpool_management.services.payouts.orders import find_payout
    from openpool_management.services.ports.payouts import LeaseHeld

    problems: list[str] = []
    settled_once = False
    while not problems and (under_way := desk.book.open_payouts()):
        tell(f"{number(len(under_way))} payouts wait for finality …")
        time.sleep(WAIT_SECONDS)
        try:
            settled = desk.settle()
            problems, settled_once = settled.problems, True
            driven.payouts.update(settled.payouts)
        except LeaseHeld:
            # Another process settles meanwhile: the ledger tells what it did.
            pass
        except OSError as error:
            problems = [str(error)]
        for payout_id in [*driven.payouts]:
            driven.payouts[payout_id] = find_payout(desk.book, payout_id)
    # What stood in the way at first may be over, and the last look says what still does.
    of_the_start = driven.problems if settled_once else []
    kept = [one for one in report.problems if one not in of_the_start]
    report.problems[:] = kept + [one for one in problems if one not in kept]
