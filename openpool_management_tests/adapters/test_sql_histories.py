"""Histories that are brought on from one reading to the next equal those that are read anew."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from sqlalchemy import text

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.exports import SqlExports
from openpool_management.adapters.sql.histories import PostingsDiffer, SqlHistories
from openpool_management.domain.worker_history import WorkerHistory
from openpool_management_tests.ledgers import Log, ScratchLedger, drop_guards
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    TRANSCODE,
    processed,
    received,
    transcoded,
)
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig
from openpool_management_tests.servers.anvil import AnvilServer

Histories = dict[str, WorkerHistory]


@pytest.fixture
def rig(ledger_url: str, tmp_path: Path, anvil: AnvilServer) -> Iterator[PayoutRig]:
    """An empty ledger on each kind of database, and a wallet."""
    rig = PayoutRig.on(anvil, tmp_path, anvil.account(9 * ETH_WEI), url=ledger_url)
    yield rig
    rig.scratch.close()


def read(scratch: ScratchLedger, kept: SqlHistories | None = None) -> Histories:
    """The histories, brought on where some are kept."""
    return SqlExports(scratch.engine, kept).snapshot().histories


def test_each_reading_equals_one_from_the_start(rig: PayoutRig, anvil: AnvilServer) -> None:
    log, kept = Log(rig.scratch), SqlHistories()
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: log.read(AI, 0, processed(1, units=10**16), received(BOB, 2, request="bb")),
        lambda: log.read(TRANSCODE, 60, transcoded(ALICE, 60, units=10**16)),
        lambda: None,
        # The first job finds its worker, and moves from nobody.
        lambda: log.read(AI, 120, received(ALICE, 0)),
        rig.pay,
        lambda: log.read(TRANSCODE, 120, transcoded(ALICE, 120, units=10**16)),
        lambda: log.read(AI, 180, processed(181, request="bb", units=10**17)),
        anvil.finalize,
        rig.drive,
        rig.next_day,
        rig.pay,
    ]
    before: Histories = {}
    as_given: Histories = {}
    for step in steps:
        step()
        brought_on = read(rig.scratch, kept)
        assert brought_on == read(rig.scratch)
        assert before == as_given, "what was given out stays as it was"
        before, as_given = brought_on, deepcopy(brought_on)
    assert set(before) == {ALICE, BOB}
    assert len(before[ALICE].changes) == 2 and before[ALICE].unpaid.shares


def test_what_did_not_change_is_not_read_again(rig: PayoutRig) -> None:
    log, kept = Log(rig.scratch), SqlHistories()
    log.read(TRANSCODE, 0, transcoded(ALICE, 0), transcoded(BOB, 1))
    first = read(rig.scratch, kept)
    log.read(TRANSCODE, 60, transcoded(ALICE, 60))
    second = read(rig.scratch, kept)
    assert second[BOB] is first[BOB] and second[ALICE] is not first[ALICE]


def test_an_entry_with_a_lower_number_that_comes_later_is_found(
    postgres_ledger_url: str, tmp_path: Path
) -> None:
    with ScratchLedger(postgres_ledger_url, tmp_path / "lake") as scratch:
        log, kept = Log(scratch), SqlHistories()
        for first, second in ((1_000, 0), (1, 60), (2_000, 120)):
            with scratch.engine.begin() as connection:
                sequence = connection.scalar(text("SELECT pg_get_serial_sequence('entry', 'id')"))
                connection.execute(text(f"ALTER SEQUENCE {sequence} RESTART WITH {first}"))
            log.read(TRANSCODE, second, transcoded(ALICE, second))
            assert read(scratch, kept) == read(scratch)


def test_another_ledger_in_its_place_is_noticed(tmp_path: Path) -> None:
    kept = SqlHistories()
    for number, worker in enumerate((ALICE, BOB)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ScratchLedger.in_directory(folder) as scratch:
            Log(scratch).read(TRANSCODE, 0, transcoded(worker, 0))
            assert read(scratch, kept) == read(scratch)


def test_totals_that_are_not_sums_are_refused(tmp_path: Path) -> None:
    with ScratchLedger.in_directory(tmp_path) as scratch:
        Log(scratch).read(TRANSCODE, 0, transcoded(ALICE, 0))
        with scratch.engine.begin() as connection:
            drop_guards(connection)
            amount_wei = schema.posting.c.amount_wei
            connection.execute(schema.posting.update().values(amount_wei=amount_wei + amount_wei))
        with pytest.raises(PostingsDiffer, match="openpool verify"):
            read(scratch, SqlHistories())
