"""Page, export, statement, command line, ledger and chain state the same wei for every worker."""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser

from openpool_management.domain.accounts import AccountKind
from openpool_management_tests.browser.visits import visit
from openpool_management_tests.shown_pool import ShownPool

Money = dict[str, int]
"""Wei of one worker by name: earned, paid, in payout, payable; owed is the last two together."""

PARTS = ("earned", "paid", "in_payout", "payable")
FINAL, UNDER_WAY = "settled", "seen"


def test_every_place_states_the_same_wei(pool_on_show: ShownPool, tmp_path: Path) -> None:
    pool = pool_on_show
    ledger = in_the_ledger(pool)
    assert len(ledger) == 15 and set(ledger) == set(pool.workers)
    for part in PARTS:
        assert sum(money[part] for money in ledger.values()) > 0, f"nothing to compare in {part}"
    for place, stated in places(pool, tmp_path):
        assert stated.keys() <= set(ledger), f"{place}: somebody else's address"
        for worker, truth in ledger.items():
            money = stated.get(worker, {})
            differing = {part: wei for part, wei in money.items() if wei != truth[part]}
            assert money and not differing, f"{place}: {worker} {money}; in the ledger {truth}"


def test_a_browser_shows_them(browser: Browser, pool_on_show: ShownPool) -> None:
    truth = in_the_ledger(pool_on_show)[pool_on_show.worker]
    with visit(browser, pool_on_show.live) as page:
        page.goto(f"/workers/{pool_on_show.worker}")
        page.get_by_label("Amounts in wei").check()
        for part in PARTS:
            text = page.locator(f"#{part.replace('_', '-')} data").inner_text()
            assert text.split() == [str(truth[part]), "wei"], part


def places(pool: ShownPool, directory: Path) -> Iterator[tuple[str, dict[str, Money]]]:
    """Every place that states amounts of workers, by name."""
    published = pool.press.directory

    def each(tell: Callable[[str], Money]) -> dict[str, Money]:
        return {worker: tell(worker) for worker in pool.workers}

    def api(path: str) -> Any:
        return json.loads(_got(f"{pool.live}/api/v1/{path}"))

    yield "page", each(lambda one: _page(_got(f"{pool.live}/workers/{one}")))
    yield "page as a file", each(lambda one: _page((published / f"workers/{one}.html").read_text()))
    yield "list of workers", each(lambda one: _row(_got(f"{pool.live}/workers"), one))
    yield "API, worker", each(lambda one: _balance(api(f"workers/{one}")["balance"]))
    yield "API, workers", _rows(api("workers")["workers"])
    yield (
        "workers/….json",
        each(lambda one: _balance(pool.press.document(f"workers/{one}.json")["balance"])),
    )
    yield "pool.json", _rows(pool.press.document("pool.json")["workers"])
    yield "worker_summary.json", _summaries(published)
    yield "statements", each(lambda one: _statements(published / "statements" / one))
    yield (
        "openpool ledger",
        {
            worker: _balance(row)
            for worker, row in pool.command("ledger", "--json").json["balances"].items()
        },
    )
    yield "openpool payouts list", _payouts(pool)
    pool.command("export", "--format", "csv", "--to", str(directory / "journal.csv"))
    yield "journal", _journal(directory / "journal.csv")
    yield "chain", _chain(pool)


def in_the_ledger(pool: ShownPool) -> dict[str, Money]:
    """The sums of the ledger's own accounts."""
    sums: dict[str, Money] = defaultdict(lambda: dict.fromkeys(PARTS, 0))
    for one in pool.press.counter.rig.scratch.books.standings():
        money = sums[one.account.worker]
        if one.account.kind is AccountKind.PAYABLE:
            money["payable"] += one.balance_wei
            money["earned"] += one.balance_wei if one.account.stream else 0
        elif one.account.kind is AccountKind.IN_PAYOUT:
            money["in_payout"] += one.balance_wei
    for money in sums.values():
        money["owed"] = money["payable"] + money["in_payout"]
        money["paid"] = money["earned"] - money["owed"]
    return {worker: money for worker, money in sums.items() if money["earned"]}


def _got(url: str) -> str:
    with urlopen(url) as answer:
        text: str = answer.read().decode()
        return text


def _balance(row: dict[str, str]) -> Money:
    return {part: int(row[f"{part}_wei"]) for part in PARTS}


def _rows(rows: list[dict[str, str]]) -> dict[str, Money]:
    return {row["address"]: _balance(row) for row in rows}


def _amounts(html: str) -> list[int]:
    """The amounts in a piece of a page, each said to machines, under the pointer and in words."""
    found = re.findall(
        r'<data class="amount" value="(-?\d+)"><span class="eth" title="(-?\d+) wei">[^<]*</span>'
        r'<span class="wei">(-?\d+)&nbsp;wei</span></data>',
        html,
    )
    assert found and all(len(set(one)) == 1 for one in found), html
    return [int(one[0]) for one in found]


def _page(html: str) -> Money:
    money = {}
    for part in PARTS:
        name = part.replace("_", "-")
        [fact] = re.findall(rf'<dd id="{name}">(.*?)</dd>', html)
        [money[part]] = _amounts(fact)
    [table] = re.findall(r'<table id="earnings">(.*?)</table>', html, re.DOTALL)
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table, re.DOTALL)
    # The first amount of a row is what was earned, after commission.
    assert sum(_amounts(row)[0] for row in rows) == money["earned"]
    return money


def _row(html: str, worker: str) -> Money:
    [row] = [one for one in re.findall(r"<tr>.*?</tr>", html) if f">{worker}</a>" in one]
    return dict(zip(PARTS, _amounts(row), strict=True))


def _summaries(published: Path) -> dict[str, Money]:
    """The sums over all streams."""
    sums: dict[str, Money] = defaultdict(lambda: {"earned": 0, "paid": 0, "owed": 0})
    for path in published.glob("*/*/worker_summary.json"):
        for worker, row in json.loads(path.read_text())["data"]["workers"].items():
            sums[worker]["earned"] += int(row["worker_earnings_wei"])
            sums[worker]["paid"] += int(row["total_fees_paid_wei"])
            sums[worker]["owed"] += int(row["pending_fees_wei"])
    return sums


def _statements(folder: Path) -> Money:
    """The sums over all months, of the documents and of the tables."""
    money = {"earned": 0, "in_payout": 0, "paid": 0, "payable": 0}
    in_tables_wei = 0
    for path in sorted(folder.glob("*.json")):
        month = json.loads(path.read_text())
        assert int(month["opening_wei"]) == money["payable"]
        money["payable"] = int(month["closing_wei"])
        money["earned"] += int(month["earned_wei"])
        for change in month["payouts"]:
            part = "paid" if change["state"] == FINAL else "in_payout"
            money[part] -= int(change["amount_wei"])
        rows = list(csv.DictReader(path.with_suffix(".csv").read_text().splitlines()))
        in_tables_wei += sum(int(row["amount_wei"]) for row in rows[1:-1])
    assert in_tables_wei == money["payable"]
    return money


def _payouts(pool: ShownPool) -> dict[str, Money]:
    sums: dict[str, Money] = defaultdict(lambda: {"paid": 0, "in_payout": 0})
    for one in pool.command("payouts", "list", "--limit", "999", "--json").json["payouts"]:
        part = {FINAL: "paid", UNDER_WAY: "in_payout"}[one["state"]]
        sums[one["worker"]][part] += int(one["amount_wei"])
    return sums


def _journal(path: Path) -> dict[str, Money]:
    """The sums of the postings. Paid is what entries that touch the wallet took out of payouts."""
    sums: dict[str, Money] = defaultdict(lambda: dict.fromkeys(PARTS, 0))
    rows = list(csv.DictReader(path.read_text().splitlines()))
    of_wallet = {row["entry"] for row in rows if row["kind"] == "wallet"}
    for row in rows:
        money, wei = sums[row["worker"]], int(row["amount_wei"])
        if row["kind"] == "payable":
            money["payable"] += wei
            money["earned"] += wei if row["stream"] else 0
        elif row["kind"] == "in_payout":
            money["in_payout"] += wei
            money["paid"] -= wei if row["entry"] in of_wallet else 0
    assert sum(int(row["amount_wei"]) for row in rows) == 0
    return {worker: money for worker, money in sums.items() if money["earned"]}


def _chain(pool: ShownPool) -> dict[str, Money]:
    """What each worker's address received from the wallet: in final blocks, and in later ones."""
    sums: dict[str, Money] = defaultdict(lambda: {"paid": 0, "in_payout": 0})
    anvil, wallet = pool.press.anvil, pool.press.counter.rig.sender
    names = {worker.lower(): worker for worker in pool.workers}
    final = anvil.height("finalized")
    for height in range(anvil.height() + 1):
        for sent in anvil.rpc("eth_getBlockByNumber", hex(height), True)["transactions"]:
            receipt = anvil.rpc("eth_getTransactionReceipt", sent["hash"])
            assert sent["from"] == wallet.lower() and receipt["status"] == "0x1"
            part = "paid" if height <= final else "in_payout"
            sums[names[sent["to"]]][part] += int(sent["value"], 16)
    for worker, money in sums.items():
        assert anvil.balance_wei(worker, "finalized") == money["paid"]
        assert anvil.balance_wei(worker) == money["paid"] + money["in_payout"]
    return sums
