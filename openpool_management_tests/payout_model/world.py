"""A pool and a chain, and what the pool is held against: accounts that never trust its book."""

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

from eth_account import Account
from sqlalchemy import select

from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.adapters.sql.payouts import tables
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.fees import GasRules
from openpool_management.domain.payouts.payout import Mark, Payout, PayoutState
from openpool_management.domain.payouts.transactions import (
    SignedTransfer,
    Transfer,
    read_signed,
)
from openpool_management.services.decisions import DecisionRefused
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.drive import DriveReport, drive
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.payouts.reconcile import accept_missing
from openpool_management.services.payouts.run import pay
from openpool_management.services.ports.payouts import PayoutConflict
from openpool_management_tests.ledgers import Log
from openpool_management_tests.log_objects import AI, processed, received
from openpool_management_tests.payout_model.fake_chain import FIRST_FEE_WEI, FakeChain, LaggingNode
from openpool_management_tests.payout_model.interruption import Interruption
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address

WORKERS = [worker_address(number) for number in range(3)]
STRANGER = worker_address(99)
KEY = Account.from_key(b"\x05" * 32)
MEMORY = Path("/dev/shm")  # noqa: S108
REACHED = Counter[str]()
"""What came about in all worlds of this process: steps, and marks on payouts."""


class World:
    """The real engine and the real book in SQL, on a model of a chain.

    earned_wei, foreign and accepted_wei are the world's own account: what workers are entitled to,
    hashes that the key signed elsewhere, and what of those an operator took for a payout.
    """

    def __init__(self) -> None:
        parent = MEMORY if MEMORY.is_dir() else None
        self.folder = Path(mkdtemp(prefix="openpool-model-", dir=parent))
        self.chain = FakeChain(CHAIN_ID)
        self.chain.watch = self._watch
        self.rig = PayoutRig.at(self.folder, KEY, self.chain)
        self.rig.gas = GasRules(limit=100_000, max_price_wei=1000, priority_fee_wei=0)
        most_wei = 10**6 * ETH_WEI
        self.rig.limits = replace(
            self.rig.limits, receipt_seconds=0, lease_seconds=0, unfinal_max_wei=most_wei
        )
        self.rig.policy = replace(
            self.rig.policy,
            payout_max_wei=most_wei,
            run_max_wei=most_wei,
            day_max_wei=most_wei,
            approval_wei=most_wei,
        )
        self.earned_wei: Counter[str] = Counter()
        self.peak_wei: Counter[str] = Counter()
        self.foreign: dict[str, SignedTransfer] = {}
        self.accepted_wei: Counter[str] = Counter()
        self.disputed: list[tuple[int, str, int]] = []
        self.pause_in_the_air = False
        self._slots = count(1)
        self.chain.grant(self.rig.sender, 300 * ETH_WEI)
        self.chain.finalize()

    def close(self) -> None:
        """Leave nothing behind."""
        self.rig.scratch.close()
        shutil.rmtree(self.folder)

    def earn(self, worker: str, fee_wei: int) -> None:
        """A worker does a job."""
        self.rig.earn((worker, fee_wei))
        self._entitle(worker, fee_wei * 3 // 4)

    def earn_disputed(self, worker: str, fee_wei: int) -> None:
        """A worker does an AI job, which another worker's late event may take away."""
        number, log = next(self._slots), Log(self.rig.scratch)
        second, request = number * 300, f"{number:08x}"
        log.read(AI, second, received(worker, second, request=request))
        log.read(AI, second + 120, processed(second + 120, request=request, units=1, price=fee_wei))
        self._entitle(worker, fee_wei * 3 // 4)
        self.disputed.append((number, worker, fee_wei * 3 // 4))

    def correct(self, which: int, worker: str) -> None:
        """It shows late that a job was another worker's."""
        if not self.disputed:
            return
        number, before, amount_wei = self.disputed.pop(which % len(self.disputed))
        second = number * 300 + 60
        late = received(worker, second, request=f"{number:08x}")
        Log(self.rig.scratch).read(AI, second, late)
        self._entitle(before, -amount_wei)
        self._entitle(worker, amount_wei)

    def sign_elsewhere(self, to: str, value_wei: int) -> SignedTransfer | None:
        """What the key signs elsewhere for its next nonce; None where it has too little."""
        nonce, fee_wei = self.chain.nonce(self.rig.sender), self.chain.fee_wei
        transfer = Transfer(CHAIN_ID, nonce, to, value_wei, 30_000, fee_wei + 1, 1)
        if self.chain.balance_wei(self.rig.sender) < transfer.most_wei:
            return None
        signed = read_signed(LocalSigner(lambda: KEY).sign(transfer))
        if signed.hash in self.chain.heard:
            return None
        self.foreign[signed.hash] = signed
        return signed

    def paymaster(self, interruption: Interruption | None = None) -> Paymaster:
        """A process that pays, and what happens to it."""
        made = self.rig.paymaster(sleep=lambda seconds: None)
        if interruption is None:
            return made
        book, chain = interruption.around(made.book), interruption.around(made.chain)
        return replace(made, book=book, chain=chain)

    def pay(self, paymaster: Paymaster | None = None) -> DriveReport | None:
        """The run of the day, or another one of it. None: it did not come to anything."""
        key = f"{self.rig.now:%Y-%m-%d}"
        return pay(self.rig.planner, paymaster or self.paymaster(), key).driven

    def order(self, order: Callable[..., object], *given: object) -> None:
        """The operator says something, which may be refused."""
        with suppress(DecisionRefused, PayoutConflict):
            order(self.rig.book, *given, "as I like it", self.rig.now)

    def accept_held(self) -> None:
        """Payouts that are held were paid by hand in this world."""
        for payout in self.rig.payouts():
            if payout.state is PayoutState.HELD:
                held = [one for one in payout.events if one.mark is Mark.HELD][-1]
                by_hand = self.foreign[held.tx_hash].transfer
                assert by_hand.to == payout.intent.to_address
                self.accepted_wei[by_hand.to] += by_hand.value_wei
                orders.accept(self.rig.book, payout.id, "paid by hand", self.rig.now)

    def check(self) -> None:
        """O2 and O3: nobody is paid beyond what they earned, whatever the chain does next."""
        assert self.rig.scratch.broken() == []
        for worker, most_wei in self._most_paid_wei().items():
            assert most_wei + self.accepted_wei[worker] <= self.peak_wei[worker], worker
        for payout in self.rig.payouts():
            hashes = _paying(payout)
            paid = [one.hash for one in self.chain.executed() if one.hash in hashes]
            assert len(paid) <= 1, f"{payout.id} was paid by {paid}"

    def check_told(self, report: DriveReport | None) -> None:
        """O4: what a run leaves unsent, it tells of; what is held was told of in a message."""
        told = [one.document for one in self.rig.book.undelivered()]
        for payout in self.rig.book.open_payouts():
            if payout.state is PayoutState.HELD:
                assert any(payout.id in document for document in told), payout.detail
            elif payout.state is not PayoutState.SEEN and report is not None:
                assert report.problems, f"nobody tells of {payout.id}, which is {payout.state}"

    def come_to_rest(self) -> None:
        """All troubles end, and the operator sees to what is left."""
        chain, rig = self.chain, self.rig
        chain.refuse.clear()
        rig.witnesses = (LaggingNode(chain, 0),)
        chain.fee_wei, chain.automine, chain.lies = FIRST_FEE_WEI, True, []
        chain.grant(rig.sender, 10**5 * ETH_WEI)
        for _ in range(6):
            chain.mine()
            chain.finalize()
            drive(self.paymaster(), send=True)
            self.accept_held()
            for payout in rig.payouts():
                if payout.state is PayoutState.VOIDED:
                    orders.retry(rig.book, payout.id, "all is well", rig.now)
            if rig.book.opening(rig.sender) is None:
                orders.open_at(self.paymaster(), None)
            accept_missing(self.paymaster(), (), "the end")
            self.order(orders.resume)
            rig.next_day()
            self.pay()

    def compare(self) -> None:
        """O1, O3, O4 and O5: everybody was paid what is not owed any more, and nothing else."""
        rig, chain = self.rig, self.chain
        REACHED.update(event.mark.value for one in rig.payouts() for event in one.events)
        assert [one.id for one in rig.book.open_payouts()] == []
        ours = [one for one in chain.executed() if one.hash not in self.foreign]
        for worker in WORKERS:
            paid_wei = sum(one.transfer.value_wei for one in ours if one.transfer.to == worker)
            owed_wei = rig.payable_wei(worker)
            settled_wei = paid_wei + self.accepted_wei[worker]
            assert settled_wei + owed_wei == self.earned_wei[worker], worker
            assert owed_wei < rig.policy.threshold_wei, "whoever is due was paid"
            assert rig.balance_wei(AccountKind.IN_PAYOUT, worker) == 0
        chain.finalize()
        assert rig.book.wallet_wei(rig.sender) == chain.balance_wei(rig.sender)
        known = rig.book.slot_nonces(rig.sender) | rig.book.foreign_nonces(rig.sender)
        opening = rig.book.opening(rig.sender)
        assert opening is not None
        assert known == set(range(opening.nonce, chain.nonce(rig.sender)))

    def _entitle(self, worker: str, amount_wei: int) -> None:
        self.earned_wei[worker] += amount_wei
        self.peak_wei[worker] = max(self.peak_wei[worker], self.earned_wei[worker])

    def _most_paid_wei(self) -> Counter[str]:
        """The most that each worker has, and may come to have of bytes that left the pool."""
        final = self.chain.nonce(self.rig.sender, self.chain.final)
        done = {
            one.transfer.nonce: one.transfer
            for one in self.chain.executed()
            if one.hash not in self.foreign and one.transfer.nonce < final
        }
        most: Counter[str] = Counter()
        for transfer in done.values():
            most[transfer.to] += transfer.value_wei
        possible: Counter[tuple[str, int]] = Counter()
        for signed in self.chain.heard.values():
            to, nonce = signed.transfer.to, signed.transfer.nonce
            if nonce >= final:
                possible[to, nonce] = max(possible[to, nonce], signed.transfer.value_wei)
        for (to, _), value_wei in possible.items():
            most[to] += value_wei
        return Counter({worker: most[worker] for worker in WORKERS})

    def _watch(self, signed: SignedTransfer) -> None:
        """Bytes leave: they have to be durable, and payouts must not be paused."""
        with self.rig.scratch.engine.connect() as connection:
            known = select(tables.tx_attempt.c.hash).where(tables.tx_attempt.c.hash == signed.hash)
            assert connection.execute(known).first(), "sent before it was durable"
        pause = self.rig.book.pause()
        if pause is not None and pause.paused:
            # What was on its way when somebody paused could not be held back.
            assert self.pause_in_the_air, "sent while payouts were paused"
        self.pause_in_the_air = False


def _paying(payout: Payout) -> set[str]:
    return {
        attempt.hash
        for slot in payout.slots
        for attempt in slot.attempts
        if attempt.signed.transfer.value_wei
    }
