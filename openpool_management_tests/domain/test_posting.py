"""Jobs become entries: to whom, how much, and back when a job moves."""

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from openpool_management.domain.accounts import Account, AccountKind, Entry, job_account
from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.batch import AttributionCause
from openpool_management.domain.commission import CommissionRate, with_commission
from openpool_management.domain.invariants import entries_sum_to_zero
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.posting import attributions_of, entries_of, unattributed_of
from openpool_management_tests.log_objects import AI, ALICE, BOB, START

RATES = (CommissionRate("", 2_500, EPOCH), CommissionRate(BOB, 0, EPOCH))
NAME = str(AI)
COLUMNS: dict[str, pl.DataType] = {
    "event_id": pl.Binary(),
    "dt": pl.Datetime("ms", "UTC"),
    "worker": pl.String(),
    "new_worker": pl.String(),
    "received_id": pl.Binary(),
    "request_id": pl.String(),
    "pipeline": pl.String(),
    "model": pl.String(),
    "compute_units": pl.Int128(),
    "fees_wei": pl.Int128(),
    "object_key": pl.String(),
    "object_version": pl.String(),
    "object_index": pl.Int32(),
}


def jobs(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {
        "dt": START,
        "worker": None,
        "new_worker": None,
        "received_id": None,
        "request_id": "0a",
        "pipeline": "llm",
        "model": "m1",
        "compute_units": 5,
        "fees_wei": 7,
        "object_key": "k",
        "object_version": "v",
    }
    numbered = [
        base | {"event_id": bytes([number]), "object_index": number} | row
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(numbered, schema=COLUMNS)


def posted(frame: pl.DataFrame, moved: pl.DataFrame | None = None) -> tuple[Entry, ...]:
    moved = jobs() if moved is None else moved
    return entries_of("b1", AI, with_commission(frame, RATES), moved, RATES)


def amounts(entry: Entry) -> dict[Account, int]:
    return {posting.account: posting.amount_wei for posting in entry.postings}


def work(entry: Entry) -> dict[Account, tuple[int, int]]:
    return {one.account: (one.jobs, one.compute_units) for one in entry.work}


def payable(worker: str) -> Account:
    return Account(AccountKind.PAYABLE, NAME, worker, "llm", "m1")


def commission(worker: str) -> Account:
    return Account(AccountKind.COMMISSION, NAME, worker, "llm", "m1")


REVENUE = Account(AccountKind.REVENUE, NAME)
UNATTRIBUTED = Account(AccountKind.UNATTRIBUTED, NAME, pipeline="llm", model="m1")
HELD = Account(AccountKind.HELD, NAME, pipeline="llm", model="m1")


def test_each_job_goes_where_it_belongs() -> None:
    (entry,) = posted(
        jobs(
            {"worker": ALICE},
            {"worker": ALICE},
            {"worker": BOB},
            {"worker": None, "fees_wei": 2**100},
            {"worker": ZERO_ADDRESS},
        )
    )
    assert entry.key == "b1:earned"
    # Rounded down per job: 5 + 5 of 7 + 7, not 10.5.
    assert amounts(entry) == {
        REVENUE: -(28 + 2**100),
        payable(ALICE): 10,
        commission(ALICE): 4,
        payable(BOB): 7,
        UNATTRIBUTED: 2**100,
        HELD: 7,
    }
    assert work(entry) == {
        payable(ALICE): (2, 10),
        payable(BOB): (1, 5),
        UNATTRIBUTED: (1, 5),
        HELD: (1, 5),
    }


def test_pipelines_and_models_are_kept_apart() -> None:
    (entry,) = posted(jobs({"worker": ALICE}, {"worker": ALICE, "pipeline": "upscale"}))
    assert len(work(entry)) == 2


def test_free_jobs_are_work_without_money() -> None:
    (entry,) = posted(jobs({"worker": ALICE, "fees_wei": 0}))
    assert entry.postings == ()
    assert work(entry) == {payable(ALICE): (1, 5)}


def test_nothing_is_posted_for_nothing() -> None:
    assert posted(jobs()) == ()


def test_moved_job_leaves_one_account_for_another() -> None:
    (entry,) = posted(jobs(), jobs({"worker": None, "new_worker": ALICE}))
    assert entry.key == "b1:moved"
    assert amounts(entry) == {UNATTRIBUTED: -7, payable(ALICE): 5, commission(ALICE): 2}
    assert work(entry) == {UNATTRIBUTED: (-1, -5), payable(ALICE): (1, 5)}
    (back,) = posted(jobs(), jobs({"worker": ALICE, "new_worker": None}))
    assert amounts(back) == {account: -amount for account, amount in amounts(entry).items()}


def test_jobs_that_change_places_cancel_out() -> None:
    swapped = jobs({"worker": ALICE, "new_worker": BOB}, {"worker": BOB, "new_worker": ALICE})
    (entry,) = posted(jobs(), swapped)
    assert entry.postings == ()
    assert entry.work == ()


workers = st.sampled_from([ALICE, BOB, ZERO_ADDRESS, None])
rows = st.fixed_dictionaries(
    {
        "worker": workers,
        "new_worker": workers,
        "fees_wei": st.integers(0, 10**30 - 1),
        "pipeline": st.sampled_from(["llm", "upscale"]),
    }
)


@settings(deadline=None)
@given(st.lists(rows, max_size=8), st.lists(rows, max_size=8))
def test_entries_balance_and_moving_equals_posting_anew(
    earned: list[dict[str, Any]], moved: list[dict[str, Any]]
) -> None:
    entries = posted(jobs(*earned), jobs(*moved))
    assert entries_sum_to_zero(entries) == []
    after = [row | {"worker": row["new_worker"]} for row in moved]
    totals: dict[Account, int] = {}
    for entry in (*posted(jobs(*moved)), *posted(jobs(), jobs(*moved))):
        for account, amount_wei in amounts(entry).items():
            totals[account] = totals.get(account, 0) + amount_wei
    anew = {
        account: wei for entry in posted(jobs(*after)) for account, wei in amounts(entry).items()
    }
    assert {account: wei for account, wei in totals.items() if wei} == anew


def test_jobs_of_nobody_are_listed() -> None:
    listed = unattributed_of(
        jobs({"worker": ALICE}, {"worker": None}, {"worker": ZERO_ADDRESS, "request_id": None})
    )
    assert [(one.event_id, one.held, one.request_id) for one in listed] == [
        (b"\x01", False, "0a"),
        (b"\x02", True, ""),
    ]
    assert (listed[0].object_key, listed[0].object_version, listed[0].object_index) == ("k", "v", 1)


def test_moves_are_listed_with_their_cause() -> None:
    (one,) = attributions_of(jobs({"new_worker": ALICE, "received_id": b"r"}))
    assert (one.worker, one.received_id) == (ALICE, b"r")
    assert one.cause is AttributionCause.PAIR_ARRIVED


def test_account_of_a_job() -> None:
    assert job_account(NAME, ALICE, "llm", "m1") == payable(ALICE)
    assert job_account(NAME, None, "llm", "m1") == UNATTRIBUTED
    assert job_account(NAME, ZERO_ADDRESS, "llm", "m1") == HELD
