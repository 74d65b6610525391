"""``openpool solvency``: what came in, what is owed, and whether the wallet covers it."""

from typing import TYPE_CHECKING

import typer

from openpool_management.cli.exit_codes import ExitCode
from openpool_management.cli.output import (
    JsonFlag,
    WeiFlag,
    amount,
    number,
    print_facts,
    print_json,
    say,
    tell,
)

if TYPE_CHECKING:
    from openpool_management.services.solvency import SolvencyReport

SHOWN = 20

LINES = (
    ("fees of all jobs", "fees_wei"),
    ("  earned by workers", "earned_wei"),
    ("  commission", "commission_wei"),
    ("  unattributed", "unattributed_wei"),
    ("  held", "held_wei"),
    ("tickets redeemed", "redeemed_wei"),
    ("  verified", "verified_wei"),
    ("  unverified", "unverified_wei"),
    ("tickets doubtful, not counted", "doubtful_wei"),
    ("paid", "paid_wei"),
    ("gas", "gas_wei"),
    ("owed", "owed_wei"),
    ("  in payout", "in_payout_wei"),
    ("  payable", "payable_wei"),
    ("put into the wallet", "funding_wei"),
    ("unexplained", "unexplained_wei"),
    ("wallet, by the ledger", "wallet_wei"),
    ("wallet, on the chain", "chain_wei"),
)


def solvency(as_json: JsonFlag = False, wei: WeiFlag = False) -> None:
    """Show what was earned, redeemed, paid and is owed, and whether the wallet covers it.

    Redemptions that are not checked yet are checked on the chain, where ETH_RPC_ENDPOINT names a
    node. Exits with 1 when the wallet does not cover what is owed, the gas to pay it not counted;
    with 0 when it does, and when what it holds is not known.
    """
    from openpool_management.payout_desk import PayoutDesk
    from openpool_management.pool import Pool, utc_now
    from openpool_management.services.solvency import solvency_report
    from openpool_management.settings import load_settings

    pool = Pool(load_settings())
    desk = PayoutDesk(pool)
    report = solvency_report(
        pool.books,
        pool.tickets,
        pool.lake,
        pool.chain,
        pool.settings.chain_id,
        desk.sender(),
        desk.book.open_payouts(),
        utc_now(),
    )
    if as_json:
        from openpool_management.cli.documents import as_document

        document = as_document(report)
        print_json(document.pop("solvency") | document)
    else:
        print_solvency(report, in_wei=wei)
    if report.covered is False:
        raise typer.Exit(ExitCode.FINDING)


def print_solvency(report: "SolvencyReport", *, in_wei: bool = False) -> None:
    """Print a report as a table and sentences, for people."""
    amounts_wei = {name: getattr(report.solvency, name) for _, name in LINES}
    print_facts(
        f"Solvency in {'wei' if in_wei else 'ETH'}",
        [
            (title, "not known" if value is None else amount(value, in_wei))
            for title, name in LINES
            for value in (amounts_wei[name],)
        ],
    )
    counts = ", ".join(f"{number(count)} {state}" for state, count in report.tickets.items())
    failed = number(report.without_transaction)
    say(f"Redemptions: {counts}; {failed} failed before they had a transaction.")
    for doubt in report.doubts[:SHOWN]:
        say(doubt)
    if len(report.doubts) > SHOWN:
        say(f"... and {number(len(report.doubts) - SHOWN)} more; --json shows all.")
    if report.problem:
        tell(report.problem)
    say(report.sentence)
