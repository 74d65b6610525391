"""The commission changes for jobs to come, and never for one that is posted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from openpool_management.adapters.sql.commissions import SqlCommissionHistory
from openpool_management.adapters.sql.ledger import COMMISSION_LOCK
from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.services.commissions import rates, set_rate, setting_difference
from openpool_management.services.decisions import DecisionRefused
from openpool_management.services.ports import RateRow
from openpool_management_tests.ledgers import Log, ScratchLedger, balances_wei
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    NOW,
    TRANSCODE,
    Event,
    moment,
    processed,
    received,
    transcoded,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ALICE_PAYABLE = f"payable:transcode|oceania:{ALICE}:transcode"
BOB_PAYABLE = f"payable:transcode|oceania:{BOB}:transcode"


def change(scratch: ScratchLedger, fee_bps: int | None, **more: Any) -> RateRow:
    now = more.pop("now", LONG_AGO)
    return set_rate(SqlCommissionHistory(scratch.engine), fee_bps, "agreed", now, **more)


def thousand(worker: str, second: int) -> Event:
    """A job that earns 1,000 wei."""
    return transcoded(worker, second, units=100, price=10)


def test_history_says_for_whom_when_and_why(scratch: ScratchLedger) -> None:
    history = SqlCommissionHistory(scratch.engine)
    set_rate(history, 1_000, " a deal ", NOW, worker=ALICE.lower(), effective_from=moment(5))
    set_rate(history, 3_000, "costs", NOW)
    first, deal, default = rates(history)
    assert first.rate == CommissionRate("", 2_500, EPOCH)
    assert first.reason == "POOL_COMMISSION_RATE when the ledger was opened"
    assert deal == RateRow(CommissionRate(ALICE, 1_000, moment(5)), NOW, "a deal")
    assert default == RateRow(CommissionRate("", 3_000, NOW), NOW, "costs")


def test_change_holds_for_later_jobs_alone_and_for_late_ones_by_their_dt(
    scratch: ScratchLedger,
) -> None:
    log = Log(scratch)
    log.read(TRANSCODE, 0, thousand(ALICE, 10))
    assert change(scratch, 1_000).rate.effective_from == moment(11)
    log.read(TRANSCODE, 60, thousand(ALICE, 11))
    assert balances_wei(scratch)[ALICE_PAYABLE] == 750 + 900
    # Read after the change, done before it.
    log.read(TRANSCODE, 5, thousand(BOB, 10), thousand(BOB, 9))
    assert balances_wei(scratch) == {
        "revenue:transcode|oceania": -4_000,
        ALICE_PAYABLE: 1_650,
        f"commission:transcode|oceania:{ALICE}:transcode": 350,
        BOB_PAYABLE: 1_500,
        f"commission:transcode|oceania:{BOB}:transcode": 500,
    }


def test_worker_s_own_rate_begins_and_ends(scratch: ScratchLedger) -> None:
    change(scratch, 0, worker=ALICE, effective_from=moment(10))
    change(scratch, None, worker=ALICE, effective_from=moment(20))
    change(scratch, 10_000, effective_from=moment(30))
    log = Log(scratch)
    log.read(TRANSCODE, 0, *(thousand(ALICE, second) for second in (9, 10, 19, 20, 29, 30)))
    assert balances_wei(scratch)[ALICE_PAYABLE] == 750 + 1_000 + 1_000 + 750 + 750 + 0
    log.read(TRANSCODE, 60, thousand(BOB, 10))
    assert balances_wei(scratch)[BOB_PAYABLE] == 750


def test_late_pair_moves_a_job_between_workers_of_different_rates(scratch: ScratchLedger) -> None:
    change(scratch, 1_000, worker=ALICE)
    change(scratch, 5_000, worker=BOB)
    log = Log(scratch)
    log.read(AI, 0, received(ALICE, 1))
    log.read(AI, 120, processed(121, units=77, price=13))
    # 1,001 × 0.9 is 900.9.
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -1_001,
        f"payable:ai|us-central:{ALICE}:upscale:m1": 900,
        f"commission:ai|us-central:{ALICE}:upscale:m1": 101,
    }
    change(scratch, 0, worker=BOB)
    # A nearer answer, read later: the retry on another worker did the job.
    log.read(AI, 60, received(BOB, 61))
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -1_001,
        f"payable:ai|us-central:{BOB}:upscale:m1": 500,
        f"commission:ai|us-central:{BOB}:upscale:m1": 501,
    }


def test_posted_jobs_keep_their_rate(scratch: ScratchLedger) -> None:
    log = Log(scratch)
    log.read(TRANSCODE, 0, thousand(ALICE, 10))
    log.read(AI, 0, processed(40))
    for start in (moment(40), moment(10), LONG_AGO):
        with pytest.raises(DecisionRefused) as refused:
            change(scratch, 0, effective_from=start)
        assert f"can't start at {start.isoformat()}" in str(refused.value)
        assert f"events up to {moment(40).isoformat()}" in str(refused.value)
        assert f"earliest possible start is {moment(41).isoformat()}." in str(refused.value)
    assert change(scratch, 0, effective_from=moment(41)).rate.effective_from == moment(41)
    later = moment(1_000.5)
    assert change(scratch, 1, now=later).rate.effective_from == moment(1_001)


def test_fraction_of_a_second_lies_before_the_earliest_start(scratch: ScratchLedger) -> None:
    Log(scratch).read(TRANSCODE, 0, {**thousand(ALICE, 10), "DT": "2026-03-01T00:00:10.7Z"})
    assert change(scratch, 0).rate.effective_from == moment(11)


NO_RATES: list[tuple[int | None, dict[str, Any], str]] = [
    (10_001, {}, "A commission of 10001 basis points is not possible"),
    (-1, {}, "A commission of -1 basis points is not possible"),
    (None, {}, "The default commission can't be ended"),
    (None, {"worker": BOB}, f"{BOB} has no rate of their own"),
    (None, {"worker": ALICE, "effective_from": moment(4)}, "has no rate of their own at"),
    (1, {"worker": "0x1"}, "'0x1' is no address of a worker"),
    (1, {"worker": ZERO_ADDRESS}, "is no address of a worker"),
    (1, {"effective_from": datetime(2027, 1, 1)}, "has no time zone"),  # noqa: DTZ001
    (1, {"effective_from": moment(0.5)}, "has a fraction of a second"),
    (1, {"worker": ALICE, "effective_from": moment(5)}, "is in the history already"),
]


def test_what_is_no_rate_is_refused(scratch: ScratchLedger) -> None:
    change(scratch, 100, worker=ALICE, effective_from=moment(5))
    before = rates(SqlCommissionHistory(scratch.engine))
    for fee_bps, more, sentence in NO_RATES:
        with pytest.raises(DecisionRefused, match=sentence):
            change(scratch, fee_bps, **more)
    assert rates(SqlCommissionHistory(scratch.engine)) == before


def test_change_needs_a_reason(scratch: ScratchLedger) -> None:
    with pytest.raises(DecisionRefused, match="The reason is empty"):
        set_rate(SqlCommissionHistory(scratch.engine), 1, " ", NOW)


def test_setting_is_compared_with_the_rate_in_force(scratch: ScratchLedger) -> None:
    history = SqlCommissionHistory(scratch.engine)
    change(scratch, 1_250, effective_from=moment(0))
    change(scratch, 0, worker=ALICE, effective_from=moment(0))
    assert setting_difference(rates(history), 2_500, moment(-1)) is None
    assert setting_difference(rates(history), 1_250, moment(0)) is None
    sentence = setting_difference(rates(history), 2_500, moment(0))
    assert sentence is not None
    assert "POOL_COMMISSION_RATE is 25 %" in sentence
    assert "default commission is 12.5 %" in sentence
    assert "`openpool commission set`" in sentence


def test_change_waits_for_batches_and_batches_for_it(
    postgres_ledger_url: str, tmp_path: Path
) -> None:
    """On PostgreSQL, where writers of different streams don't wait for each other."""
    impatient = create_engine(postgres_ledger_url, connect_args={"options": "-c lock_timeout=50ms"})
    with ScratchLedger(postgres_ledger_url, tmp_path / "lake") as scratch:
        with scratch.engine.begin() as batch:
            batch.execute(
                text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": COMMISSION_LOCK}
            )
            with pytest.raises(OperationalError, match="lock timeout"):
                set_rate(SqlCommissionHistory(impatient), 1, "soon", NOW)
        history = SqlCommissionHistory(scratch.engine)

        def choose(earlier: list[RateRow], newest_dt: datetime | None) -> RateRow:
            with impatient.begin() as batch, pytest.raises(OperationalError, match="lock timeout"):
                batch.execute(
                    text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": COMMISSION_LOCK}
                )
            return RateRow(CommissionRate("", 1, NOW + timedelta(days=1)), NOW, "soon")

        history.append(choose)
        assert len(rates(history)) == 2
    impatient.dispose()
