"""What stands under a heading of a page is what the document has under the field of that name."""

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from html import unescape

import pytest

from openpool_management.domain.payouts.payout import (
    Attempt,
    Event,
    Intent,
    Mark,
    Payout,
    PayoutState,
    Purpose,
    Slot,
)
from openpool_management.domain.payouts.transactions import SignedTransfer, Transfer
from openpool_management.domain.worker_history import WorkerHistory
from openpool_management.pages.amounts import number, percent
from openpool_management.pages.links import ServerLinks
from openpool_management.pages.site import Site
from openpool_management.services.exports.publication import Publication
from openpool_management.services.performance.report import PerformanceRow, Window
from openpool_management_tests.log_objects import ALICE, BOB, CAROL
from openpool_management_tests.pages.conftest import Shown

Rows = list[dict[str, str]]


def tables(html: str) -> list[Rows]:
    """Every table of a page: what each cell states, by the heading of its column."""
    return [list(_rows(one)) for one in re.findall(r"<table.*?</table>", html, re.DOTALL)]


def _rows(table: str) -> Iterator[dict[str, str]]:
    names = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)
    for row in table.partition("<tbody>")[2].split("</tr>")[:-1]:
        cells = re.findall(r"<t[dh]\b[^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        yield dict(zip(names, map(stated, cells), strict=True))


def stated(cell: str) -> str:
    """The wei or the time that a cell has for machines, else its text."""
    if exact := re.search(r'<(?:data class="amount" value|time datetime)="([^"]*)"', cell):
        return exact[1]
    return unescape(re.sub(r"<[^>]+>", "", cell)).strip()


def payout(shown: Shown, place: int, *marks: Mark) -> Payout:
    """A payout to ALICE whose amount, nonce, hash, block and times are of its place."""
    at = shown.publication.material.made_at + timedelta(hours=place)
    intent = Intent(f"id-{place}", f"{at:%Y-%m-%d}", ALICE, ALICE, 10**9 + place, 42161, BOB, at)
    transfer = Transfer(42161, place, ALICE, intent.amount_wei, 30_000, 100, 0)
    signed = SignedTransfer(f"0x{place}", BOB, transfer, b"")
    events = tuple(
        Event(mark, at + timedelta(minutes=number), 1, signed.hash, 100 * place)
        for number, mark in enumerate(marks, 1)
    )
    return Payout(intent, (Slot(1, place, (Attempt(signed, Purpose.PAYOUT, at),)),), events)


@pytest.fixture
def told(shown: Shown) -> Publication:
    """Documents in which no two amounts that stand beside each other are the same."""
    material = shown.publication.material
    payouts = (payout(shown, 1, Mark.SEEN, Mark.SETTLED), payout(shown, 2, Mark.SEEN))
    history: WorkerHistory = material.ledger.histories[ALICE]
    for one in payouts:
        history.unpaid.set_aside(one.id, one.intent.amount_wei)
    amounts = [one.name for one in fields(material.solvency) if one.name.endswith("_wei")]
    numbers = {name: 10**6 + place for place, name in enumerate(amounts)}
    return Publication(
        replace(
            material,
            ledger=replace(material.ledger, payouts=payouts),
            solvency=replace(material.solvency, **numbers, chain_block=77),
            performance={one: [*map(measured, rows)] for one, rows in material.performance.items()},
        )
    )


def measured(row: PerformanceRow) -> PerformanceRow:
    """A row whose figures all differ."""
    return replace(
        row,
        response_p50_ms=50.1,
        response_p95_ms=95.2,
        response_p99_ms=99.3,
        units_per_second_median=7.4,
        units_per_second=8.5,
        real_time_ratio_median=6.6,
        success_share=0.25,
        online_share=0.75,
    )


def test_the_first_page(told: Publication) -> None:
    html = Site(told, ServerLinks()).overview()
    money = told.pool["money"]
    for name in ("earned", "paid", "owed", "commission", "redeemed", "unattributed", "held"):
        [fact] = re.findall(rf'<dd id="{name}">(.*?)</dd>', html)
        assert stated(fact) == money[f"{name}_wei"], name
    [wallet] = re.findall(r'<dd id="wallet">(.*?)</dd>', html)
    assert stated(wallet) == money["chain_wei"] and "at finalized block 77" in wallet
    [made] = re.findall(r'<dd id="payouts-made">(.*?)</dd>', html)
    assert made.startswith("1<") and "1 under way; mode off" in made
    fees, jobs, streams = tables(html)
    for rows, field, heading in ((fees, "fees_wei", "Fees"), (jobs, "jobs", "Jobs")):
        assert [(one["Day"], one["Stream"], one[heading].replace(",", "")) for one in rows] == [
            (one["date"], one["stream"], str(one[field])) for one in reversed(told.pool["days"])
        ]
    names = ("stream", "jobs", "workers", "fees_wei", "earned_wei", "commission_wei", "paid_wei")
    shown_as = ("Stream", "Jobs", "Workers", "Fees", "Earned", "Commission", "Paid")
    for row, one in zip(streams, told.pool["streams"], strict=True):
        assert [row[name] for name in shown_as] == [str(one[name]) for name in names]
        assert (row["Owed"], row["Read"]) == (one["owed_wei"], one["read_at"])
        assert row["Online"] == str(one["workers_online"])
    assert sum(int(one["Paid"]) for one in streams) == 10**9 + 1


def test_the_page_of_a_worker(told: Publication, shown: Shown) -> None:
    document = told.worker(ALICE)
    posted = shown.pool.trail.records.statement(ALICE, 20)
    html = Site(told, ServerLinks()).worker(ALICE, posted)
    _, earnings, lines, payouts, connections = tables(html)
    for row, line in zip(lines, posted, strict=True):
        account = line.account
        assert (row["Stream"], row["Pipeline"]) == (account.stream, account.pipeline)
        assert (row["Amount"], row["Jobs"]) == (str(line.amount_wei), number(line.jobs))
    for row, one in zip(earnings, document["earnings"], strict=True):
        assert [row["Earned"], row["Fees"], row["Commission"]] == [
            one[f"{name}_wei"] for name in ("net", "fees", "commission")
        ]
        assert (row["Stream"], row["Pipeline"]) == (one["stream"], one["pipeline"])
        assert row["Jobs"] == number(one["jobs"])
        assert row["Compute units"] == number(one["compute_units"])
    assert_payouts(payouts, document["payouts"])
    [row] = connections
    [one] = document["connections"]
    assert (row["Stream"], row["State"], row["Closed"]) == (one["stream"], "open", "–")
    assert (row["Connected since"], row["Last seen"]) == (
        one["connected_since"],
        one["last_seen_at"],
    )


def test_the_page_of_payouts(told: Publication) -> None:
    [rows] = tables(Site(told, ServerLinks()).payouts() or "")
    assert_payouts(rows, told.payouts["payouts"])
    assert [row["Worker"] for row in rows] == [ALICE, ALICE]


def test_every_state_of_a_payout_is_explained(told: Publication) -> None:
    site = Site(told, ServerLinks())
    for html in (site.payouts() or "", site.worker(ALICE, [])):
        [said] = re.findall(r"<p>States: (.*?)</p>", html)
        assert {state.value for state in PayoutState} <= set(re.findall(r"\w+", said.lower()))


def assert_payouts(rows: Rows, documents: list[dict[str, object]]) -> None:
    """Rows of payouts, the newest of which is in a block only."""
    assert [row["State"] for row in rows] == ["seen", "settled, final"]
    for row, one in zip(rows, documents, strict=True):
        assert (row["Amount"], row["Set aside"]) == (one["amount_wei"], one["created_at"])
        assert (row["Transaction"], row["Block"]) == (
            one["transaction_hash"],
            str(one["block_number"]),
        )
        assert row["Known final since"] == (one["settled_at"] or "–")


def test_the_page_of_workers(told: Publication) -> None:
    told.pool["workers"].append({**told.pool["workers"][0], "address": CAROL, "earned_wei": "300"})
    [rows] = tables(Site(told, ServerLinks()).workers() or "")
    documents = {one["address"]: one for one in told.pool["workers"]}
    # As text the amounts would be in another order.
    assert [int(row["Earned"]) for row in rows] == [11_726, 300, 26]
    for row in rows:
        one = documents.pop(row["Worker"])
        for heading, field in (
            ("Paid", "paid"),
            ("In payout", "in_payout"),
            ("Payable", "payable"),
        ):
            assert row[heading] == one[f"{field}_wei"]
        assert row["Earned"] == one["earned_wei"]
        assert row["Online"] == ("yes" if one["online"] else "no")
    assert documents == {}


@pytest.mark.parametrize("window", [one.label for one in Window])
def test_the_page_of_the_ranking(told: Publication, window: str) -> None:
    found = [
        row for rows in tables(Site(told, ServerLinks()).ranking(window) or "") for row in rows
    ]
    [documents] = [one["rows"] for one in told.ranking["windows"] if one["window"] == window]
    assert len(found) == len(documents)
    assert found or window != Window.ALL.label
    for row, one in zip(found, documents, strict=True):
        assert (row["Worker"], row["Fees"]) == (one["worker"], one["fees_wei"])
        assert (row["Rank"], row["Jobs"]) == (number(one["rank"]), number(one["jobs"]))
        figures = ["Response p50, ms", "p95, ms", "p99, ms", "Units / s, median"]
        assert [row[name] for name in figures] == ["50.1", "95.2", "99.3", "7.4"]
        assert row.get("Real-time ratio") == (
            None if one["stream"].startswith("ai|") else number(one["real_time_ratio_median"], 2)
        )
        assert (row["Success"], row["Online"]) == (percent(0.25), percent(0.75))


def test_the_page_of_the_data(told: Publication) -> None:
    held, streams = tables(Site(told, ServerLinks()).quality())
    assert held == [{"Reason": one["reason"], "Items": str(one["items"])} for one in _held(told)]
    for row, one in zip(streams, told.quality["streams"], strict=True):
        assert (row["Stream"], row["Read"]) == (one["stream"], one["read_at"])
        assert row["Newest object ends"] == one["newest_object_at"]
        assert row["Jobs that are nobody’s"] == str(one["unattributed_jobs"])
        assert row["Their fees"] == one["unattributed_wei"]
        assert row["Gaps and silence"] == ("".join(one["notices"]) or "none")
    assert any(one["notices"] for one in told.quality["streams"])


def _held(told: Publication) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = told.quality["held"]
    return rows
