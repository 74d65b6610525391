"""The contract of the redeemed-revenue ledger in SQL: exact, once, and never changed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, Executable, delete, func, select, text, update
from sqlalchemy.exc import DatabaseError

from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.adapters.sql.schema import metadata
from openpool_management.adapters.sql.ticket_schema import TICKET_TABLES
from openpool_management.adapters.sql.tickets import LONGEST_STRETCH, SqlTickets
from openpool_management.domain.batch import Batch, BatchKind, LakeFile
from openpool_management.domain.streams import Stream
from openpool_management.domain.tickets import (
    MAX_FACE_VALUE_WEI,
    TicketCheck,
    TicketOutcome,
    ToldTicket,
)
from openpool_management.services.ports import LedgerConflict
from openpool_management.services.ports.tickets import CollectedTicket, Stretch, TicketBatch

AI = Stream("ai", "us-central")
OTHER = Stream("transcode", "oceania")
T = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
HASH = "0x" + "ab" * 32
ODD_ID = "no uuid \x00 \U0001f600"


def commit(engine: Engine, seq: int, stream: Stream = AI, **more: Any) -> None:
    """A batch, with a ticket if nothing else is said."""
    fields: dict[str, Any] = {
        "id": f"{stream}{seq}",
        "stream": stream,
        "seq": seq,
        "kind": BatchKind.OBJECTS,
        "read_at": T,
        "rates_seen": 1,
        "counts": {"ticket-redeemed": 1},
        "lake_file": LakeFile(f"f{seq}", 3, T, T),
    }
    SqlLedger(engine).commit(Batch(**(fields | more)))


def ticket(wei: int | None = 5, event_id: str = ODD_ID) -> ToldTicket:
    return ToldTicket(str(AI), event_id, T, HASH, wei, "s", "r")


def test_batches_with_tickets_are_found_stream_by_stream(engine: Engine) -> None:
    tickets = SqlTickets(engine)
    assert tickets.uncollected() == []
    commit(engine, 1, counts={"job-processed": 1})
    assert tickets.uncollected() == []
    commit(engine, 2)
    commit(engine, 3, lake_file=None, counts={})
    commit(engine, 4, kind=BatchKind.RELEASE)
    commit(engine, 1, OTHER)
    found = {stretch.stream: stretch for stretch in tickets.uncollected()}
    assert [one.file for one in found[AI].batches] == [
        LakeFile("f2", 3, T, T),
        LakeFile("f4", 3, T, T),
    ]
    assert (found[AI].after_seq, found[AI].up_to_seq) == (0, 4)
    assert (found[OTHER].after_seq, found[OTHER].up_to_seq) == (0, 1)
    tickets.collect(found[AI], [])
    assert [stretch.stream for stretch in tickets.uncollected()] == [OTHER]
    commit(engine, 5)
    (again,) = (stretch for stretch in tickets.uncollected() if stretch.stream == AI)
    assert (again.after_seq, again.up_to_seq, len(again.batches)) == (4, 5, 1)


def test_a_long_stretch_without_tickets_is_noted_too(engine: Engine) -> None:
    tickets = SqlTickets(engine)
    for seq in range(1, LONGEST_STRETCH):
        commit(engine, seq, counts={"job-processed": 1})
    assert tickets.uncollected() == []
    commit(engine, LONGEST_STRETCH, counts={"job-processed": 1})
    assert tickets.uncollected() == [Stretch(AI, 0, LONGEST_STRETCH, ())]
    assert tickets.uncollected({AI: LONGEST_STRETCH}) == []
    tickets.collect(tickets.uncollected()[0], [])
    assert tickets.uncollected() == []
    commit(engine, LONGEST_STRETCH + 1)
    (stretch,) = tickets.uncollected()
    assert (stretch.after_seq, len(stretch.batches)) == (LONGEST_STRETCH, 1)


def test_a_stretch_is_collected_once(engine: Engine) -> None:
    tickets = SqlTickets(engine)
    commit(engine, 1)
    (stretch,) = tickets.uncollected()
    number = stretch.batches[0].number
    tickets.collect(stretch, [CollectedTicket(number, 0, ticket())])
    with pytest.raises(LedgerConflict, match=r"ai\|us-central were collected by another process"):
        tickets.collect(stretch, [CollectedTicket(number, 1, ticket())])
    assert tickets.told() == [ticket()]


def test_a_stretch_is_collected_whole_or_not_at_all(engine: Engine) -> None:
    tickets = SqlTickets(engine)
    commit(engine, 1)
    (stretch,) = tickets.uncollected()
    twice = [CollectedTicket(stretch.batches[0].number, 0, ticket())] * 2
    with pytest.raises(DatabaseError):
        tickets.collect(stretch, twice)
    assert tickets.told() == []
    assert tickets.uncollected() == [stretch]


def test_what_is_told_comes_back_exactly(engine: Engine) -> None:
    tickets = SqlTickets(engine)
    commit(engine, 1)
    (stretch,) = tickets.uncollected()
    values = [0, 5, 2**63 - 1, 2**63 + 1, 2**64, 2**128 + 1, MAX_FACE_VALUE_WEI, None]
    told = [ticket(wei) for wei in values]
    number = stretch.batches[0].number
    tickets.collect(stretch, [CollectedTicket(number, row, one) for row, one in enumerate(told)])
    assert tickets.told() == told


def test_answers_of_the_chain_are_kept_in_order(engine: Engine) -> None:
    tickets = SqlTickets(engine)
    tickets.record([])
    answers = [
        TicketCheck(HASH, outcome, 2**40 + number, T)
        for number, outcome in enumerate(TicketOutcome)
    ]
    for one in answers:
        tickets.record([one])
    tickets.record(answers)
    assert tickets.checks() == answers * 2


def test_rows_are_never_changed_or_deleted(engine: Engine) -> None:
    tickets = SqlTickets(engine)
    commit(engine, 1)
    (stretch,) = tickets.uncollected()
    batch: TicketBatch = stretch.batches[0]
    tickets.collect(stretch, [CollectedTicket(batch.number, 0, ticket())])
    tickets.record([TicketCheck(HASH, TicketOutcome.MISSING, 7, T)])
    for table in TICKET_TABLES:
        column = next(iter(table.columns))
        statements: list[Executable] = [update(table).values({column: column}), delete(table)]
        if engine.dialect.name == "postgresql":
            statements.append(text(f"TRUNCATE {table.name} CASCADE"))
        for statement in statements:
            with (
                pytest.raises(DatabaseError, match="never changed or deleted"),
                engine.begin() as connection,
            ):
                connection.execute(statement)
        with reading(engine) as connection:
            assert connection.scalar(select(func.count()).select_from(table)) == 1


def test_the_migration_makes_the_tables(engine: Engine) -> None:
    ours = {table.name for table in TICKET_TABLES}

    def included(one: Any, name: str | None, kind: str, *_: object) -> bool:
        return (name if kind == "table" else one.table.name) in ours

    with reading(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": included}
        )
        assert compare_metadata(context, metadata) == []
