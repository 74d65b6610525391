"""Figures of documents on books where every rule of theirs makes a difference."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openpool_management.domain.accounts import Account, AccountKind, Standing
from openpool_management.domain.batch import PresenceKind
from openpool_management.domain.commission import DEFAULT_WORKER, CommissionRate
from openpool_management.domain.explorer import Explorer
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.payouts.payout import Event, Intent, Mark, Payout
from openpool_management.domain.payouts.plan import Decision, Verdict
from openpool_management.domain.presence import ConnectionInterval
from openpool_management.domain.tickets import Redeemed
from openpool_management.domain.worker_history import WorkerHistory
from openpool_management.services.exports.days import DAYS_SHOWN
from openpool_management.services.exports.frames import DAYS, days_frame, workers_frame
from openpool_management.services.exports.material import Material, StreamQuality
from openpool_management.services.exports.publication import Publication
from openpool_management.services.exports.worker_performance import worker_performance
from openpool_management.services.exports.worker_summary import worker_summary
from openpool_management.services.performance.report import PerformanceRow, Window
from openpool_management.services.ports.exports import LedgerSnapshot
from openpool_management.services.solvency import solvency
from openpool_management_tests.log_objects import AI, ALICE, BOB

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ODD = "the operator's own words"


def payout(name: str, hours_ago: int, *marks: Mark) -> Payout:
    """A payout of 3 wei to ALICE, of which something became an hour after it was set aside."""
    at = AT - hours_ago * HOUR
    intent = Intent(name, f"{at:%Y-%m-%d}", ALICE, ALICE, 3, 42161, "S", at)
    return Payout(intent, (), tuple(Event(mark, at + HOUR, None, "0xab", 7) for mark in marks))


def account(kind: AccountKind, worker: str = "") -> Account:
    """An account of jobs."""
    return Account(kind, str(AI), worker, "llm", "m")


@pytest.fixture
def material() -> Material:
    """ALICE earned 9 wei, of which 6 are paid and 3 set aside; 3 more were, and given back."""
    payouts = (
        payout("first", 60, Mark.SETTLED),
        payout("second", 50, Mark.SETTLED),
        payout("void", 40, Mark.VOIDED),
        payout("waits", 30),
    )
    history = WorkerHistory()
    payable = account(AccountKind.PAYABLE, ALICE)
    for back, wei in ((DAYS_SHOWN, 4), (DAYS_SHOWN - 1, 5)):
        history.post(payable, f"{back}:earned", AT - back * DAY, wei)
        history.work(payable, AT - back * DAY, 1, 1)
    taken = Account(AccountKind.PAYABLE, worker=ALICE)
    for one in payouts:
        history.post(taken, f"payout:{one.id}:reserved", one.intent.created_at, -3)
        if one.id == "void":
            history.post(taken, f"payout:{one.id}:voided", one.events[0].at, 3)
    standings = (
        Standing(payable, 9, 2, 2),
        Standing(account(AccountKind.UNATTRIBUTED), 20, 2, 2),
        Standing(account(AccountKind.HELD), 40, 4, 4),
        Standing(taken, -9),
        Standing(Account(AccountKind.IN_PAYOUT, worker=ALICE), 3),
    )
    rates = (CommissionRate(DEFAULT_WORKER, 2_500, EPOCH),)
    return Material(
        ledger=LedgerSnapshot(standings, {AI: AT - HOUR}, rates, payouts, {ALICE: history}),
        made_at=AT,
        solvency=solvency(standings, Redeemed((), 0), None),
        explorer=Explorer(42161),
        decisions={
            ALICE: Decision(ALICE, 0, Verdict.PAY, "paid"),
            BOB: Decision(BOB, 5, Verdict.BLOCKED, ODD),
        },
        connections={
            AI: [
                connection(1, 5),
                # Opened later, and closed sooner.
                connection(2, 3),
                ConnectionInterval(BOB, "c", AT, None, None, AT),
            ]
        },
        performance={Window.ALL: [performance(ALICE, None), performance(BOB, 1)]},
        quality={AI: StreamQuality(AT, ("a gap",), ("silence",))},
    )


def connection(opened: int, closed: int) -> ConnectionInterval:
    """A connection of ALICE from one hour to another."""
    ended = AT + closed * HOUR
    return ConnectionInterval(ALICE, "c", AT + opened * HOUR, ended, PresenceKind.RESET, ended)


def performance(worker: str, rank: int | None) -> PerformanceRow:
    """A row whose figures all differ."""
    known: dict[str, Any] = {"stream": AI, "worker": worker, "pipeline": "llm", "model": "m"}
    known |= {"start": AT, "end": AT, "rank": rank}
    figures = [one.name for one in fields(PerformanceRow) if one.name not in known]
    known |= {name: place for place, name in enumerate(figures, 10)}
    return PerformanceRow(**known)


def test_days_end_with_the_day_of_the_export(material: Material) -> None:
    [row] = Publication(material).worker(ALICE)["days"]
    assert row["date"] == (AT - (DAYS_SHOWN - 1) * DAY).date().isoformat()
    assert (row["net_wei"], row["jobs"]) == ("5", 1)


def test_a_payment_counts_when_it_is_final(material: Material) -> None:
    summary = worker_summary(material, AI)["data"]
    row = summary["workers"][ALICE]
    assert [one["payment_id"] for one in row["payment_history"]] == ["waits", "second", "first"]
    assert row["payment_history"][0]["timestamp"] == (AT - 30 * HOUR).isoformat()
    assert row["payment_history"][1]["timestamp"] == (AT - 50 * HOUR).isoformat()
    assert (row["payment_count"], row["total_fees_paid"], row["pending_fees"]) == (2, 6, 3)
    assert row["last_payment_date"] == (AT - 49 * HOUR).isoformat()
    assert summary["timestamp"] == (AT - HOUR).isoformat()
    assert row["payment_due"] is True
    told = [
        (one["id"], one["created_at"], one["settled_at"], one["final"])
        for one in Publication(material).payouts["payouts"]
    ]
    ages = (("waits", 30), ("void", 40), ("second", 50), ("first", 60))
    assert told == [
        (
            name,
            (AT - hours * HOUR).isoformat(),
            (AT - (hours - 1) * HOUR).isoformat() if name in ("first", "second") else None,
            name != "waits",
        )
        for name, hours in ages
    ]
    pool = Publication(material).pool
    assert (pool["payouts"]["made"], pool["payouts"]["under_way"]) == (2, 1)
    [stream] = pool["streams"]
    assert (stream["paid_wei"], stream["owed_wei"], stream["fees_wei"]) == ("6", "3", "69")
    assert (stream["jobs"], stream["workers"]) == (8, 1)


def test_nothing_is_due_where_nothing_is_pending(material: Material) -> None:
    material.ledger.histories[ALICE].unpaid.shares["first"] = {str(AI): 6}
    row = worker_summary(material, AI)["data"]["workers"][ALICE]
    assert (row["pending_fees"], row["payment_due"]) == (0, False)


def test_payouts_in_a_statement(material: Material) -> None:
    publication = Publication(material)
    told = [
        (one["payout_id"], one["kind"], one["amount_wei"])
        for month in publication.months(ALICE)
        for one in publication.statement(ALICE, month)["payouts"]
    ]
    assert told == [
        ("first", "payout", "-3"),
        ("second", "payout", "-3"),
        ("void", "payout", "-3"),
        ("void", "given-back", "3"),
        ("waits", "payout", "-3"),
    ]


def test_tables_of_the_same(material: Material) -> None:
    richer, poorer = "0x" + "9" * 40, "0x" + "8" * 40
    for worker, wei in ((richer, "300"), (poorer, "-1")):
        material.balances[worker] = dict.fromkeys(material.balances[ALICE], wei)
        material.ledger.histories[worker] = WorkerHistory()
    publication = Publication(material)
    workers = workers_frame(publication)
    assert list(workers["worker"]) == [richer, ALICE, BOB, poorer]
    assert list(workers["last_payment_at"]) == [None, (AT - 49 * HOUR).isoformat(), None, None]
    days = [
        {"date": (AT - back * DAY).date().isoformat(), "stream": "s", "jobs": 1, "fees_wei": "2"}
        for back in (DAYS, DAYS - 1, 0)
    ]
    publication.pool["days"] = days
    assert list(days_frame(publication)["date"]) == [one["date"] for one in days[1:]]


def test_jobs_without_an_address_are_not_called_unattributed(material: Material) -> None:
    [stream] = Publication(material).quality["streams"]
    assert (stream["unattributed_jobs"], stream["unattributed_wei"]) == (2, "20")
    assert stream["notices"] == ["silence", "a gap"]


@pytest.mark.parametrize("verdict", [Verdict.BLOCKED, Verdict.DENIED, Verdict.NOT_ALLOWED])
def test_what_operators_wrote_on_a_worker_stays_with_them(
    material: Material, verdict: Verdict
) -> None:
    material.decisions[BOB] = Decision(BOB, 5, verdict, ODD)
    told = Publication(material).worker(BOB)["next_payment"]
    assert told["verdict"] == verdict.value and ODD not in told["reason"]


def test_the_connection_that_closed_last_is_shown(material: Material) -> None:
    [one] = Publication(material).worker(ALICE)["connections"]
    assert one["closed_at"] == (AT + 5 * HOUR).isoformat()
    [one] = Publication(material).worker(BOB)["connections"]
    assert (one["state"], one["closed_at"]) == ("open", None)


def test_each_figure_of_a_worker_is_under_its_name(material: Material) -> None:
    row = performance(BOB, 1)
    document = worker_performance(material, AI)
    told, last = document["ai_performance"]
    assert (told["worker_address"], last["worker_address"]) == (BOB, ALICE)
    assert last["rank"] is None
    assert document["ai_model_pipeline_rankings"] == {"m | llm": [told, last]}
    for name, field in {
        "median_response_time": "response_p50_ms",
        "mean_response_time": "response_mean_ms",
        "job_count": "jobs",
        "total_compute_units": "compute_units",
        "total_fees": "fees_wei",
        "percentile": "percentile",
    }.items():
        assert told[name] == getattr(row, field), name
    for kind in ("median", "mean", "min", "max"):
        assert told[f"{kind}_compute_units_per_second"] == getattr(row, f"units_per_second_{kind}")
    ranked = next(one for one in Publication(material).ranking["windows"] if one["rows"])["rows"]
    assert [one["worker"] for one in ranked] == [BOB, ALICE]
    for name in ("compute_units", "fees_wei"):
        assert ranked[0].pop(name) == str(getattr(row, name))
    assert ranked[0].pop("stream") == str(AI)
    for name, value in ranked[0].items():
        assert value == getattr(row, name), name
