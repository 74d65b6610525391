"""The journal as Parquet: a row a posting, wei as whole decimals of 38 digits."""

from collections.abc import Sequence
from decimal import Decimal
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from openpool_management.domain.journal import (
    COLUMNS,
    Cells,
    JournalEntry,
    JournalSize,
    NotExact,
)
from openpool_management.services.ports.journal import JournalSnapshot

MAX_DIGITS = 38
"""Digits of a decimal of 128 bits. Many readers make floats of wider ones."""

_ROWS_PER_GROUP = 50_000
_TYPES = {
    "entry": pa.int64(),
    "posted_at": pa.timestamp("us", tz="UTC"),
    "account_seq": pa.int64(),
    "amount_wei": pa.decimal128(MAX_DIGITS, 0),
    "balance_wei": pa.decimal128(MAX_DIGITS, 0),
}
_SCHEMA = pa.schema(
    [pa.field(name, _TYPES.get(name, pa.string()), nullable=False) for name in COLUMNS]
)


def write_parquet(snapshot: JournalSnapshot, output: BinaryIO) -> JournalSize:
    """Write every posting. Raises NotExact for an amount or a balance of more than 38 digits."""
    entries = postings = 0
    waiting: list[Cells] = []
    with pq.ParquetWriter(output, _SCHEMA, compression="zstd") as writer:
        for entry in snapshot.entries():
            _check(entry)
            entries += 1
            postings += len(entry.postings)
            waiting.extend(entry.rows())
            if len(waiting) >= _ROWS_PER_GROUP:
                writer.write_table(_table(waiting))
                waiting.clear()
        if waiting:
            writer.write_table(_table(waiting))
    return JournalSize(entries, postings)


def _check(entry: JournalEntry) -> None:
    for one in entry.postings:
        widest = max(abs(one.amount_wei), abs(one.balance_wei))
        if widest >= 10**MAX_DIGITS:
            raise NotExact(
                f"Entry {entry.number} has {widest} wei on account {one.account.name}, and a "
                f"decimal in Parquet has {MAX_DIGITS} digits: export csv instead."
            )


def _table(rows: Sequence[Cells]) -> pa.Table:
    columns = []
    for field, values in zip(_SCHEMA, zip(*rows, strict=True), strict=True):
        if pa.types.is_decimal(field.type):
            columns.append(pa.array([Decimal(value) for value in values], field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=_SCHEMA)
