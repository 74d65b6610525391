"""A ledger that is out of balance pays nobody."""

from sqlalchemy import insert, select

from openpool_management.adapters.sql import schema
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts import orders
from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address

ALICE, BOB = worker_address(1), worker_address(2)
PART_WEI = 75 * 10**16


def put_out_of_balance(pool: PayoutRig, worker: str, amount_wei: int) -> None:
    """Add to what a worker is owed, and take it from nowhere."""
    account, posting = schema.account.c, schema.posting.c
    with pool.scratch.engine.begin() as connection:
        number = connection.scalars(
            select(account.id).where(
                account.kind == AccountKind.PAYABLE.value, account.worker == worker
            )
        ).one()
        last = connection.execute(
            select(posting.account_seq, posting.balance_wei)
            .where(posting.account_id == number)
            .order_by(posting.account_seq.desc())
        ).first()
        assert last is not None
        entry_id = connection.scalars(
            insert(schema.entry)
            .returning(schema.entry.c.id)
            .values(posting_key=f"error:{amount_wei}", posted_at=pool.now)
        ).one()
        row = {
            "entry_id": entry_id,
            "account_id": number,
            "account_seq": last.account_seq + 1,
            "amount_wei": amount_wei,
            "balance_wei": last.balance_wei + amount_wei,
        }
        connection.execute(insert(schema.posting).values(row))


def test_nothing_is_set_aside_from_a_ledger_that_is_out_of_balance(
    pool: PayoutRig, chain: FakeChain
) -> None:
    """It is looked at before each plan, also when the one before was sound."""
    pool.earn((ALICE, ETH_WEI))
    pool.pay()
    assert pool.states() == [PayoutState.SEEN]
    pool.next_day()
    pool.earn((BOB, ETH_WEI))
    put_out_of_balance(pool, BOB, 1)
    chain.finalize()
    report = pool.pay()
    assert any("The ledger is not sound: " in one for one in report.problems)
    pause = pool.book.pause()
    assert pause and pause.paused and pause.asked_by == "program" and "1 wei" in pause.reason
    assert pool.states() == [PayoutState.SETTLED], "what was sent is followed all the same"
    assert len(chain.heard) == 1
    orders.resume(pool.book, "not looked at", pool.now)
    assert pool.pay().problems, "and it is paused again as long as that is so"
    assert pool.paymaster().paused() is not None and len(pool.payouts()) == 1


def test_a_ledger_that_is_sound_again_pays(pool: PayoutRig, chain: FakeChain) -> None:
    pool.earn((BOB, ETH_WEI))
    put_out_of_balance(pool, BOB, 1)
    pool.pay()
    assert pool.payouts() == []
    put_out_of_balance(pool, BOB, -1)
    orders.resume(pool.book, "the ledger was repaired", pool.now)
    assert pool.pay().problems == []
    assert chain.balance_wei(BOB) == PART_WEI
