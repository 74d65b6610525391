"""The journal as CSV: read again it is the ledger, and no cell is a formula."""

import csv
import io
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.accounts import Account, AccountKind
from openpool_management.domain.journal import COLUMNS
from openpool_management.services.journal.csv_table import guarded, unguarded, write_csv
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.payout_rig import PayoutRig
from openpool_management_tests.services.journal.journals import standing_wei, written

NAMES = ("stream", "worker", "pipeline", "model")


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Rows by the names of their columns."""
    text = io.StringIO(content.decode(), newline="")
    head, *rows = csv.reader(text, strict=True)
    assert tuple(head) == COLUMNS
    return [dict(zip(head, row, strict=True)) for row in rows]


def account_of(row: dict[str, str]) -> Account:
    """The account of a row."""
    return Account(AccountKind(row["kind"]), *(unguarded(row[name]) for name in NAMES))


def assert_same(scratch: ScratchLedger) -> list[dict[str, str]]:
    """Let the rows of a ledger's journal come to its balances. They are returned."""
    content, size = written(scratch, write_csv)
    rows = rows_of(content)
    assert len(rows) == size.postings
    sums: Counter[Account] = Counter()
    counts: Counter[Account] = Counter()
    of_entries: Counter[str] = Counter()
    for row in rows:
        account = account_of(row)
        counts[account] += 1
        sums[account] += int(row["amount_wei"])
        of_entries[row["entry"]] += int(row["amount_wei"])
        assert (int(row["account_seq"]), int(row["balance_wei"])) == (
            counts[account],
            sums[account],
        )
    assert {account: wei for account, wei in sums.items() if wei} == standing_wei(scratch)
    assert set(of_entries.values()) <= {0}
    assert [int(number) for number in of_entries] == sorted(int(number) for number in of_entries)
    return rows


def test_the_real_journal_after_payouts(paid: PayoutRig) -> None:
    rows = assert_same(paid.scratch)
    for payout in paid.payouts():
        told = {
            row["tx_hash"]
            for row in rows
            if row["payout_id"] == payout.id and row["posting_key"].endswith(":settled")
        }
        assert told == {one.tx_hash for one in payout.events if one.mark == "settled"}


def test_odd_names_are_no_formulas(hostile: ScratchLedger) -> None:
    rows = assert_same(hostile)
    cells = [row[name] for row in rows for name in NAMES]
    assert [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@＝＋－＠")] == []
    assert {'\'=cmd|"/c calc"!A1', "''=1", "ünï ☃ 模型"} < set(cells)


def test_lines_end_as_rfc_4180_says(scratch: ScratchLedger) -> None:
    content, _ = written(scratch, write_csv)
    assert content == ",".join(COLUMNS).encode() + b"\r\n"


@given(st.one_of(st.text(), st.text("=+-@'\t\r\n x", max_size=5)))
def test_a_guarded_text_leads_back(text: str) -> None:
    cell = guarded(text)
    assert unguarded(cell) == text
    assert cell[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    assert cell.lstrip()[:1] not in tuple("=+-@")
