"""Payouts, plans and runs as tables and sentences, for people."""

from typing import TYPE_CHECKING, Any

from openpool_management.cli.output import amount, number, print_facts, print_table, say, tell

if TYPE_CHECKING:
    from openpool_management.domain.payouts.payout import Payout
    from openpool_management.domain.payouts.plan import Plan
    from openpool_management.services.payouts.run import RunReport


def print_plan(made: "Plan", *, in_wei: bool) -> None:
    """Print who is paid by a plan, and why others are not yet."""
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


def print_run(report: "RunReport", *, in_wei: bool) -> None:
    """Print what a run paid, or in a dry run would pay; problems go to standard error."""
    if report.driven is None and report.plan is not None:
        print_plan(report.plan, in_wei=in_wei)
        for one in report.tried:
            fine = f"would be sent with {one.transfer.gas} gas" if one.transfer else one.problem
            say(f"{one.payment.worker}: {fine}")
        say("A dry run: nothing was signed, sent or written.")
    elif report.driven is not None:
        print_payouts(
            list(report.driven.payouts.values()), f"Run of {report.run_key}", in_wei=in_wei
        )
    print_problems(report.problems)


def print_payouts(payouts: "list[Payout]", title: str, *, in_wei: bool) -> None:
    """Print payouts, a line each."""
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


def print_problems(problems: list[str]) -> None:
    """Print sentences on standard error."""
    for problem in problems:
        tell(problem)


def print_status(status: dict[str, Any], *, in_wei: bool) -> None:
    """Print how payouts stand as a whole."""
    paused = f"by the {status['paused_by']}: {status['pause_reason']}"
    print_facts(
        "Status",
        [
            ("mode", status["mode"]),
            ("wallet", status["wallet"] or "not known"),
            ("paused", paused if status["paused"] else "no"),
            ("open", number(status["open"])),
            (f"in payout, {'wei' if in_wei else 'ETH'}", amount(status["in_payout_wei"], in_wei)),
        ],
    )


def print_payout(document: dict[str, Any], *, in_wei: bool) -> None:
    """Print the whole document of one payout."""
    nonces, events = document.pop("nonces"), document.pop("events")
    unit = "wei" if in_wei else "ETH"
    facts = document | {"amount_wei": f"{amount(document['amount_wei'], in_wei)} {unit}"}
    print_facts(
        f"Payout {document['id']}",
        [
            (key.removesuffix("_wei"), "" if value is None else value)
            for key, value in facts.items()
        ],
    )
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
