"""A random state machine: a pool that pays, and everything that happens to it."""

from collections.abc import Callable
from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.drive import DriveReport, drive
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.ports.payouts import PayoutConflict
from openpool_management_tests.payout_model.fake_chain import LaggingNode, Lie
from openpool_management_tests.payout_model.interruption import (
    Crash,
    Interruption,
    crash,
    fail_to_read,
)
from openpool_management_tests.payout_model.world import REACHED, STRANGER, WORKERS, World

FUSES = st.sampled_from([0] * 15 + list(range(1, 46)))
"""After how many calls of a process something happens to it; 0 never."""

LIES: list[list[Lie]] = [
    [],
    [],
    [],
    [],
    *([Lie(True, outcome)] for outcome in SendOutcome),
    *([Lie(False, outcome)] for outcome in SendOutcome),
    [Lie(False, SendOutcome.UNKNOWN)] * 8,
    [Lie(False, SendOutcome.EXPIRED)] * 8,
    [Lie(True, SendOutcome.UNKNOWN), Lie(True, SendOutcome.NONCE_TOO_LOW)],
]
UNIT_WEI = 10**18
"""So that balances, payouts and the wallet go beyond 2^63 wei."""


class PayoutMachine(RuleBasedStateMachine):
    """Steps of a world; after each the oracles have to hold."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.happenings: dict[str, Callable[[str], None]] = {
            "crash": crash,
            "no answer": fail_to_read,
            "another run": lambda name: self._pay(self.world.paymaster()),
            "another look": lambda name: self._quietly(lambda: self._drive(None, False)),
            "a pause": self._pause_meanwhile,
            "an order to cancel": lambda name: self.order("cancel", 0),
            "a reorganization": lambda name: self.world.chain.reorganize(2, forget=True),
            "a block": lambda name: self.world.chain.mine(),
            "finality": lambda name: self.world.chain.finalize(),
            "a foreign transfer": lambda name: self.somebody_else(STRANGER, False, False),
            "dearer gas": lambda name: self.base_fee(700),
        }

    # What the pool does.

    @rule(worker=st.sampled_from(WORKERS), units=st.integers(1, 40), disputed=st.booleans())
    def earn(self, worker: str, units: int, disputed: bool) -> None:
        """A worker does a job."""
        fee_wei = units * 4 * UNIT_WEI // 3 + 1
        (self.world.earn_disputed if disputed else self.world.earn)(worker, fee_wei)

    @rule(which=st.integers(0, 5), worker=st.sampled_from(WORKERS))
    def correct(self, which: int, worker: str) -> None:
        """It shows late that a job was another worker's."""
        self.world.correct(which, worker)

    @rule(
        days=st.sampled_from([1, 1, 0]),
        worker=st.sampled_from([*WORKERS, None]),
        lies=st.sampled_from(LIES),
        lag=st.sampled_from([None, None, 0, 1, 3]),
        what=st.sampled_from(["crash", "crash", "another run", "a pause", "no answer"]),
        fuse=FUSES,
        after=st.booleans(),
    )
    def run(
        self,
        days: int,
        worker: str | None,
        lies: list[Lie],
        lag: int | None,
        what: str,
        fuse: int,
        after: bool,
    ) -> None:
        """A payout run, with a node that lies and another one that lags."""
        if worker is not None:
            self.world.earn(worker, 5 * UNIT_WEI)
        for _ in range(days):
            self.world.rig.next_day()
        self.world.rig.witnesses = () if lag is None else (LaggingNode(self.world.chain, lag),)
        self.world.chain.lies = list(lies)
        self._pay(self._interrupted(what, fuse, after), asked=not fuse)
        self.world.chain.lies = []

    @rule(
        what=st.sampled_from(
            ["crash", "another run", "another look", "a pause", "an order to cancel", "no answer",
             "a reorganization", "a block", "finality", "a foreign transfer", "dearer gas"]
        ),
        worker=st.sampled_from([*WORKERS, None]),
        send=st.sampled_from([True, True, False]),
        fuse=st.sampled_from(range(1, 46)),
        after=st.booleans(),
    )  # fmt: skip
    def meanwhile(self, what: str, worker: str | None, send: bool, fuse: int, after: bool) -> None:
        """Something happens in the middle of a run, or of a look at what is under way."""
        paymaster = self._interrupted(what, fuse, after)
        if worker is None:
            self._quietly(lambda: self._drive(paymaster, send))
        else:
            self.world.earn(worker, 5 * UNIT_WEI)
            self.world.rig.next_day()
            self._pay(paymaster)

    @rule(send=st.booleans())
    def settle(self, send: bool) -> None:
        """A look at what is under way."""
        report = self._drive(None, send)
        if send:
            self.world.check_told(report)

    # What the chain does.

    @rule()
    def mine(self) -> None:
        """A block passes."""
        self.world.chain.mine()

    @rule(lag=st.integers(0, 3))
    def finalize(self, lag: int) -> None:
        """Finality moves on."""
        self.world.chain.finalize(lag)

    @rule(automine=st.sampled_from([True, True, False]))
    def wait_in_a_pool(self, automine: bool) -> None:
        """Transfers wait for a block, or not."""
        self.world.chain.automine = automine

    @rule()
    def drop(self) -> None:
        """The node forgets its pool."""
        self.world.chain.pool.clear()

    @rule(depth=st.integers(1, 4), forget=st.booleans())
    def reorganize(self, depth: int, forget: bool) -> None:
        """Blocks that are not final are taken back."""
        self.world.chain.reorganize(depth, forget=forget)

    @rule(fee_wei=st.sampled_from([1, 10, 40, 200, 700, 1200]))
    def base_fee(self, fee_wei: int) -> None:
        """Gas gets dearer or cheaper, above what the options allow too."""
        self.world.chain.fee_wei = fee_wei

    @rule(worker=st.sampled_from(WORKERS), refuses=st.booleans())
    def recipient(self, worker: str, refuses: bool) -> None:
        """A worker's address begins or ends to refuse transfers."""
        (self.world.chain.refuse.add if refuses else self.world.chain.refuse.discard)(worker)

    @rule(worker=st.sampled_from(WORKERS))
    def recipient_that_turns(self, worker: str) -> None:
        """An address begins to refuse while its transfer is on its way, and ends to."""
        world = self.world
        world.chain.turning.add(worker)
        world.earn(worker, 5 * UNIT_WEI)
        world.rig.next_day()
        self._pay(world.paymaster())
        world.chain.turning.clear()
        world.chain.mine()
        world.chain.finalize()
        self.settle(False)
        world.chain.refuse.discard(worker)

    @rule(to=st.sampled_from([*WORKERS, STRANGER]), same=st.booleans(), empties=st.booleans())
    def somebody_else(self, to: str, same: bool, empties: bool) -> None:
        """The key signs elsewhere: what a payout would pay, a little, or all that there is."""
        world = self.world
        under_way = [one for one in world.rig.book.open_payouts() if one.intent.to_address == to]
        value_wei = under_way[0].intent.amount_wei if same and under_way else UNIT_WEI // 10
        if empties and to == STRANGER:
            value_wei = max(0, world.chain.balance_wei(world.rig.sender) - UNIT_WEI)
        signed = world.sign_elsewhere(to, value_wei)
        if signed is not None:
            world.chain.pool[signed.sender, signed.transfer.nonce] = signed
            world.chain.mine()

    @rule(worker=st.sampled_from(WORKERS), same=st.booleans(), final=st.booleans())
    def somebody_else_in_between(self, worker: str, same: bool, final: bool) -> None:
        """A payout is signed and does not arrive, and its nonce is used elsewhere, for good or not.

        Where it is not for good, a reorganization lets the payout's own bytes win.
        """
        world = self.world
        world.earn(worker, 5 * UNIT_WEI)
        world.rig.next_day()
        world.chain.lies = [Lie(False, SendOutcome.UNKNOWN)] * 20
        self._pay(world.paymaster())
        world.chain.lies = []
        self.somebody_else(worker, same, False)
        self.settle(True)
        if final:
            world.chain.finalize()
        else:
            world.chain.reorganize(1, forget=True, instead=list(world.chain.heard.values())[-1:])

    @rule(depth=st.integers(1, 3), to=st.sampled_from([*WORKERS, STRANGER]), same=st.booleans())
    def take_the_place(self, depth: int, to: str, same: bool) -> None:
        """A reorganization puts a foreign transfer into the place of a payout."""
        world = self.world
        world.chain.reorganize(depth, forget=True)
        self.somebody_else(to, same, False)

    # What the operator does.

    @rule(which=st.integers(0, 2))
    def cancel_in_a_pool(self, which: int) -> None:
        """A payout that waits for a block is cancelled; either of the two transfers wins."""
        world = self.world
        world.chain.automine = False
        world.earn(WORKERS[which], 5 * UNIT_WEI)
        world.rig.next_day()
        self._pay(world.paymaster())
        paying = dict(world.chain.pool)
        self.order("cancel", 0)
        self.settle(True)
        world.chain.automine = True
        if which == 0:
            world.chain.pool = paying
            world.chain.mine()

    @rule(paused=st.sampled_from([False, False, True]))
    def pause(self, paused: bool) -> None:
        """The operator pauses or resumes."""
        self.world.order(orders.pause if paused else orders.resume)

    @rule(order=st.sampled_from(["cancel", "retry"]), which=st.integers(0, 5))
    def order(self, order: str, which: int) -> None:
        """The operator cancels or retries a payout; one that may be paid is never paid anew."""
        self.world.accept_held()
        payouts = self.world.rig.payouts()
        if payouts:
            call = {"cancel": orders.cancel, "retry": orders.retry}[order]
            self.world.order(call, payouts[-1 - which % len(payouts)].id)

    @rule(units=st.integers(1, 100))
    def top_up(self, units: int) -> None:
        """Money comes into the wallet."""
        self.world.chain.grant(self.world.rig.sender, units * UNIT_WEI)

    @invariant()
    def sound(self) -> None:
        """The oracles, after every step."""
        REACHED["steps"] += 1
        self.world.check()

    def teardown(self) -> None:
        """All troubles end, and the accounts are compared."""
        try:
            self.world.come_to_rest()
            self.world.check()
            self.world.compare()
        finally:
            self.world.close()

    def _interrupted(self, what: str, fuse: int, after: bool) -> Paymaster:
        def happen(name: str) -> None:
            REACHED[what] += 1
            self.happenings[what](name)

        return self.world.paymaster(Interruption(fuse, after, happen))

    def _pause_meanwhile(self, name: str) -> None:
        self.world.order(orders.pause)
        # Between the last look at the pause and the broadcast nothing can be held back.
        self.world.pause_in_the_air = name in ("send", "check_lease", "pause")

    def _pay(self, paymaster: Paymaster, *, asked: bool = False) -> None:
        def run() -> None:
            report = self.world.pay(paymaster)
            if asked:
                self.world.check_told(report)

        self._quietly(run)

    def _drive(self, paymaster: Paymaster | None, send: bool) -> DriveReport:
        return drive(paymaster or self.world.paymaster(), send=send)

    def _quietly(self, work: Callable[[], object]) -> None:
        with suppress(Crash, OSError, PayoutConflict):
            work()
        self.world.pause_in_the_air = False
