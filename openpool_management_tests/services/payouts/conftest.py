"""A pool that pays on the model of a chain."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account

from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig

WALLET_WEI = 500 * ETH_WEI
KEY = Account.from_key(b"\x06" * 32)


@pytest.fixture
def chain() -> FakeChain:
    """A chain whose wallet holds WALLET_WEI, for good."""
    made = FakeChain(CHAIN_ID)
    made.grant(str(KEY.address), WALLET_WEI)
    made.finalize()
    return made


@pytest.fixture
def pool(tmp_path: Path, chain: FakeChain) -> Iterator[PayoutRig]:
    """A pool with a ledger on SQLite, where nobody has earned anything."""
    made = PayoutRig.at(tmp_path, KEY, chain)
    made.limits = replace(made.limits, receipt_seconds=0)
    yield made
    made.scratch.close()


@pytest.fixture
def each_pool(tmp_path: Path, chain: FakeChain, ledger_url: str) -> Iterator[PayoutRig]:
    """The same on SQLite and on PostgreSQL."""
    made = PayoutRig.at(tmp_path, KEY, chain, url=ledger_url)
    made.limits = replace(made.limits, receipt_seconds=0)
    yield made
    made.scratch.close()
