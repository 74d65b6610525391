"""The journal as Parquet: DuckDB adds it up to the wei."""

import io
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from openpool_management.adapters.journal_parquet import write_parquet
from openpool_management.domain.accounts import Account, AccountKind
from openpool_management.domain.journal import COLUMNS, JournalSize, NotExact
from openpool_management.domain.payouts import entries
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.payout_rig import PayoutRig
from openpool_management_tests.services.journal.journals import post, standing_wei, written

WALLET = "0x000000000000000000000000000000000000bEEF"
MOST_WEI = 10**38 - 1
SUMS = """
    SELECT kind, stream, worker, pipeline, model, sum(amount_wei) AS wei, count(*) AS postings
    FROM read_parquet($file) GROUP BY ALL
"""


def assert_same(scratch: ScratchLedger, file: Path) -> None:
    """Let DuckDB's sums be the ledger's balances."""
    content, size = written(scratch, write_parquet)
    file.write_bytes(content)
    rows = duckdb.execute(SUMS, {"file": str(file)}).fetchall()
    sums = {Account(AccountKind(kind), *names): int(wei) for kind, *names, wei, _ in rows}
    assert {account: wei for account, wei in sums.items() if wei} == standing_wei(scratch)
    assert sum(row[-1] for row in rows) == size.postings


def test_the_real_journal_after_payouts(paid: PayoutRig, tmp_path: Path) -> None:
    assert_same(paid.scratch, tmp_path / "journal.parquet")


def test_odd_names_and_fees_beyond_64_bits(hostile: ScratchLedger, tmp_path: Path) -> None:
    assert_same(hostile, tmp_path / "journal.parquet")


def test_an_empty_ledger(scratch: ScratchLedger) -> None:
    content, size = written(scratch, write_parquet)
    table = pq.read_table(io.BytesIO(content))
    assert (size, table.num_rows) == (JournalSize(entries=0, postings=0), 0)
    assert tuple(table.column_names) == COLUMNS


def test_thirty_eight_digits_are_the_most(scratch: ScratchLedger, tmp_path: Path) -> None:
    post(scratch, entries.funding(WALLET, 1, MOST_WEI))
    assert_same(scratch, tmp_path / "journal.parquet")
    post(scratch, entries.funding(WALLET, 2, 1))
    with pytest.raises(NotExact, match=r"Entry 2 has 10{38} wei on account .*: export csv"):
        written(scratch, write_parquet)
