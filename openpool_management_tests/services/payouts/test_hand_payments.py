"""The wallet used by hand: what the ledger makes of it, and what an operator can do."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.payout import Intent, PayoutState
from openpool_management.domain.payouts.transactions import Transfer, read_signed
from openpool_management.services.decisions import DecisionRefused
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.drive import drive
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management.services.payouts.reconcile import accept_missing, rebuild, reconcile
from openpool_management_tests.payout_model.fake_chain import FakeChain, Lie
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.services.payouts.conftest import KEY, WALLET_WEI

ALICE, BOB = worker_address(1), worker_address(2)
WORKERS = [ALICE, BOB]
ELSEWHERE = worker_address(99)


def by_hand(chain: FakeChain, to: str, value_wei: int) -> None:
    """Somebody pays with the wallet's key, for good."""
    nonce = chain.nonce(str(KEY.address))
    transfer = Transfer(chain.chain_id(), nonce, to, value_wei, 30_000, 100, 1)
    signed = read_signed(LocalSigner(lambda: KEY).sign(transfer))
    assert chain.take(signed) is SendOutcome.ACCEPTED
    finalize(chain)


def finalize(chain: FakeChain) -> None:
    """Let all that was mined be final."""
    chain.mine()
    chain.finalize()


def settle(pool: PayoutRig, chain: FakeChain) -> None:
    """Let payouts come to their end."""
    for _ in range(3):
        finalize(chain)
        pool.drive()


def paid_yesterday(pool: PayoutRig, chain: FakeChain, worker: str) -> None:
    """A pool that has paid somebody, so that the wallet has a past."""
    pool.earn((worker, 4 * ETH_WEI))
    pool.pay()
    settle(pool, chain)
    pool.next_day()


def paid_wei(chain: FakeChain, worker: str) -> int:
    """What a worker has got on the chain."""
    return sum(one.transfer.value_wei for one in chain.executed() if one.transfer.to == worker)


def reserved_beside_another(pool: PayoutRig, chain: FakeChain) -> Intent:
    """One payout is seen, and another one, which is told, is set aside without a nonce."""
    pool.earn((ALICE, 4 * ETH_WEI), (BOB, 8 * ETH_WEI))
    pool.limits = replace(pool.limits, unfinal_max_wei=1)
    pool.pay()
    assert sorted(pool.states()) == [PayoutState.RESERVED, PayoutState.SEEN]
    [waiting] = [one for one in pool.payouts() if one.state is PayoutState.RESERVED]
    finalize(chain)
    return waiting.intent


@pytest.mark.parametrize("choice", ["accept", "retry"])
def test_what_waits_for_its_nonce_is_held_when_it_was_paid_by_hand(
    pool: PayoutRig, chain: FakeChain, choice: str
) -> None:
    intent = reserved_beside_another(pool, chain)
    by_hand(chain, intent.worker, intent.amount_wei)
    assert any("key is used elsewhere" in one for one in pool.pay().problems)
    accept_missing(pool.paymaster(), WORKERS, "a bill", not_payouts=True)
    orders.resume(pool.book, "known", pool.now)
    settle(pool, chain)
    [held] = [one for one in pool.payouts() if one.state is PayoutState.HELD]
    assert held.intent == intent
    assert paid_wei(chain, intent.worker) == intent.amount_wei
    getattr(orders, choice)(pool.book, held.id, "looked at it", pool.now)
    settle(pool, chain)
    times = {"accept": 1, "retry": 2}[choice]
    assert paid_wei(chain, intent.worker) == times * intent.amount_wei
    assert pool.states() == [PayoutState.SETTLED] * 2
    assert reconcile(pool.paymaster()).differences == []
    assert pool.scratch.broken() == []


def test_a_transfer_to_a_worker_is_not_taken_for_something_else(
    pool: PayoutRig, chain: FakeChain
) -> None:
    paid_yesterday(pool, chain, BOB)
    pool.earn((ALICE, 4 * ETH_WEI))
    by_hand(chain, ALICE, 2 * ETH_WEI)
    pool.drive()
    with pytest.raises(DecisionRefused, match="--not-payouts"):
        accept_missing(pool.paymaster(), WORKERS, "paid by hand")
    assert len(reconcile(pool.paymaster()).missing) == 1
    [told] = rebuild(pool.paymaster(signing=False), WORKERS, "paid by hand")
    assert ALICE in told
    orders.resume(pool.book, "rebuilt", pool.now)
    pool.pay()
    settle(pool, chain)
    assert paid_wei(chain, ALICE) == 3 * ETH_WEI
    assert pool.payable_wei(ALICE) == 0
    assert pool.balance_wei(AccountKind.UNEXPLAINED, pool.sender) == 0
    assert pool.scratch.broken() == []


def test_bytes_of_a_lost_ledger_that_used_the_nonce_of_another_payout(
    tmp_path: Path, pool: PayoutRig, chain: FakeChain
) -> None:
    paid_yesterday(pool, chain, worker_address(3))
    pool.earn((ALICE, 4 * ETH_WEI))
    ledger, backup = tmp_path / "ledger.sqlite", tmp_path / "backup.sqlite"
    pool.scratch.close()
    shutil.copyfile(ledger, backup)
    chain.automine = False
    pool.pay()
    pool.scratch.close()
    for file in tmp_path.glob("ledger.sqlite*"):
        file.unlink()
    shutil.copyfile(backup, ledger)
    # By the restored ledger's plan Bob gets the nonce that Alice's bytes bear.
    pool.earn((BOB, 40 * ETH_WEI))
    rules = pool.policy
    pool.policy = replace(rules, deny=frozenset({ALICE}))
    chain.watch = lambda signed: chain.mine()
    pool.pay()
    chain.watch, chain.automine, pool.policy = (lambda signed: None), True, rules
    settle(pool, chain)
    assert paid_wei(chain, ALICE) == 3 * ETH_WEI
    told = rebuild(pool.paymaster(signing=False), WORKERS, "restored a backup")
    assert any(f"to {ALICE}" in one for one in told)
    assert rebuild(pool.paymaster(signing=False), WORKERS, "and once more") == []
    orders.resume(pool.book, "rebuilt", pool.now)
    for _ in range(3):
        pool.next_day()
        pool.pay()
        settle(pool, chain)
    assert (paid_wei(chain, ALICE), paid_wei(chain, BOB)) == (3 * ETH_WEI, 30 * ETH_WEI)
    assert pool.balance_wei(AccountKind.UNEXPLAINED, pool.sender) == 0
    assert pool.scratch.broken() == []


def test_less_in_the_wallet_is_accepted_beside_a_payout_that_no_block_holds(
    pool: PayoutRig, chain: FakeChain
) -> None:
    paid_yesterday(pool, chain, ALICE)
    pool.earn((BOB, 4 * ETH_WEI))
    chain.lies = [Lie(arrives=False, outcome=SendOutcome.UNKNOWN)] * 6
    pool.pay()
    assert pool.states() == [PayoutState.SETTLED, PayoutState.SENT]
    chain.lies = []
    chain.grant(pool.sender, -10)
    finalize(chain)
    assert any("10 wei less" in one for one in pool.drive().problems)
    assert any("-10 wei" in one for one in reconcile(pool.paymaster()).differences)
    assert accept_missing(pool.paymaster(), WORKERS, "explained").differences == []
    orders.resume(pool.book, "explained", pool.now)
    settle(pool, chain)
    assert pool.states() == [PayoutState.SETTLED] * 2
    assert pool.paymaster().paused() is None


def test_a_transfer_of_the_wallet_to_itself_moves_nothing(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.earn((ALICE, 4 * ETH_WEI))
    pool.pay()
    settle(pool, chain)
    by_hand(chain, pool.sender, 7 * ETH_WEI)
    pool.drive()
    accept_missing(pool.paymaster(), WORKERS, "a test of the key")
    settle(pool, chain)
    assert pool.balance_wei(AccountKind.FUNDING, pool.sender) == WALLET_WEI
    assert pool.balance_wei(AccountKind.UNEXPLAINED, pool.sender) == 0
    assert reconcile(pool.paymaster()).differences == []


class AuthorizingChain(FakeChain):
    """A wallet that signed an authorization of EIP-7702: a nonce is gone without a transaction."""

    authorized: int | None = None

    def nonce(self, address: str, block: int | None = None) -> int:
        """See the port."""
        counted = super().nonce(address, block)
        last = len(self.blocks) - 1 if block is None else block
        mine = self.authorized is not None and self.authorized <= last
        return counted + (mine and address == KEY.address)


@pytest.mark.parametrize("choice", ["accept", "retry"])
def test_a_nonce_that_no_transaction_used(tmp_path: Path, choice: str) -> None:
    chain = AuthorizingChain(CHAIN_ID)
    chain.grant(str(KEY.address), WALLET_WEI)
    chain.finalize()
    pool = PayoutRig.at(tmp_path, KEY, chain)
    pool.limits = replace(pool.limits, receipt_seconds=0)
    paid_yesterday(pool, chain, ALICE)
    pool.earn((BOB, 4 * ETH_WEI))
    chain.lies = [Lie(arrives=False, outcome=SendOutcome.UNKNOWN)] * 6
    pool.pay()
    chain.lies = []
    chain.mine()
    chain.authorized = len(chain.blocks) - 1
    settle(pool, chain)
    assert pool.states() == [PayoutState.SETTLED, PayoutState.HELD]
    held = pool.payouts()[-1]
    assert "EIP-7702" in held.detail
    getattr(orders, choice)(pool.book, held.id, "looked it up in an explorer", pool.now)
    orders.resume(pool.book, "known", pool.now)
    settle(pool, chain)
    assert pool.states() == [PayoutState.SETTLED] * 2
    assert paid_wei(chain, BOB) == {"accept": 0, "retry": 3 * ETH_WEI}[choice]
    assert reconcile(pool.paymaster()).differences == []
    assert pool.scratch.broken() == []
    pool.scratch.close()


def test_a_nonce_that_no_transaction_used_while_nothing_waits(tmp_path: Path) -> None:
    chain = AuthorizingChain(CHAIN_ID)
    chain.grant(str(KEY.address), WALLET_WEI)
    chain.finalize()
    pool = PayoutRig.at(tmp_path, KEY, chain)
    pool.earn((ALICE, 4 * ETH_WEI))
    pool.pay()
    settle(pool, chain)
    chain.mine()
    chain.authorized = len(chain.blocks) - 1
    finalize(chain)
    assert any("key is used elsewhere" in one for one in pool.drive().problems)
    [difference] = reconcile(pool.paymaster()).differences
    assert "EIP-7702" in difference
    assert accept_missing(pool.paymaster(), WORKERS, "a wallet program").differences == []
    orders.resume(pool.book, "known", pool.now)
    assert pool.drive().problems == []
    pool.scratch.close()


def test_another_chain_changes_nothing(pool: PayoutRig, chain: FakeChain) -> None:
    pool.earn((ALICE, 4 * ETH_WEI))
    pool.pay()
    assert pool.states() == [PayoutState.SEEN]
    elsewhere = FakeChain(1)
    elsewhere.grant(pool.sender, 2 * WALLET_WEI)
    by_hand(elsewhere, ELSEWHERE, 0)
    for _ in range(10):
        finalize(elsewhere)
    astray = replace(pool.paymaster(signing=False), chain=elsewhere, chain_id=1)
    for look in (
        lambda: reconcile(astray),
        lambda: accept_missing(astray, WORKERS, "wrong chain"),
        lambda: rebuild(astray, WORKERS, "wrong chain"),
    ):
        with pytest.raises(PayoutsStopped, match="pays on chain 42161"):
            look()
    for send in (False, True):
        [problem] = drive(astray, send=send).problems
        assert "pays on chain 42161, but CHAIN_ID is 1" in problem
    assert pool.states() == [PayoutState.SEEN]
    assert pool.balance_wei(AccountKind.FUNDING, pool.sender) == WALLET_WEI


def test_code_at_the_wallet_stops_sending_and_nothing_else(
    pool: PayoutRig, chain: FakeChain
) -> None:
    pool.earn((ALICE, 4 * ETH_WEI))
    pool.pay()
    pool.earn((BOB, 4 * ETH_WEI))
    chain.refuse.add(pool.sender)
    finalize(chain)
    assert pool.drive(send=False).problems == []
    assert pool.states() == [PayoutState.SETTLED]
    assert reconcile(pool.paymaster()).differences == []
    pool.next_day()
    assert any("There is code at the wallet" in one for one in pool.pay().problems)
    assert pool.states() == [PayoutState.SETTLED]
    assert paid_wei(chain, BOB) == 0
