"""An empty ledger for the tests of the services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openpool_management_tests.ledgers import ScratchLedger


@pytest.fixture
def scratch(ledger_url: str, tmp_path: Path) -> Iterator[ScratchLedger]:
    """An empty ledger on each kind of database; the commission is 25 %."""
    with ScratchLedger(ledger_url, tmp_path / "lake") as ledger:
        yield ledger
