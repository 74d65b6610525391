"""A random state machine: a pool that pays, and everything that happens to it."""

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from eth_account import Account
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.fees import GasRules
from openpool_management.domain.payouts.payout import Mark, PayoutState
from openpool_management.domain.payouts.transactions import Transfer, read_signed
from openpool_management.services.decisions import DecisionRefused
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.drive import drive
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.payouts.reconcile import accept_missing
from openpool_management.services.payouts.run import pay
from openpool_management.services.ports.payouts import PayoutConflict
from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address

WORKERS = [worker_address(number) for number in range(3)]
STRANGER = worker_address(99)
KEY = Account.from_key(b"\x05" * 32)
MEMORY = Path("/dev/shm")  # noqa: S108
STEPS = Counter[str]()
FUSES = st.sampled_from([0] * 40 + list(range(1, 61)))
"""After how many calls a process dies; 0 lives."""

ANSWERS: list[list[SendOutcome]] = [[]] * 12 + [[outcome] for outcome in SendOutcome]


class Crash(BaseException):
    """The process is gone."""


class Crashing:
    """An object whose n-th call, of all crashing objects together, ends the process."""

    def __init__(self, inner: Any, fuse: list[int], after: bool) -> None:
        self._inner, self._fuse, self._after = inner, fuse, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            self._fuse[0] -= 1
            if self._fuse[0] == 0 and not self._after:
                raise Crash
            result = found(*args, **named)
            if self._fuse[0] == 0:
                raise Crash
            return result

        return call


class PayoutMachine(RuleBasedStateMachine):
    """The real engine and the real book in SQL, on a model of a chain.

    The machine counts for itself what workers earned; what they were paid is asked of the chain.
    """

    def __init__(self) -> None:
        super().__init__()
        parent = MEMORY if MEMORY.is_dir() else None
        self.folder = Path(mkdtemp(prefix="openpool-model-", dir=parent))
        self.chain = FakeChain(CHAIN_ID)
        self.rig = PayoutRig.at(self.folder, KEY, self.chain)
        self.rig.gas = GasRules(limit=100_000, max_price_wei=1000, priority_fee_wei=0)
        self.earned: Counter[str] = Counter()
        self.by_hand: Counter[str] = Counter()

    @initialize()
    def fund(self) -> None:
        """The wallet begins with money."""
        self.chain.grant(self.rig.sender, 3 * ETH_WEI)
        self.chain.finalize()

    @rule(worker=st.sampled_from(WORKERS), hundredths=st.integers(1, 40))
    def earn(self, worker: str, hundredths: int) -> None:
        """A worker does a job."""
        fee_wei = hundredths * 4 * 10**16 // 3 + 1
        self.rig.earn((worker, fee_wei))
        self.earned[worker] += fee_wei * 3 // 4

    @rule(
        fuse=FUSES,
        after=st.booleans(),
        answers=st.sampled_from(ANSWERS),
        deaf=st.sampled_from([0, 0, 0, 1, 8]),
        days=st.sampled_from([1, 1, 0]),
    )
    def run(self, fuse: int, after: bool, answers: list[SendOutcome], deaf: int, days: int) -> None:
        """A payout run, with lies and silence of the node, that may die at any call."""
        for _ in range(days):
            self.rig.next_day()
        self.chain.answers, self.chain.deaf = list(answers), deaf
        self._die(fuse, after, lambda it: pay(self.rig.planner, it, f"{self.rig.now:%Y-%m-%d}"))
        self.chain.answers, self.chain.deaf = [], 0

    @rule(fuse=FUSES, after=st.booleans(), send=st.booleans())
    def settle(self, fuse: int, after: bool, send: bool) -> None:
        """A look at what is under way, that may die at any call."""
        self._die(fuse, after, lambda it: drive(it, send=send))

    @rule()
    def mine(self) -> None:
        """A block passes."""
        self.chain.mine()

    @rule(lag=st.integers(0, 3))
    def finalize(self, lag: int) -> None:
        """Finality moves on."""
        self.chain.finalize(lag)

    @rule(automine=st.sampled_from([True, True, False]))
    def wait_in_a_pool(self, automine: bool) -> None:
        """Transfers wait for a block, or not."""
        self.chain.automine = automine

    @rule()
    def drop(self) -> None:
        """The node forgets its pool."""
        self.chain.pool.clear()

    @rule(depth=st.integers(1, 4))
    def reorganize(self, depth: int) -> None:
        """Blocks that are not final are taken back."""
        self.chain.reorganize(depth)

    @rule(fee_wei=st.sampled_from([1, 10, 40, 200, 700, 1200]))
    def base_fee(self, fee_wei: int) -> None:
        """Gas gets dearer or cheaper, above what the options allow too."""
        self.chain.base_fee_wei = fee_wei

    @rule(to=st.sampled_from([*WORKERS, STRANGER]), same=st.booleans())
    def somebody_else(self, to: str, same: bool) -> None:
        """The key signs a transfer elsewhere, perhaps just what a payout would pay."""
        under_way = [one for one in self.rig.book.open_payouts() if one.intent.to_address == to]
        value_wei = under_way[0].intent.amount_wei if same and under_way else 10**15
        nonce, fee_wei = self.chain.nonce(self.rig.sender), self.chain.base_fee_wei
        transfer = Transfer(CHAIN_ID, nonce, to, value_wei, 30_000, fee_wei + 1, 1)
        signed = read_signed(LocalSigner(lambda: KEY).sign(transfer))
        if self.chain.balance_wei(self.rig.sender) > transfer.most_wei:
            self.chain.pool[(signed.sender, nonce)] = signed
            self.chain.mine()

    @rule(worker=st.sampled_from(WORKERS), same=st.booleans())
    def somebody_else_in_between(self, worker: str, same: bool) -> None:
        """A payout is signed and does not arrive, and its nonce is used elsewhere for good."""
        self.earn(worker, 5)
        self.run(0, False, [], 20, 1)
        self.somebody_else(worker, same)
        self.settle(0, False, True)
        self.chain.finalize()

    @rule(which=st.integers(0, 5))
    def cancel_in_a_pool(self, which: int) -> None:
        """A payout that waits for a block is cancelled."""
        self.chain.automine = False
        self.earn(WORKERS[which % len(WORKERS)], 5)
        self.run(0, False, [], 0, 1)
        self.order("cancel", 0)
        self.settle(0, False, True)
        self.chain.automine = True

    @rule(worker=st.sampled_from(WORKERS), refuses=st.booleans())
    def recipient(self, worker: str, refuses: bool) -> None:
        """A worker's address begins or ends to refuse transfers."""
        (self.chain.refusing.add if refuses else self.chain.refusing.discard)(worker)

    @rule(paused=st.sampled_from([False, False, True]))
    def pause(self, paused: bool) -> None:
        """The operator pauses or resumes."""
        self._order(orders.pause if paused else orders.resume)

    @rule(order=st.sampled_from(["cancel", "retry"]), which=st.integers(0, 5))
    def order(self, order: str, which: int) -> None:
        """The operator cancels or retries a payout; one that may be paid is never paid anew."""
        payouts = self.rig.payouts()
        if payouts:
            payout = payouts[-1 - which % len(payouts)]
            if payout.state is PayoutState.HELD:
                self._accept()
            else:
                call = {"cancel": orders.cancel, "retry": orders.retry}[order]
                self._order(lambda book, why, now: call(book, payout.id, why, now))

    @rule(hundredths=st.integers(1, 100))
    def top_up(self, hundredths: int) -> None:
        """Money comes into the wallet."""
        self.chain.grant(self.rig.sender, hundredths * 10**16)

    @invariant()
    def sound(self) -> None:
        """O2 and O3, after every step."""
        STEPS["steps"] += 1
        assert self.rig.scratch.broken() == []
        for payout in self.rig.payouts():
            hashes = {one for slot in payout.slots for one in slot.hashes}
            paid = [
                signed.hash
                for signed, succeeded in self.chain.executed()
                if signed.hash in hashes and succeeded and signed.transfer.value_wei
            ]
            assert len(paid) <= 1, f"{payout.id} was paid by {paid}"

    def teardown(self) -> None:
        """All troubles end. Then everybody was paid what is not owed any more, and nothing else."""
        try:
            self._come_to_rest()
            self._compare()
        finally:
            self.rig.scratch.close()
            shutil.rmtree(self.folder)

    def _come_to_rest(self) -> None:
        chain, rig = self.chain, self.rig
        chain.refusing.clear()
        chain.base_fee_wei, chain.automine, chain.answers, chain.deaf = 10, True, [], 0
        chain.grant(rig.sender, 100 * ETH_WEI)
        for _ in range(6):
            chain.mine()
            chain.finalize()
            drive(rig.paymaster(), send=True)
            self._accept()
            for payout in rig.payouts():
                if payout.state is PayoutState.VOIDED:
                    orders.retry(rig.book, payout.id, "all is well", rig.now)
            if rig.book.opening(rig.sender) is None:
                orders.open_at(rig.paymaster(), None)
            accept_missing(rig.paymaster(), "the end")
            self._order(orders.resume)
            rig.next_day()
            rig.pay()

    def _compare(self) -> None:
        rig, chain = self.rig, self.chain
        STEPS.update(event.mark.value for one in rig.payouts() for event in one.events)
        assert [one.id for one in rig.book.open_payouts()] == []
        ours = {one for payout in rig.payouts() for slot in payout.slots for one in slot.hashes} | {
            event.tx_hash
            for payout in rig.payouts()
            for event in payout.events
            if event.mark is Mark.SETTLED
        }
        for worker in WORKERS:
            paid_wei = sum(
                signed.transfer.value_wei
                for signed, succeeded in chain.executed()
                if signed.transfer.to == worker and succeeded and signed.hash in ours
            )
            owed_wei = rig.payable_wei(worker)
            assert paid_wei + owed_wei == self.earned[worker], worker
            assert owed_wei < rig.policy.threshold_wei, "whoever is due was paid"
            assert rig.balance_wei(AccountKind.IN_PAYOUT, worker) == 0
        chain.finalize()
        assert rig.book.wallet_wei(rig.sender) == chain.balance_wei(rig.sender)
        known = rig.book.slot_nonces(rig.sender) | rig.book.foreign_nonces(rig.sender)
        opening = rig.book.opening(rig.sender)
        assert opening is not None
        assert known == set(range(opening.nonce, chain.nonce(rig.sender)))

    def _accept(self) -> None:
        """Payouts that are held were paid by hand in this world."""
        for payout in self.rig.payouts():
            if payout.state is PayoutState.HELD:
                orders.accept(self.rig.book, payout.id, "paid by hand", self.rig.now)

    def _order(self, order: Callable[[Any, str, Any], object]) -> None:
        with suppress(DecisionRefused, PayoutConflict):
            order(self.rig.book, "as I like it", self.rig.now)

    def _die(self, fuse: int, after: bool, work: Callable[[Paymaster], object]) -> None:
        self.rig.limits = replace(self.rig.limits, receipt_seconds=0, lease_seconds=0)
        paymaster = self.rig.paymaster(sleep=lambda seconds: None)
        if fuse:
            left = [fuse]
            paymaster = replace(
                paymaster,
                book=Crashing(paymaster.book, left, after),
                chain=Crashing(paymaster.chain, left, after),
            )
        try:
            work(paymaster)
        except Crash:
            STEPS["crashes"] += 1
