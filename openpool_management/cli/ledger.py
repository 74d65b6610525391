"""``openpool ledger``: balances, streams and workers."""

from typing import Any

from openpool_management.cli.output import (
    JsonFlag,
    WeiFlag,
    amount,
    number,
    print_facts,
    print_json,
    print_table,
    say,
    short_address,
)


def ledger(as_json: JsonFlag = False, wei: WeiFlag = False) -> None:
    """Show what each worker earned, was paid and is owed, and each stream's work.

    Amounts are exact. Compute units are told apart by pipeline, since their meaning differs.
    """
    from openpool_management.pool import Pool
    from openpool_management.services.ledger_report import ledger_document
    from openpool_management.settings import load_settings

    document = ledger_document(Pool(load_settings()).books)
    if as_json:
        print_json(document)
    else:
        print_ledger(document, in_wei=wei)


BALANCE_PARTS = ("earned_wei", "paid_wei", "in_payout_wei", "payable_wei")


def print_ledger(document: dict[str, Any], *, in_wei: bool = False) -> None:
    """Print a ledger document as tables, for people."""
    if not document["streams"] and not document["balances"]:
        say("The ledger is empty: run `openpool sync` to read the event log.")
        return
    unit = "wei" if in_wei else "ETH"
    print_table(
        f"Balances in {unit}",
        ["worker", "earned", "paid", "in payout", "payable"],
        [
            [address, *_amounts(balance, in_wei, *BALANCE_PARTS)]
            for address, balance in document["balances"].items()
        ],
        right=4,
        whole=["worker"],
    )
    for name, stream in document["streams"].items():
        print_facts(f"Stream {name}, amounts in {unit}", _stream_facts(stream, in_wei))
        if stream["workers"]:
            _print_work(name, stream["workers"], unit, in_wei)
    if document["held"]:
        say(f"Held for review: {number(document['held'])}. See `openpool held list`.")


def _print_work(name: str, workers: dict[str, Any], unit: str, in_wei: bool) -> None:
    """A worker's money over all pipelines, and its compute units by pipeline, in two tables."""
    money = ("gross_wei", "net_wei", "commission_wei")
    print_table(
        f"Work of {name}, amounts in {unit}",
        ["worker", "jobs", "gross", "net", "commission"],
        [
            [short_address(address), number(worker["jobs"]), *_amounts(worker, in_wei, *money)]
            for address, worker in workers.items()
        ],
        right=4,
        whole=["worker", "jobs"],
    )
    print_table(
        f"Compute units of {name}",
        ["worker", "pipeline", "compute units"],
        [
            [short_address(address), pipeline, number(units)]
            for address, worker in workers.items()
            for pipeline, units in worker["compute_units"].items()
        ],
        right=1,
        whole=["worker"],
    )


def _amounts(row: dict[str, Any], in_wei: bool, *parts: str) -> list[str]:
    return [amount(row[part], in_wei) for part in parts]


def _stream_facts(stream: dict[str, Any], in_wei: bool) -> list[tuple[str, str]]:
    workers = stream["workers"].values()
    apart = [stream["unattributed"], stream.get("held", {"jobs": 0, "gross_wei": "0"})]
    sums_wei = {
        part: sum(int(worker[part]) for worker in workers)
        for part in ("gross_wei", "net_wei", "commission_wei")
    }
    sums_wei["gross_wei"] += sum(int(part["gross_wei"]) for part in apart)
    jobs = sum(worker["jobs"] for worker in workers) + sum(part["jobs"] for part in apart)
    return [
        ("events", number(sum(stream["events"].values()))),
        ("jobs", number(jobs)),
        *(
            (part.removesuffix("_wei"), amount(sum_wei, in_wei))
            for part, sum_wei in sums_wei.items()
        ),
        ("unattributed", amount(apart[0]["gross_wei"], in_wei)),
        ("held", amount(apart[1]["gross_wei"], in_wei)),
    ]
