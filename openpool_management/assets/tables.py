"""Tables on asset pages. Wei is decimal text in them: a browser would round it."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

TOP_ROWS = 50


def column_schema(columns: Mapping[str, tuple[str, str]]) -> dg.TableSchema:
    """A schema out of (type, description) by column name."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, kind, description=text) for name, (kind, text) in columns.items()
        ]
    )


def table(
    columns: Mapping[str, tuple[str, str]],
    rows: Sequence[Sequence[Any]],
    limit: int = TOP_ROWS,
) -> dg.TableMetadataValue:
    """The first rows, at most limit, each with one value a column."""
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows[:limit]]
    return dg.MetadataValue.table(records, schema=column_schema(columns))


def counts_table(counts: Mapping[str, int], name: str) -> dg.TableMetadataValue:
    """Two columns: name, and how many."""
    columns = {name: ("string", ""), "count": ("int", "")}
    return table(columns, sorted(counts.items()))
