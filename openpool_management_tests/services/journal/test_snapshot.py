"""The journal read from SQL: page by page, and as it was at one moment."""

from openpool_management.adapters.sql.journal import SqlJournal
from openpool_management.domain.payouts import entries
from openpool_management.services.journal.csv_table import write_csv
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.payout_rig import PayoutRig
from openpool_management_tests.services.journal.journals import post, written

WALLET = "0x000000000000000000000000000000000000bEEF"


def test_pages_of_any_length_are_the_same_journal(paid: PayoutRig) -> None:
    whole = written(paid.scratch, write_csv)
    for length in (1, 2, 3, whole[1].entries):
        assert written(paid.scratch, write_csv, length) == whole


def test_entries_that_moved_work_alone_are_entries(hostile: ScratchLedger) -> None:
    for length in (1, 2, 500):
        with SqlJournal(hostile.engine, length).at_one_moment() as snapshot:
            found = list(snapshot.entries())
        assert [one.number for one in found] == list(range(1, len(found) + 1))
        assert [one.key.split(":")[1] for one in found if not one.postings] == ["earned"]


def test_what_is_committed_meanwhile_is_of_a_later_moment(scratch: ScratchLedger) -> None:
    for block in range(3):
        post(scratch, entries.funding(WALLET, block, 10))
    with SqlJournal(scratch.engine, 1).at_one_moment() as snapshot:
        found = [next(reading := snapshot.entries())]
        post(scratch, entries.funding(WALLET, 3, 10))
        found += reading
        balances = {one.account.kind.value: one.balance_wei for one in snapshot.accounts()}
    assert [one.key for one in found] == [f"funding:{WALLET}:{block}" for block in range(3)]
    assert balances == {"wallet": -30, "funding": 30}
    with SqlJournal(scratch.engine).at_one_moment() as snapshot:
        assert len(list(snapshot.entries())) == 4
