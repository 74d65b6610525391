"""The rate in force, looked up one by one and for a whole frame."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.commission import CommissionRate, rate_at, with_commission
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.money import split_fee
from openpool_management_tests.log_objects import ALICE, BOB, moment

FIRST = CommissionRate("", 2_500, EPOCH)
hours = st.integers(-5, 5)


@st.composite
def histories(draw: st.DrawFn) -> list[CommissionRate]:
    changes = draw(
        st.lists(
            st.tuples(st.sampled_from(["", ALICE, BOB]), hours, st.integers(0, 10_000)),
            max_size=8,
            unique_by=lambda change: change[:2],
        )
    )
    ended = draw(st.sets(st.sampled_from(range(8))))
    later = [
        # A worker's own rate can be ended; the default can only be replaced.
        CommissionRate(worker, None if worker and no in ended else bps, moment(hour * 3600))
        for no, (worker, hour, bps) in enumerate(changes)
    ]
    return draw(st.permutations([FIRST, *later]))


jobs = st.lists(
    st.tuples(
        st.sampled_from([ALICE, BOB, None]),
        st.integers(-6 * 3600, 6 * 3600),
        st.integers(0, 10**30 - 1),
    ),
    max_size=12,
)


def frame(rows: list[tuple[str | None, datetime, int]]) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = {
        "worker": pl.String(),
        "dt": pl.Datetime("ms", "UTC"),
        "fees_wei": pl.Int128(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(histories(), jobs)
def test_a_frame_gets_the_rates_that_single_jobs_get(
    history: list[CommissionRate], rows: list[tuple[str | None, int, int]]
) -> None:
    placed = [(worker, moment(second), fee_wei) for worker, second, fee_wei in rows]
    outcome = with_commission(frame(placed), history)
    expected = []
    for worker, dt, fee_wei in placed:
        fee_bps = rate_at(history, worker or "", dt)
        expected.append((worker, dt, fee_wei, fee_bps, *split_fee(fee_wei, fee_bps)))
    columns = ("worker", "dt", "fees_wei", "fee_bps", "net_wei", "commission_wei")
    assert outcome.select(columns).rows() == expected
    assert outcome.columns == list(columns)


@pytest.mark.parametrize(
    ("second", "worker", "fee_bps"),
    [
        (-1, ALICE, 2_500),
        (0, ALICE, 1_000),
        (0, BOB, 2_500),
        (3599, ALICE, 1_000),
        (3600, ALICE, 2_000),
        (7200, ALICE, 3_000),
        (7200, BOB, 3_000),
    ],
)
def test_rate_holds_from_its_moment_until_the_next(second: int, worker: str, fee_bps: int) -> None:
    history = [
        FIRST,
        CommissionRate("", 3_000, moment(7200)),
        CommissionRate(ALICE, 1_000, moment(0)),
        CommissionRate(ALICE, 2_000, moment(3600)),
        CommissionRate(ALICE, None, moment(7200)),
    ]
    assert rate_at(history, worker, moment(second)) == fee_bps
    outcome = with_commission(frame([(worker, moment(second), 1)]), history)
    assert outcome["fee_bps"].item() == fee_bps


def test_time_before_all_rates_is_refused() -> None:
    before = EPOCH - timedelta(seconds=1)
    with pytest.raises(ValueError, match="No commission rate is in force at 1969"):
        rate_at([FIRST], ALICE, before)
    with pytest.raises(ValueError, match="does not reach back"):
        with_commission(frame([(ALICE, before, 1)]), [FIRST])
