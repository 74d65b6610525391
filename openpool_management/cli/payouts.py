"""``openpool payouts``: plan, pay, settle, look."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openpool_management.cli import payout_orders
from openpool_management.cli.exit_codes import EXIT_CODES_HELP, ExitCode
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
    from openpool_management.domain.payouts.payout import Payout
    from openpool_management.domain.payouts.plan import Plan
    from openpool_management.payout_desk import PayoutDesk
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

    desk = _desk()
    made = desk.plan(_period(period))
    if save:
        desk.planner.save(made, desk.clock())
    waiting = [one for one in desk.planning.saved_plans() if not one.begun and not one.approved_at]
    if as_json:
        document = plan_document(made) | {
            "needs_approval": made.needs_approval(desk.policy),
            "waiting_for_approval": [one.hash for one in waiting],
        }
        print_json(document)
        return
    _print_plan(made, in_wei=wei)
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

    desk = _desk()
    report = desk.pay(_period(period))
    if wait and report.driven is not None:
        _wait(desk, report)
    if as_json:
        print_json(run_document(report))
    else:
        _print_run(report, in_wei=wei)
    if report.problems:
        raise typer.Exit(ExitCode.FINDING)


@app.command(epilog=EXIT_CODES_HELP)
def settle(as_json: JsonFlag = False, wei: WeiFlag = False) -> None:
    """Follow payouts that are under way; in live mode send again what needs it."""
    from openpool_management.cli.payout_documents import payout_document

    driven = _desk().settle()
    if as_json:
        rows = [payout_document(one) for one in driven.payouts.values()]
        print_json({"payouts": rows, "problems": driven.problems})
    else:
        _print_payouts(list(driven.payouts.values()), "Under way", in_wei=wei)
        _print_problems(driven.problems)
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

    desk = _desk()
    if only_open:
        found = [
            one for one in desk.book.open_payouts()[::-1] if worker in (None, one.intent.worker)
        ]
        found = found[:limit]
    else:
        found = desk.book.payouts(worker=worker, limit=limit)
    status = _status(desk)
    if as_json:
        print_json({"status": status, "payouts": [payout_document(one) for one in found]})
        return
    _print_payouts(found, "Payouts", in_wei=wei)
    print_facts("Status", status.items())


@app.command(epilog=EXIT_CODES_HELP)
def show(
    payout_id: Annotated[str, typer.Argument(metavar="ID")], as_json: JsonFlag = False
) -> None:
    """Show one payout: its nonces, everything signed for them, answers, events, what is next."""
    from openpool_management.cli.payout_documents import whole_payout_document
    from openpool_management.services.payouts.orders import find_payout

    desk = _desk()
    payout = find_payout(desk.book, payout_id)
    document = whole_payout_document(payout)
    explorer = desk.pool.settings.explorer_url
    tx_hash = document["tx_hash"]
    document["explorer"] = f"{explorer}{tx_hash}" if explorer and tx_hash else None
    if as_json:
        print_json(document)
        return
    nonces, events = document.pop("nonces"), document.pop("events")
    print_facts(f"Payout {payout.id}", [(key, value or "") for key, value in document.items()])
    signed = [(slot["nonce"], one) for slot in nonces for one in slot["signed"]]
    print_table(
        "Signed",
        ["nonce", "transaction", "for", "max fee, wei", "gas", "answers"],
        [
            [
                nonce,
                one["tx_hash"],
                one["purpose"],
                one["max_fee_wei"],
                one["gas"],
                ", ".join(answer["outcome"] for answer in one["answers"]),
            ]
            for nonce, one in signed
        ],
    )
    print_table(
        "Events",
        ["at", "what", "block", "detail"],
        [[one["at"], one["mark"], one["block_number"] or "", one["detail"]] for one in events],
    )


def _desk() -> "PayoutDesk":
    from openpool_management.payout_desk import PayoutDesk
    from openpool_management.pool import Pool
    from openpool_management.settings import load_settings

    return PayoutDesk(Pool(load_settings()))


def _period(text: str | None) -> str:
    if text is None:
        return f"{datetime.now(UTC):%Y-%m-%d}"
    try:
        return f"{datetime.strptime(text, '%Y-%m-%d').replace(tzinfo=UTC):%Y-%m-%d}"
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no day, such as 2026-11-23.") from error


def _status(desk: "PayoutDesk") -> dict[str, Any]:
    pause, open_payouts = desk.book.pause(), desk.book.open_payouts()
    paused = pause is not None and pause.paused
    return {
        "mode": desk.mode.value,
        "wallet": desk.sender() or "not known",
        "paused": f"by the {pause.asked_by}: {pause.reason}" if pause and paused else "no",
        "open": len(open_payouts),
        "in_payout_wei": str(sum(one.intent.amount_wei for one in open_payouts)),
    }


def _wait(desk: "PayoutDesk", report: "RunReport") -> None:
    """Settle until nothing is under way, or something stands in the way."""
    while not report.problems and desk.book.open_payouts():
        tell(f"{number(len(desk.book.open_payouts()))} payouts wait for finality …")
        time.sleep(WAIT_SECONDS)
        driven = desk.settle()
        report.problems += driven.problems
        if report.driven is not None:
            report.driven.payouts.update(driven.payouts)


def _print_plan(made: "Plan", *, in_wei: bool) -> None:
    print_table(
        f"Plan of {made.run_key}",
        ["worker", "verdict", "why", "payable"],
        [
            [one.worker, one.verdict.value, one.reason, amount(one.payable_wei, in_wei)]
            for one in made.decisions
        ],
        right=1,
        whole=["worker"],
    )
    unit = "wei" if in_wei else "ETH"
    paid = number(len(made.payments))
    say(f"{paid} workers are paid {amount(made.total_wei, in_wei)} {unit}. Hash: {made.hash}")


def _print_run(report: "RunReport", *, in_wei: bool) -> None:
    if report.driven is None and report.plan is not None:
        _print_plan(report.plan, in_wei=in_wei)
        for one in report.tried:
            fine = f"would be sent with {one.transfer.gas} gas" if one.transfer else one.problem
            say(f"{one.payment.worker}: {fine}")
        say("A dry run: nothing was signed, sent or written.")
    elif report.driven is not None:
        _print_payouts(
            list(report.driven.payouts.values()), f"Run of {report.run_key}", in_wei=in_wei
        )
    _print_problems(report.problems)


def _print_payouts(payouts: "list[Payout]", title: str, *, in_wei: bool) -> None:
    from openpool_management.cli.payout_documents import payout_document

    if not payouts:
        say(f"{title}: no payouts.")
        return
    rows = [payout_document(one) for one in payouts]
    print_table(
        f"{title}: {number(len(rows))}",
        ["id", "worker", "state", "transaction", "amount"],
        [
            [
                row["id"],
                row["worker"],
                row["state"],
                row["tx_hash"] or "",
                amount(row["amount_wei"], in_wei),
            ]
            for row in rows
        ],
        right=1,
        whole=["id"],
    )


def _print_problems(problems: list[str]) -> None:
    for problem in problems:
        tell(problem)
