"""The book of payouts: what it refuses, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.payouts import tables
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.payout import Event, Mark, PayoutState, Purpose
from openpool_management.domain.payouts.transactions import Transfer, read_signed
from openpool_management.services.payouts.plans import intents_of, set_aside
from openpool_management.services.ports.payouts import (
    Conclusion,
    Lease,
    LeaseHeld,
    PayoutConflict,
)
from openpool_management_tests.payout_rig import CHAIN_ID, DAY, PayoutRig, worker_address

WORKER, OTHER = worker_address(1), worker_address(2)


@pytest.fixture
def rig(tmp_path: Path, ledger_url: str) -> Iterator[PayoutRig]:
    """Two workers with 0.3 ETH each; the node is never asked."""
    key = Account.from_key(b"\x07" * 32)
    made = PayoutRig.at(tmp_path, key, RpcChain("http://127.0.0.1:9"), url=ledger_url)
    made.earn((WORKER, 4 * 10**17), (OTHER, 4 * 10**17))
    yield made
    made.scratch.close()


def lease_of(rig: PayoutRig) -> Lease:
    """The wallet's lease."""
    return rig.book.acquire(rig.sender, "me", DAY, 60)


def reserved(rig: PayoutRig) -> Lease:
    """Both workers' payouts are set aside."""
    lease = lease_of(rig)
    funds = rig.planner.funds("2026-12-01", CHAIN_ID, rig.sender, None, DAY)
    plan = rig.planner.plan("2026-12-01", funds, DAY)
    set_aside(rig.planner, rig.paymaster(), plan, lease, approved=False)
    return lease


def transfer(rig: PayoutRig, **changes: Any) -> Transfer:
    """The transfer of the first payout."""
    intent = rig.payouts()[0].intent
    plain = Transfer(CHAIN_ID, 0, intent.to_address, intent.amount_wei, 30_000, 10**9, 0)
    return replace(plain, **changes)


def test_setting_aside_takes_from_payable(rig: PayoutRig) -> None:
    reserved(rig)
    assert rig.states() == [PayoutState.RESERVED] * 2
    assert rig.payable_wei(WORKER) == 0
    assert rig.balance_wei(AccountKind.IN_PAYOUT, WORKER) == 3 * 10**17
    assert rig.scratch.broken() == []


def test_nothing_is_set_aside_twice_or_beyond_what_is_owed(rig: PayoutRig) -> None:
    lease = reserved(rig)
    first = rig.payouts()[0].intent
    rig.earn((first.worker, 4 * 10**17))
    with pytest.raises(PayoutConflict, match="already"):
        rig.book.reserve([first], rig_plan(rig), lease)
    more = replace(first, id="x", run_key="later", amount_wei=3 * 10**17 + 1)
    with pytest.raises(PayoutConflict, match="owed 300000000000000000 wei"):
        rig.book.reserve([more], rig_plan(rig), lease)
    assert len(rig.payouts()) == 2


def rig_plan(rig: PayoutRig) -> str:
    """The hash of the plan that was saved."""
    return rig.planner.planning.saved_plans()[0].hash


def test_one_nonce_after_the_other(rig: PayoutRig) -> None:
    lease = reserved(rig)
    first, second = rig.payouts()
    with pytest.raises(PayoutConflict, match="the next one is 0"):
        rig.book.open_slot(first, 1, lease, DAY)
    first = rig.book.open_slot(first, 0, lease, DAY)
    assert rig.book.payout(first.id) == first
    with pytest.raises(PayoutConflict, match="is under way"):
        rig.book.open_slot(second, 1, lease, DAY)
    assert first.slot
    seen = Event(Mark.SEEN, DAY, first.slot.id, "0xab", 7, "0xcd")
    first = rig.book.conclude(first, Conclusion((seen,)), lease)
    second = rig.book.open_slot(second, 1, lease, DAY)
    assert [one.nonce for one in second.slots] == [1]
    assert rig.book.payout(first.id) == first


def test_bytes_that_pay_somebody_or_something_else_are_refused(rig: PayoutRig) -> None:
    lease = reserved(rig)
    payout = rig.book.open_slot(rig.payouts()[0], 0, lease, DAY)
    wrongs: list[tuple[dict[str, Any], Purpose]] = [
        ({"to": rig.sender}, Purpose.PAYOUT),
        ({"value_wei": payout.intent.amount_wei + 1}, Purpose.PAYOUT),
        ({}, Purpose.CANCEL),
        ({"to": rig.sender, "value_wei": 1}, Purpose.CANCEL),
    ]
    for changes, purpose in wrongs:
        wrong = transfer(rig, **changes)
        signed = read_signed(LocalSigner(lambda: rig.key).sign(wrong))
        with pytest.raises(DBAPIError, match="pays exactly what its payout says"):
            rig.book.add_attempt(payout, signed, purpose, lease, DAY)
    right = transfer(rig)
    signed = read_signed(LocalSigner(lambda: rig.key).sign(right))
    payout = rig.book.add_attempt(payout, signed, Purpose.PAYOUT, lease, DAY)
    assert rig.book.payout(payout.id) == payout
    assert payout.state is PayoutState.SIGNED
    assert signed.raw.hex() not in repr(payout)


def test_the_fence_stops_who_lost_the_lease(rig: PayoutRig) -> None:
    lease = reserved(rig)
    with pytest.raises(LeaseHeld, match="Another process pays"):
        rig.book.acquire(rig.sender, "other", DAY, 60)
    rig.book.acquire(rig.sender, "other", DAY + timedelta(seconds=61), 60)
    first = rig.payouts()[0]
    with pytest.raises(PayoutConflict, match="took over"):
        rig.book.open_slot(first, 0, lease, DAY)
    with pytest.raises(PayoutConflict, match="took over"):
        rig.book.check_lease(lease)
    assert rig.payouts()[0].slots == ()


def test_who_lost_the_lease_in_between_is_stopped_too(rig: PayoutRig) -> None:
    """Its knowledge is from before the other's work, though the wallet is its own again."""
    before = reserved(rig)
    renewed = rig.book.acquire(rig.sender, "me", DAY + timedelta(seconds=30), 60)
    rig.book.check_lease(before)
    other = rig.book.acquire(rig.sender, "other", DAY + timedelta(seconds=91), 60)
    rig.book.release(other, DAY + timedelta(seconds=92))
    after = rig.book.acquire(rig.sender, "me", DAY + timedelta(seconds=93), 60)
    rig.book.check_lease(after)
    for stale in (before, renewed):
        with pytest.raises(PayoutConflict, match="took over"):
            rig.book.open_slot(rig.payouts()[0], 0, stale, DAY)
    assert rig.payouts()[0].slots == ()


@pytest.mark.parametrize("ahead", [timedelta(seconds=61), timedelta(days=365)])
def test_a_lease_by_a_clock_that_is_ahead_holds_nobody_up(rig: PayoutRig, ahead: timedelta) -> None:
    fast = rig.book.acquire(rig.sender, "fast", DAY + ahead, 60)
    lease = reserved(rig)
    with pytest.raises(PayoutConflict, match="took over"):
        rig.book.check_lease(fast)
    rig.book.open_slot(rig.payouts()[0], 0, lease, DAY)


def test_a_lease_holds_until_it_ends_by_clocks_that_differ_a_little(rig: PayoutRig) -> None:
    rig.book.acquire(rig.sender, "first", DAY, 60)
    for seconds in (-60, 0, 59):
        with pytest.raises(LeaseHeld, match="until 2026-12-01 12:01:00 UTC at most"):
            rig.book.acquire(rig.sender, "second", DAY + timedelta(seconds=seconds), 60)
    rig.book.acquire(rig.sender, "second", DAY + timedelta(seconds=60), 60)


def test_the_newest_block_of_a_wallet_is_that_of_its_own_top_ups_and_outflows(
    rig: PayoutRig,
) -> None:
    lease, other = lease_of(rig), worker_address(9)
    assert rig.book.last_block(rig.sender) == 0
    for entry, newest in (
        (entries.funding(rig.sender, 7, 50), 7),
        (entries.outflow(rig.sender, 12, 1), 12),
        (entries.funding(rig.sender, 100, 2), 100),
        (entries.outflow(rig.sender, 99, 1), 100),
        (entries.foreign(rig.sender, "0x" + "f" * 64, 5, 1), 100),
        (entries.funding(other, 200, 3), 100),
        (entries.outflow(other, 201, 1), 100),
    ):
        rig.book.post(entry, lease, DAY)
        assert rig.book.last_block(rig.sender) == newest


def test_what_moved_on_is_not_written_over(rig: PayoutRig) -> None:
    lease = reserved(rig)
    stale = rig.payouts()[0]
    rig.book.open_slot(stale, 0, lease, DAY)
    with pytest.raises(PayoutConflict, match="has moved on"):
        rig.book.conclude(stale, Conclusion((Event(Mark.VOIDED, DAY),)), lease)


def test_a_payout_ends_once(rig: PayoutRig) -> None:
    lease = reserved(rig)
    payout = rig.payouts()[0]
    rig.book.conclude(payout, Conclusion((Event(Mark.VOIDED, DAY),)), lease)
    again = {"intent_id": payout.id, "seq": 2, "mark": "settled", "tx_hash": "", "at": DAY}
    with pytest.raises(DBAPIError), rig.scratch.engine.begin() as connection:
        connection.execute(insert(tables.payout_event).values(**again, block_hash="", detail=""))


@pytest.mark.parametrize("changes", [{"turn": 7}, {"nonce": 7}])
def test_a_nonce_and_a_turn_are_given_once(rig: PayoutRig, changes: dict[str, int]) -> None:
    """The database itself refuses, whatever the code in front of it does."""
    lease = reserved(rig)
    first, second = rig.payouts()
    rig.book.open_slot(first, 0, lease, DAY)
    row = {"chain_id": CHAIN_ID, "sender": rig.sender, "nonce": 0, "turn": 1, "opened_at": DAY}
    of = first.id if "nonce" in changes else second.id
    with pytest.raises(IntegrityError), rig.scratch.engine.begin() as connection:
        connection.execute(insert(tables.tx_slot).values(row | changes | {"intent_id": of}))


@pytest.mark.parametrize("name", ["payout_intent", "tx_slot", "sender_lease", "payout_plan"])
def test_rows_are_never_changed_or_deleted(rig: PayoutRig, name: str) -> None:
    lease = reserved(rig)
    rig.book.open_slot(rig.payouts()[0], 0, lease, DAY)
    table = schema.metadata.tables[name]
    column = next(iter(table.columns))
    for statement in (delete(table), update(table).values({column: column})):
        with (
            pytest.raises(DBAPIError, match="never changed or deleted"),
            rig.scratch.engine.begin() as connection,
        ):
            connection.execute(statement)


def test_every_table_of_payouts_has_that_guard(rig: PayoutRig) -> None:
    catalogue = {
        "sqlite": "SELECT tbl_name FROM sqlite_master WHERE name LIKE '%_refuses_delete'",
        "postgresql": "SELECT relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE tgname LIKE '%_is_append_only'",
    }
    with rig.scratch.engine.connect() as connection:
        guarded = set(connection.scalars(text(catalogue[connection.dialect.name])))
    assert {table.name for table in tables.PAYOUT_TABLES} <= guarded


def test_a_period_pays_a_worker_again_only_after_a_void(rig: PayoutRig) -> None:
    lease = reserved(rig)
    first = rig.payouts()[0]
    funds = rig.planner.funds("2026-12-01", CHAIN_ID, rig.sender, None, DAY)
    plan = rig.planner.plan("2026-12-01", funds, DAY)
    assert plan.payments == ()
    rig.book.conclude(
        first,
        Conclusion((Event(Mark.VOIDED, DAY),), (entries.voided(first.intent),)),
        lease,
    )
    again = rig.planner.plan("2026-12-01", funds, DAY)
    assert [one.worker for one in again.payments] == [first.intent.worker]
    [intent] = intents_of(again, DAY)
    assert intent.id != first.id
