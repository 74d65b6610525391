"""What tracing reads of the SQL ledger: batches, posted lines, changed workers, held events."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import account_of
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.streams import stream_id
from openpool_management.domain.accounts import Account, AccountKind
from openpool_management.domain.audit import (
    AttributionRecord,
    BatchRecord,
    HeldRecord,
    PostedLine,
)
from openpool_management.domain.batch import AttributionCause, BatchKind, LakeFile
from openpool_management.domain.streams import Stream

_CHUNK = 500

_BATCH = (
    schema.batch.c.id,
    schema.batch.c.batch_id,
    schema.stream.c.node_type,
    schema.stream.c.region,
    schema.batch.c.kind,
    schema.batch.c.read_at,
    schema.batch.c.lake_file,
    schema.batch.c.lake_rows,
    schema.batch.c.dt_min,
    schema.batch.c.dt_max,
    schema.batch.c.reason,
)
_LINE = (
    schema.entry.c.id,
    schema.entry.c.posting_key,
    schema.entry.c.posted_at,
    schema.entry.c.batch_id,
    schema.account.c.kind,
    schema.account.c.stream,
    schema.account.c.worker,
    schema.account.c.pipeline,
    schema.account.c.model,
)


class SqlAudit:
    """Implements the trace service's AuditTrail; reads only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def batches(
        self, limit: int, *, before: int | None = None, stream: Stream | None = None
    ) -> list[BatchRecord]:
        """Batches with a lake file, newest first, from below a number or from the newest."""
        query = _batches().where(schema.batch.c.lake_file.is_not(None))
        if before is not None:
            query = query.where(schema.batch.c.id < before)
        with reading(self.engine) as connection:
            if stream is not None:
                query = query.where(schema.batch.c.stream_id == stream_id(connection, stream))
            rows = connection.execute(query.order_by(schema.batch.c.id.desc()).limit(limit))
            return [_batch(row) for row in rows]

    def numbered(self, numbers: Sequence[int]) -> dict[int, BatchRecord]:
        """Batches by their number."""
        found: dict[int, BatchRecord] = {}
        with reading(self.engine) as connection:
            for start in range(0, len(numbers), _CHUNK):
                some = schema.batch.c.id.in_(numbers[start : start + _CHUNK])
                rows = connection.execute(_batches().where(some))
                found |= {row[0]: _batch(row) for row in rows}
        return found

    def lines(self, batch_number: int) -> list[PostedLine]:
        """Everything a batch posted, entry by entry."""
        with reading(self.engine) as connection:
            money = connection.execute(_money().where(schema.entry.c.batch_id == batch_number))
            work = connection.execute(_work().where(schema.entry.c.batch_id == batch_number))
            lines = _merged(money.all(), work.all())
        return sorted(lines, key=lambda line: (line.entry_number, line.account))

    def statement(
        self,
        worker: str,
        limit: int,
        last_lines: Mapping[Account, tuple[int, int]] | None = None,
        before: int | None = None,
    ) -> list[PostedLine]:
        """The newest lines of what is payable to a worker, newest first; see AuditRecords."""
        account = schema.account.c
        own = select(schema.account).where(
            account.kind == AccountKind.PAYABLE.value, account.worker == worker
        )
        money: list[Row[Any]] = []
        work: list[Row[Any]] = []
        with reading(self.engine) as connection:
            for row in connection.execute(own).all():
                lasts: Sequence[int | None] = (None, None)
                if last_lines is not None:
                    lasts = last_lines.get(account_of(row), (0, 0))
                for query, table, rows, last in (
                    (_money(), schema.posting, money, lasts[0]),
                    (_work(), schema.work_posting, work, lasts[1]),
                ):
                    newest = query.where(table.c.account_id == row.id)
                    if last is not None:
                        newest = newest.where(table.c.account_seq <= last)
                    if before is not None:
                        newest = newest.where(table.c.entry_id < before)
                    newest = newest.order_by(table.c.account_seq.desc()).limit(limit)
                    rows.extend(connection.execute(newest))
        lines = _merged(money, work)
        lines.sort(key=lambda line: line.account)
        return sorted(lines, key=lambda line: line.entry_number, reverse=True)[:limit]

    def entry_lines(self, worker: str, entry_number: int) -> list[PostedLine]:
        """What an entry did to what is payable to a worker."""
        own = (
            schema.entry.c.id == entry_number,
            schema.account.c.kind == AccountKind.PAYABLE.value,
            schema.account.c.worker == worker,
        )
        with reading(self.engine) as connection:
            money = connection.execute(_money().where(*own))
            work = connection.execute(_work().where(*own))
            lines = _merged(money.all(), work.all())
        return sorted(lines, key=lambda line: line.account)

    def attributions(self, stream: Stream, event_ids: Sequence[bytes]) -> list[AttributionRecord]:
        """Every change of those jobs' workers, oldest first."""
        table = schema.attribution
        found: list[AttributionRecord] = []
        with reading(self.engine) as connection:
            number = stream_id(connection, stream)
            for start in range(0, len(event_ids), _CHUNK):
                some = event_ids[start : start + _CHUNK]
                query = _attributions().where(
                    table.c.stream_id == number, table.c.event_id.in_(some)
                )
                found.extend(_attribution_records(connection, query.order_by(table.c.id)))
        return found

    def attributed_jobs(self, batch_numbers: Sequence[int]) -> list[bytes]:
        """Event IDs of the jobs whose worker some batches changed, in the order of the changes."""
        table = schema.attribution
        found: list[bytes] = []
        with reading(self.engine) as connection:
            for start in range(0, len(batch_numbers), _CHUNK):
                some = table.c.batch_id.in_(batch_numbers[start : start + _CHUNK])
                query = select(table.c.event_id).where(some).order_by(table.c.id)
                found.extend(connection.scalars(query))
        return found

    def held_events(self, event_id: str) -> list[HeldRecord]:
        """The held items with an event ID."""
        held, decision = schema.held, schema.held_decision
        objects, batch, stream = schema.object_version, schema.batch, schema.stream
        query = (
            select(
                held.c.id,
                stream.c.node_type,
                stream.c.region,
                held.c.reason,
                held.c.detail,
                held.c.event_id,
                held.c.event_type,
                objects.c.key,
                objects.c.version_id,
                held.c.event_index,
                batch.c.read_at,
                func.coalesce(decision.c.decision, ""),
                func.coalesce(decision.c.reason, ""),
            )
            .join(objects, objects.c.id == held.c.object_id)
            .join(batch, batch.c.id == held.c.batch_id)
            .join(stream, stream.c.id == objects.c.stream_id)
            .outerjoin(decision, decision.c.held_id == held.c.id)
            .where(held.c.event_id == event_id)
            .order_by(batch.c.id)
        )
        with reading(self.engine) as connection:
            return [
                HeldRecord(row[0], Stream(row[1], row[2]), *tuple(row)[3:])
                for row in connection.execute(query)
            ]


def _batches() -> Select[Any]:
    return select(*_BATCH).join(schema.stream, schema.stream.c.id == schema.batch.c.stream_id)


def _batch(row: Sequence[Any]) -> BatchRecord:
    number, name, node_type, region, kind, read_at, file, file_rows, lo, hi, reason = row
    return BatchRecord(
        number,
        name,
        Stream(node_type, region),
        BatchKind(kind),
        read_at,
        None if file is None else LakeFile(file, file_rows, lo, hi),
        reason,
    )


def _attributions() -> Select[Any]:
    table = schema.attribution
    return (
        select(table.c.event_id, table.c.worker, table.c.received_id, table.c.cause, *_BATCH)
        .join(schema.batch, schema.batch.c.id == table.c.batch_id)
        .join(schema.stream, schema.stream.c.id == schema.batch.c.stream_id)
    )


def _attribution_records(connection: Connection, query: Select[Any]) -> list[AttributionRecord]:
    return [
        AttributionRecord(row[0], row[1], row[2], AttributionCause(row[3]), _batch(row[4:]))
        for row in connection.execute(query)
    ]


def _money() -> Select[Any]:
    posting = schema.posting
    return (
        select(*_LINE, posting.c.amount_wei, posting.c.balance_wei)
        .join(posting, posting.c.entry_id == schema.entry.c.id)
        .join(schema.account, schema.account.c.id == posting.c.account_id)
    )


def _work() -> Select[Any]:
    work = schema.work_posting
    return (
        select(*_LINE, work.c.jobs, work.c.compute_units)
        .join(work, work.c.entry_id == schema.entry.c.id)
        .join(schema.account, schema.account.c.id == work.c.account_id)
    )


def _merged(money: Sequence[Any], work: Sequence[Any]) -> list[PostedLine]:
    amounts = {tuple(line): (amount, balance) for *line, amount, balance in money}
    works = {tuple(line): (jobs, units) for *line, jobs, units in work}
    lines = []
    for line in {**amounts, **works}:
        entry, key, posted_at, batch, kind, *account = line
        amount_wei, balance_wei = amounts.get(line, (0, None))
        jobs, units = works.get(line, (0, 0))
        lines.append(
            PostedLine(
                entry,
                key,
                posted_at,
                batch,
                Account(AccountKind(kind), *account),
                amount_wei,
                balance_wei,
                jobs,
                units,
            )
        )
    return lines
