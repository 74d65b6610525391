"""Ledgers with a journal worth exporting, on both kinds of database."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management_tests.ledgers import Log, ScratchLedger
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    TRANSCODE,
    processed,
    received,
    transcoded,
)
from openpool_management_tests.payout_rig import PayoutRig
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.services.journal.journals import HOSTILE_NAMES


@pytest.fixture
def scratch(ledger_url: str, tmp_path: Path) -> Iterator[ScratchLedger]:
    """An empty ledger on each kind of database."""
    with ScratchLedger(ledger_url, tmp_path / "lake") as made:
        yield made


@pytest.fixture
def hostile(scratch: ScratchLedger) -> ScratchLedger:
    """A ledger of odd names and of fees beyond 2^63, with a job that earned nothing."""
    log = Log(scratch)
    for number, name in enumerate(HOSTILE_NAMES):
        request, names = f"{number:08x}", {"pipeline": name[::-1], "modelID": name}
        price = 2**63 + number
        log.read(
            AI,
            number * 60,
            received(ALICE if number % 2 else BOB, number * 60, request=request, **names),
            processed(number * 60, request=request, units=3, price=price, **names),
        )
    # Nobody is known to have done this one.
    log.read(AI, 6000, processed(6000, request="ffffffff", modelID="=1", price=2**64 + 1))
    log.read(TRANSCODE, 0, transcoded(ALICE, price=0))
    return scratch


@pytest.fixture
def paid(
    ledger_url: str, tmp_path: Path, anvil: AnvilServer, real_events_dir: Path
) -> Iterator[PayoutRig]:
    """The real objects, their workers paid on a chain: one refused, the last is not final."""
    rig = PayoutRig.on(anvil, tmp_path, anvil.account(), url=ledger_url)
    rig.scratch.sync(DirectorySource(real_events_dir))
    rig.policy = replace(rig.policy, threshold_wei=1, floor_wei=1)
    owed = sorted({one.account.worker for one in rig.scratch.books.standings()} - {""})
    anvil.refuse_payments(owed[0])
    rig.pay()
    anvil.finalize()
    rig.drive()
    rig.earn((owed[1], 10**18))
    rig.next_day()
    rig.pay()
    yield rig
    rig.scratch.close()
