"""A batch that takes a fee from a worker in the moment in which it is set aside for them."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.payouts.book import SqlPayoutBook
from openpool_management.domain.payouts.payout import Intent
from openpool_management.services.ports.payouts import PayoutConflict
from openpool_management_tests.ledgers import Log
from openpool_management_tests.log_objects import AI, processed, received
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address

ALICE, BOB = worker_address(1), worker_address(2)
PATIENCE_SECONDS = 30
WAITING = text(
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()"
)


@contextmanager
def before_the_next_commit(engine: Engine, happens: Any) -> Iterator[None]:
    """Call something once, when a transaction of an engine is about to be committed."""
    left = [happens]

    def commit(connection: Any) -> None:
        if left:
            left.pop()()

    event.listen(engine, "commit", commit)
    yield
    event.remove(engine, "commit", commit)


def waits_or_ends(engine: Engine, work: Future[None]) -> None:
    """Return when some connection waits for an advisory lock, or the work is over."""
    deadline = monotonic() + PATIENCE_SECONDS
    with engine.connect() as connection:
        while not work.done() and not connection.scalar(WAITING):
            assert monotonic() < deadline, "it neither waits for the batch nor ends"
            sleep(0.01)


@pytest.mark.parametrize("ledger_url", ["postgres"], indirect=True)
def test_what_a_batch_takes_away_is_not_set_aside(each_pool: PayoutRig) -> None:
    """The batch has looked and written, and is not committed, when the payout looks."""
    pool, book = each_pool, each_pool.book
    log = Log(pool.scratch)
    log.read(AI, 0, received(ALICE, 0))
    log.read(AI, 120, processed(120, units=1, price=ETH_WEI))
    funds = pool.planner.funds("2026-12-01", CHAIN_ID, pool.sender, pool.paymaster(), pool.now)
    plan = pool.planner.plan("2026-12-01", funds, pool.now)
    pool.planner.save(plan, pool.now)
    intent = Intent("x", "2026-12-01", ALICE, ALICE, 75 * 10**16, CHAIN_ID, pool.sender, pool.now)
    lease = book.acquire(pool.sender, "me", pool.now, 60)
    elsewhere = ledger_engine(pool.scratch.engine.url.render_as_string(hide_password=False))
    reserving: list[Future[None]] = []

    with ThreadPoolExecutor(1) as threads:

        def set_aside_meanwhile() -> None:
            work = threads.submit(SqlPayoutBook(elsewhere).reserve, [intent], plan.hash, lease)
            reserving.append(work)
            waits_or_ends(elsewhere, work)

        with before_the_next_commit(pool.scratch.engine, set_aside_meanwhile):
            log.read(AI, 60, received(BOB, 60))
        [work] = reserving
        with pytest.raises(PayoutConflict, match=f"Worker {ALICE} is owed 0 wei"):
            work.result(PATIENCE_SECONDS)
    assert pool.payouts() == []
    assert (pool.payable_wei(ALICE), pool.payable_wei(BOB)) == (0, 75 * 10**16)
    elsewhere.dispose()
