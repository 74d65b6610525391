"""A pool that pays through a proxy before a real chain."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_proxy import RpcProxy

Settle = Callable[[], None]


def hasty(url: str) -> RpcChain:
    """A node that is not waited for long."""
    return RpcChain(url, read_timeout_seconds=2, send_timeout_seconds=0.7, backoff_seconds=0.01)


@pytest.fixture
def rig(tmp_path: Path, anvil: AnvilServer, rpc_proxy: RpcProxy) -> Iterator[PayoutRig]:
    """An SQLite ledger, and a wallet with 50 ETH behind the proxy."""
    made = PayoutRig.at(tmp_path, anvil.account(50 * ETH_WEI), hasty(rpc_proxy.url), anvil=anvil)
    yield made
    made.scratch.close()


@pytest.fixture
def settle(rig: PayoutRig, anvil: AnvilServer) -> Settle:
    """Let all become final and settle it, as often as it takes."""

    def until_quiet() -> None:
        for _ in range(4):
            anvil.finalize()
            rig.drive()

    return until_quiet
