"""Signers that sign something else than they were asked to, and one that is another process."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from openpool_management.adapters.keys.load import load_signer
from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.domain.payouts.transactions import Transfer
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.run import pay
from openpool_management.services.ports.chain import Signer
from openpool_management_tests.adapters.test_keys import DIGITS
from openpool_management_tests.adapters.test_keys_remote import remote, reply, signature_of
from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.services.payouts.conftest import KEY, WALLET_WEI

WORKER, ELSEWHERE = worker_address(1), worker_address(99)
OTHER_KEY = Account.from_key(b"\x08" * 32)
PART_WEI = 75 * 10**16


@dataclass
class Forger:
    """A signer that changes what it is asked to sign, or takes another key for it."""

    changes: dict[str, Any] = field(default_factory=dict)
    key: LocalAccount = KEY

    @property
    def address(self) -> str:
        """The wallet, whatever key it signs with."""
        return str(KEY.address)

    def sign(self, transfer: Transfer) -> bytes:
        """See the port."""
        return LocalSigner(lambda: self.key).sign(replace(transfer, **self.changes))


def with_signer(pool: PayoutRig, signer: Callable[[], Signer]) -> list[str]:
    """What a run of the day with another signer has to say."""
    return pay(pool.planner, replace(pool.paymaster(), load_signer=signer), "2026-12-01").problems


@pytest.mark.parametrize(
    ("forger", "told"),
    [
        (Forger({"value_wei": PART_WEI + 1}), "signed another transfer"),
        (Forger({"to": ELSEWHERE}), "signed another transfer"),
        (Forger({"nonce": 1}), "signed another transfer"),
        (Forger({"chain_id": 1}), "signed another transfer"),
        (Forger({"gas": 2_000_000}), "signed another transfer"),
        (Forger({"max_fee_wei": 10**12}), "signed another transfer"),
        (Forger({"max_priority_fee_wei": 1}), "signed another transfer"),
        (Forger(key=OTHER_KEY), f"with the key of {OTHER_KEY.address}"),
    ],
    ids=["value", "to", "nonce", "chain", "gas", "fee", "tip", "key"],
)
def test_what_was_not_asked_for_is_never_sent_and_pauses(
    pool: PayoutRig, chain: FakeChain, forger: Forger, told: str
) -> None:
    chain.grant(str(OTHER_KEY.address), WALLET_WEI)
    pool.earn((WORKER, ETH_WEI))
    assert any(told in one for one in with_signer(pool, lambda: forger))
    pause = pool.book.pause()
    assert pause and pause.paused and pause.asked_by == "program" and told in pause.reason
    [payout] = pool.payouts()
    assert payout.state is PayoutState.SLOTTED, "its nonce is kept, and nothing is signed for it"
    pool.drive()
    assert chain.heard == {}, "paused: not by another signer either"
    orders.resume(pool.book, "another signer", pool.now)
    pool.drive()
    [sent] = chain.heard.values()
    assert (sent.transfer.nonce, sent.transfer.value_wei, sent.transfer.to) == (0, PART_WEI, WORKER)
    assert chain.balance_wei(WORKER) == PART_WEI and chain.balance_wei(ELSEWHERE) == 0


def test_a_payout_that_another_process_signs(tmp_path: Path, anvil: AnvilServer) -> None:
    key = Account.from_key(DIGITS)
    anvil.fund(key.address, ETH_WEI)
    rig = PayoutRig.on(anvil, tmp_path, key)
    rig.earn((WORKER, ETH_WEI))
    with remote(lambda request: reply(result=signature_of(request))) as (url, asked):
        problems = with_signer(rig, lambda: load_signer(signer_url=url, sender=rig.sender))
    assert problems == [] and len(asked) == 1
    anvil.finalize()
    assert rig.drive().problems == []
    assert rig.states() == [PayoutState.SETTLED]
    assert anvil.balance_wei(WORKER) == PART_WEI
    assert rig.book.wallet_wei(rig.sender) == anvil.balance_wei(rig.sender)
    rig.scratch.close()
