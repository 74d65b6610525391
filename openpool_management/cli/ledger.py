"""``openpool ledger``: balances, streams and workers."""

from typing import Any

from openpool_management.cli.output import (
    JsonFlag,
    WeiFlag,
    amount,
    number,
    print_json,
    print_table,
    say,
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


def print_ledger(document: dict[str, Any], *, in_wei: bool = False) -> None:
    """Print a ledger document as tables, for people."""
    if not document["streams"] and not document["balances"]:
        say("The ledger is empty: run `openpool sync` to read the event log.")
        return
    unit = "wei" if in_wei else "ETH"
    print_table(
        "Streams",
        [
            "stream",
            "events",
            "jobs",
            *_in(unit, "gross", "net", "commission", "unattributed", "held"),
        ],
        [_stream_row(name, stream, in_wei) for name, stream in document["streams"].items()],
        right=7,
    )
    print_table(
        "Work",
        [
            *("stream", "worker", "pipeline", "compute units", "jobs"),
            *_in(unit, "gross", "net", "commission"),
        ],
        [
            row
            for name, stream in document["streams"].items()
            for address, worker in stream["workers"].items()
            for row in _worker_rows(name, address, worker, in_wei)
        ],
        right=5,
    )
    print_table(
        "Balances",
        ["worker", *_in(unit, "earned", "paid", "payable")],
        [
            [address, *_amounts(balance, in_wei, "earned_wei", "paid_wei", "payable_wei")]
            for address, balance in document["balances"].items()
        ],
        right=3,
    )
    if document["held"]:
        say(f"Held for review: {number(document['held'])}. See `openpool held list`.")


def _in(unit: str, *names: str) -> list[str]:
    return [f"{name} {unit}" for name in names]


def _amounts(row: dict[str, Any], in_wei: bool, *parts: str) -> list[str]:
    return [amount(row[part], in_wei) for part in parts]


def _stream_row(name: str, stream: dict[str, Any], in_wei: bool) -> list[str]:
    workers = stream["workers"].values()
    apart = [stream["unattributed"], stream.get("held", {"jobs": 0, "gross_wei": "0"})]
    sums_wei = {
        part: sum(int(worker[part]) for worker in workers)
        for part in ("gross_wei", "net_wei", "commission_wei")
    }
    sums_wei["gross_wei"] += sum(int(part["gross_wei"]) for part in apart)
    jobs = sum(worker["jobs"] for worker in workers) + sum(part["jobs"] for part in apart)
    return [
        name,
        number(sum(stream["events"].values())),
        number(jobs),
        *(amount(sum_wei, in_wei) for sum_wei in sums_wei.values()),
        *(amount(part["gross_wei"], in_wei) for part in apart),
    ]


def _worker_rows(name: str, address: str, worker: dict[str, Any], in_wei: bool) -> list[list[str]]:
    """A line for each pipeline; what holds for all of them stands on the first."""
    rows = [
        ["", "", pipeline, number(units)] for pipeline, units in worker["compute_units"].items()
    ]
    totals = _amounts(worker, in_wei, "gross_wei", "net_wei", "commission_wei")
    rows = [[*row, "", "", "", ""] for row in rows or [["", "", "", ""]]]
    rows[0] = [name, address, *rows[0][2:4], number(worker["jobs"]), *totals]
    return rows
