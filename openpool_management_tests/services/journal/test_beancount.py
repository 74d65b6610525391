"""The journal passes bean-check, and what Beancount reads of it is the ledger to the wei."""

import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Balance, Open, Transaction

from openpool_management.domain.accounts import Account
from openpool_management.domain.journal import JournalSize, NotExact
from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.journal.beancount import write_beancount
from openpool_management.services.journal.beancount_accounts import account_of
from openpool_management_tests.ledgers import Log, ScratchLedger
from openpool_management_tests.log_objects import ALICE, TRANSCODE, transcoded
from openpool_management_tests.payout_rig import PayoutRig
from openpool_management_tests.services.journal.journals import post, standing_wei, written

WALLET = "0x000000000000000000000000000000000000bEEF"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the journal is written to."""
    return tmp_path / "journal.beancount"


def bean_check(path: Path) -> "subprocess.CompletedProcess[str]":
    """What bean-check says of a file."""
    command = [str(Path(sys.executable).parent / "bean-check"), "--no-cache", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def export(scratch: ScratchLedger, path: Path) -> JournalSize:
    """Write the journal, and let bean-check find nothing."""
    content, size = written(scratch, write_beancount)
    path.write_bytes(content)
    checked = bean_check(path)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    return size


def read_wei(path: Path) -> dict[Account, int]:
    """What the postings of a file add up to, by the ledger's accounts and with its sign."""
    directives, errors, _ = loader.load_file(str(path))
    assert errors == []
    sums: Counter[str] = Counter()
    for one in directives:
        for posting in one.postings if isinstance(one, Transaction) else ():
            assert posting.units is not None
            assert posting.units.number is not None
            sums[posting.account] -= int(posting.units.number)
    asserted = {
        one.account: -int(one.amount.number)
        for one in directives
        if isinstance(one, Balance) and one.amount.number is not None
    }
    assert asserted == dict(sums)
    assert set(sums) == {one.account for one in directives if isinstance(one, Open)}
    return {account_of(name): wei for name, wei in sums.items() if wei}


def test_the_real_journal_after_payouts(paid: PayoutRig, file: Path) -> None:
    size = export(paid.scratch, file)
    assert read_wei(file) == standing_wei(paid.scratch)
    directives, _, _ = loader.load_file(str(file))
    transactions = [one for one in directives if isinstance(one, Transaction)]
    assert len(transactions) == size.entries
    assert sum(len(one.postings) for one in transactions) == size.postings
    payouts = paid.payouts()
    assert {PayoutState.SETTLED, PayoutState.VOIDED} < {one.state for one in payouts}
    for payout in payouts:
        linked = [one for one in transactions if f"payout-{payout.id}" in one.links]
        ends = [one.mark.value for one in payout.events if one.mark in ("settled", "voided")]
        assert [one.meta["posting_key"] for one in linked] == [
            f"payout:{payout.id}:{end}" for end in ["reserved", *ends]
        ]
        settled = [one.tx_hash for one in payout.events if one.mark == "settled"]
        assert [one.meta["tx_hash"] for one in linked if "tx_hash" in one.meta] == settled
        for tx_hash in settled:
            paying = [one.narration for one in transactions if f"tx-{tx_hash}" in one.links]
            assert set(paying) == {"Gas", "Payout settled"}
            assert len(paying) == 2


def test_odd_names_and_fees_beyond_64_bits(hostile: ScratchLedger, file: Path) -> None:
    size = export(hostile, file)
    expected = standing_wei(hostile)
    assert max(expected.values()) > 2**63
    assert read_wei(file) == expected
    # The job that earned nothing has an entry that moves work alone.
    assert file.read_text().count("\n  posting_key: ") == size.entries
    assert re.search(r"  posted_at: \"\S+\"\n\n", file.read_text())


def test_an_empty_ledger(scratch: ScratchLedger, file: Path) -> None:
    assert export(scratch, file) == JournalSize(entries=0, postings=0)
    assert read_wei(file) == {}


def test_accounts_open_on_the_first_day_whatever_the_order(
    scratch: ScratchLedger, file: Path
) -> None:
    post(scratch, entries.funding(WALLET, 1, 5), datetime(2026, 3, 2, tzinfo=UTC))
    post(scratch, entries.funding(WALLET, 2, 7), datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    export(scratch, file)
    directives, _, _ = loader.load_file(str(file))
    assert {one.date for one in directives if isinstance(one, Open)} == {date(2026, 3, 1)}
    assert {one.date for one in directives if isinstance(one, Balance)} == {date(2026, 3, 3)}
    assert file.read_text().index("funding:" + WALLET + ":1") < file.read_text().index(
        "funding:" + WALLET + ":2"
    )


def test_bean_check_notices_a_wei(scratch: ScratchLedger, file: Path) -> None:
    Log(scratch).read(TRANSCODE, 0, transcoded(ALICE, units=1, price=10**27))
    export(scratch, file)
    text = file.read_text()
    for before, after in (
        # A posting, and the running balance in the end.
        (f"  -{75 * 10**25} WEI\n", f"  -{75 * 10**25 + 1} WEI\n"),
        (f"NoModel  -{25 * 10**25} WEI\n", f"NoModel  -{25 * 10**25 - 1} WEI\n"),
    ):
        assert before in text
        head, _, tail = text.rpartition(before)
        file.write_text(head + after + tail)
        assert bean_check(file).returncode == 1


def test_what_beancount_would_round_is_refused(scratch: ScratchLedger, file: Path) -> None:
    log = Log(scratch)
    log.read(TRANSCODE, 0, transcoded(ALICE, units=1, price=4 * 10**27))
    export(scratch, file)
    log.read(TRANSCODE, 60, transcoded(ALICE, 60, units=1, price=10**27 + 1))
    with pytest.raises(NotExact, match=r"Up to entry 2 the journal moves 10{27}2 wei.*28 digits"):
        written(scratch, write_beancount)
