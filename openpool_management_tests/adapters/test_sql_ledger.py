"""The contract of the SQL ledger: all or nothing, in order, exact, and never changed afterwards."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, Executable, delete, func, insert, select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import SqlBooks, reading
from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.adapters.sql.prepare import prepare_ledger
from openpool_management.domain.accounts import (
    Account,
    AccountKind,
    Entry,
    Posting,
    Standing,
    WorkPosting,
)
from openpool_management.domain.batch import (
    Attribution,
    AttributionCause,
    Batch,
    BatchKind,
    LakeFile,
    PresenceFact,
    PresenceKind,
    ReadObject,
    UnattributedJob,
    held_id,
)
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.holds import HeldItem, HoldReason
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import LedgerConflict

AI = Stream("ai", "us-central")
OTHER = Stream("transcode", "us-central")
T = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
NEVER = "rows of the ledger are never changed or deleted"
WORKER = "0x52908400098527886E0F7030069857D2E4169EE7"
REVENUE = Account(AccountKind.REVENUE, str(AI))
PAYABLE = Account(AccountKind.PAYABLE, str(AI), WORKER, "upscale", "m1")
COMMISSION = Account(AccountKind.COMMISSION, str(AI), WORKER, "upscale", "m1")


@pytest.fixture
def ledger(engine: Engine) -> SqlLedger:
    """That ledger, to be written."""
    return SqlLedger(engine)


def entry(key: str, fee_wei: int, units: int = 5, jobs: int = 1) -> Entry:
    return Entry(
        key,
        (
            Posting(REVENUE, -fee_wei),
            Posting(PAYABLE, fee_wei - fee_wei // 4),
            Posting(COMMISSION, fee_wei // 4),
        ),
        (WorkPosting(PAYABLE, jobs, units),),
    )


def one_object(name: str = "o1", etag: str = "e1", start: datetime | None = T) -> ReadObject:
    return ReadObject(name, "v1", etag, 450, T, start, start, T, 3)


def batch(seq: int = 1, **more: Any) -> Batch:
    fields: dict[str, Any] = {
        "id": f"b{seq}",
        "stream": AI,
        "seq": seq,
        "kind": BatchKind.OBJECTS,
        "read_at": T,
        "rates_seen": 1,
        "objects": (one_object(f"o{seq}"),),
        "counts": {"job-processed": 1},
        "entries": (entry(f"b{seq}:earned", 35),),
    }
    return Batch(**(fields | more))


def full_batch() -> Batch:
    """A batch that writes to every table a batch of objects can write to."""
    return batch(
        held=(HeldItem(0, 2, HoldReason.FEE_MISMATCH, "d", "id", "job-processed", "{}"),),
        unattributed=(UnattributedJob(b"j", T, "r", "p", "m", 5, 35, False, "o1", "v1", 1),),
        attributions=(Attribution(b"k", None, None, AttributionCause.PAIR_ARRIVED, "p", "m"),),
        presence=(
            PresenceFact(0, 0, T, PresenceKind.CONNECTED, WORKER, "c"),
            PresenceFact(0, 1, T, PresenceKind.ALIVE, WORKER, ""),
        ),
        lake_file=LakeFile("f", 3, T, T),
    )


def sizes(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in ((one, schema.metadata.tables[one]) for one in schema.LEDGER_TABLES)
        }


def refusal(engine: Engine, *statements: Executable) -> str:
    """What the database says to a transaction that it must not take."""
    connection = engine.connect()
    try:
        with connection.begin():
            for statement in statements:
                connection.execute(statement)
    except DatabaseError as error:
        return str(error.orig)
    finally:
        connection.close()
    raise AssertionError("The transaction was taken.")


def standings(engine: Engine) -> dict[Account, Standing]:
    return {one.account: one for one in SqlBooks(engine).standings()}


def test_commit_writes_all(engine: Engine, ledger: SqlLedger) -> None:
    assert ledger.head(AI).seq == 0
    assert ledger.head(AI).rates == (CommissionRate("", 2500, EPOCH),)
    ledger.commit(full_batch())
    assert ledger.head(AI).seq == 1
    assert ledger.head(OTHER).seq == 0
    assert ledger.read_objects(AI, None) == {("o1", "e1")}
    assert ledger.read_objects(OTHER, None) == set()
    assert ledger.newest_start(AI, T) == T
    assert ledger.newest_start(AI, EPOCH) is None
    assert ledger.lake_files(AI, T, T) == [LakeFile("f", 3, T, T)]
    assert ledger.lake_files(AI, EPOCH, EPOCH) == []
    assert ledger.attributions(AI, [b"j", b"k"]) == {b"k": (None, AttributionCause.PAIR_ARRIVED)}
    assert SqlBooks(engine).open_holds() == 1
    assert SqlBooks(engine).event_totals() == {AI: {"job-processed": 1}}
    assert standings(engine) == {
        REVENUE: Standing(REVENUE, -35),
        PAYABLE: Standing(PAYABLE, 27, 1, 5),
        COMMISSION: Standing(COMMISSION, 8),
    }
    written = sizes(engine)
    assert [name for name, rows in written.items() if not rows] == ["held_decision"]


def test_commit_writes_nothing_when_its_last_row_fails(engine: Engine, ledger: SqlLedger) -> None:
    before = sizes(engine)
    whole = full_batch()
    with pytest.raises(IntegrityError):
        ledger.commit(replace(whole, presence=whole.presence * 2))
    assert sizes(engine) == before
    assert ledger.head(AI).seq == 0
    ledger.commit(whole)


def test_a_read_sees_one_moment_of_the_ledger(engine: Engine, ledger: SqlLedger) -> None:
    ledger.commit(batch(1))
    count = select(func.count()).select_from(schema.entry)
    with reading(engine) as connection:
        before = connection.scalar(count)
        ledger.commit(batch(2, entries=(entry("x", 8, 2),), counts={}))
        assert connection.scalar(count) == before
    with reading(engine) as connection:
        assert connection.scalar(count) != before


def test_a_read_leaves_the_session_as_it_was(postgres_ledger_url: str) -> None:
    """A pooler gives sessions to others."""
    engine = ledger_engine(postgres_ledger_url)
    for name in ("isolation", "read_only"):
        with engine.begin() as writer:
            before = writer.scalar(text(f"SHOW transaction_{name}"))
        with reading(engine) as connection:
            assert connection.scalar(text(f"SHOW transaction_{name}")) != before
            assert connection.scalar(text(f"SHOW default_transaction_{name}")) == before
        with engine.begin() as writer:
            assert writer.scalar(text(f"SHOW transaction_{name}")) == before
    engine.dispose()


def test_balances_and_totals_run_on(engine: Engine, ledger: SqlLedger) -> None:
    ledger.commit(batch(1))
    ledger.commit(batch(2, entries=(entry("x", 8, 2), entry("y", 4, 1)), counts={"a": 1}))
    ledger.commit(batch(3, entries=(entry("z", -8, -2, -1),), counts={}))
    assert standings(engine)[PAYABLE] == Standing(PAYABLE, 27 + 3, 2, 6)
    assert standings(engine)[REVENUE].balance_wei == -39
    assert SqlBooks(engine).event_totals() == {AI: {"a": 1, "job-processed": 1}}
    with reading(engine) as connection:
        rows = connection.execute(
            select(schema.posting.c.account_seq, schema.posting.c.balance_wei)
            .join(schema.account)
            .where(schema.account.c.kind == "payable")
            .order_by(schema.posting.c.account_seq)
        ).all()
    assert [tuple(row) for row in rows] == [(1, 27), (2, 33), (3, 36), (4, 30)]


def test_batch_on_other_grounds_conflicts(engine: Engine, ledger: SqlLedger) -> None:
    ledger.commit(batch(1))
    before = sizes(engine)
    for grounds, second in {
        "seq taken": batch(1, id="b9", objects=(one_object("o9"),), entries=()),
        "seq ahead": batch(3),
        "fewer rates": batch(2, rates_seen=0),
        "more rates": batch(2, rates_seen=2),
        "object read": batch(2, objects=(one_object("o9"), one_object("o1"))),
        "batch done": batch(2, id="b1"),
    }.items():
        with pytest.raises(LedgerConflict):
            ledger.commit(second)
        assert sizes(engine) == before, grounds


def test_overwritten_object_is_another_one(ledger: SqlLedger) -> None:
    ledger.commit(batch(1))
    ledger.commit(batch(2, objects=(one_object("o1", "e2"),)))
    assert ledger.read_objects(AI, T) == {("o1", "e1"), ("o1", "e2")}


def test_batch_out_of_balance_is_refused(engine: Engine, ledger: SqlLedger) -> None:
    before = sizes(engine)
    lopsided = Entry("e", (Posting(REVENUE, -2), Posting(PAYABLE, 1)))
    with pytest.raises(ValueError, match="Entry e is out of balance by -1 wei"):
        ledger.commit(batch(entries=(lopsided,)))
    assert sizes(engine) == before


def test_same_entry_is_posted_once(engine: Engine, ledger: SqlLedger) -> None:
    ledger.commit(batch(1, entries=(entry("k", 4),)))
    with pytest.raises(IntegrityError):
        ledger.commit(batch(2, entries=(entry("k", 4),)))
    assert standings(engine)[PAYABLE].balance_wei == 3


def test_amounts_are_exact(engine: Engine, ledger: SqlLedger) -> None:
    earned_wei = net_wei = cut_wei = 0
    fees_wei = [2**63 - 1, 1, 2**63, 2**64 + 3, 10**30 + 7, 10**60 + 3]
    for seq, fee_wei in enumerate(fees_wei, 1):
        ledger.commit(batch(seq, entries=(entry(f"k{seq}", fee_wei, fee_wei),)))
        earned_wei += fee_wei
        cut_wei += fee_wei // 4
        net_wei += fee_wei - fee_wei // 4
        assert standings(engine) == {
            REVENUE: Standing(REVENUE, -earned_wei),
            PAYABLE: Standing(PAYABLE, net_wei, seq, earned_wei),
            COMMISSION: Standing(COMMISSION, cut_wei),
        }


def test_release_refers_to_the_object_that_was_read(engine: Engine, ledger: SqlLedger) -> None:
    ledger.commit(full_batch())
    release = batch(
        2,
        kind=BatchKind.RELEASE,
        objects=(one_object(),),
        released=held_id("o1", "e1", 2),
        reason="why",
        presence=(PresenceFact(0, 2, T, PresenceKind.ALIVE, WORKER, ""),),
    )
    ledger.commit(release)
    assert SqlBooks(engine).open_holds() == 0
    assert sizes(engine)["object_version"] == 1
    with pytest.raises(LedgerConflict, match="was decided by another"):
        ledger.commit(replace(release, id="b3", seq=3, presence=(), entries=()))
    assert ledger.head(AI).seq == 2


def test_streams_move_apart(ledger: SqlLedger) -> None:
    ledger.commit(batch(1))
    ledger.commit(batch(1, stream=OTHER, id="b1-other", entries=()))
    assert (ledger.head(AI).seq, ledger.head(OTHER).seq) == (1, 1)


@pytest.fixture
def filled(engine: Engine, ledger: SqlLedger) -> Engine:
    """A ledger with a row in every table."""
    ledger.commit(full_batch())
    ledger.commit(
        batch(2, kind=BatchKind.RELEASE, objects=(), released=held_id("o1", "e1", 2), reason="w")
    )
    assert all(sizes(engine).values())
    return engine


def test_rows_are_never_changed_or_deleted(filled: Engine) -> None:
    before = sizes(filled)
    assert set(schema.LEDGER_TABLES) == set(before)
    for name in schema.LEDGER_TABLES:
        table = schema.metadata.tables[name]
        column = next(iter(table.columns))
        statements: list[Executable] = [update(table).values({column: column}), delete(table)]
        if filled.dialect.name == "postgresql":
            statements.append(text(f"TRUNCATE {name} CASCADE"))
        for statement in statements:
            assert NEVER in refusal(filled, statement), statement
    assert sizes(filled) == before


def test_posting_to_an_old_entry_is_refused(filled: Engine) -> None:
    place = {"entry_id": 1, "account_id": 1, "account_seq": 99}
    money = insert(schema.posting).values(**place, amount_wei=0, balance_wei=0)
    work = insert(schema.work_posting).values(
        **place, jobs=0, compute_units=0, jobs_total=0, compute_units_total=0
    )
    for statement in (money, work):
        assert "takes postings only in the transaction that made it" in refusal(filled, statement)


def test_postgres_refuses_an_unbalanced_entry_at_the_commit(postgres_ledger_url: str) -> None:
    engine = ledger_engine(postgres_ledger_url)
    prepare_ledger(engine, 2500)
    SqlLedger(engine).commit(batch(1))
    before = sizes(engine)
    lopsided = insert(schema.entry).values(id=99, posting_key="lopsided", posted_at=T)
    posting = insert(schema.posting).values(
        entry_id=99, account_id=1, account_seq=2, amount_wei=1, balance_wei=1
    )
    assert "entry lopsided is out of balance" in refusal(engine, lopsided, posting)
    assert sizes(engine) == before
    engine.dispose()


@pytest.mark.parametrize("fee_bps", [-1, 10_001])
def test_no_rate_beyond_the_whole(engine: Engine, fee_bps: int) -> None:
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(
            insert(schema.commission_rate).values(
                worker="", fee_bps=fee_bps, effective_from=T, set_at=T, reason=""
            )
        )
