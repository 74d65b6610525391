"""A ledger rolled back to a backup while the chain went on, on each kind of database."""

import signal
from dataclasses import dataclass, replace

import pytest

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts import orders
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management.services.payouts.reconcile import rebuild, reconcile
from openpool_management_tests.faults.payout_crashes.drill import FEE_WEI, Drill
from openpool_management_tests.faults.payout_crashes.kill_points import SEND, Point
from openpool_management_tests.faults.payout_crashes.pay_child import TickingRig
from openpool_management_tests.ledgers import MemorySource, Version
from openpool_management_tests.log_objects import TRANSCODE, body, key, transcoded
from openpool_management_tests.payout_rig import worker_address

WORKERS = [worker_address(number) for number in range(5)]
STRANGER = worker_address(99)
REASON = "the disk died, restored the backup of the night"


@dataclass(frozen=True)
class Backup:
    """A moment at which the ledger is copied, in the middle of five payouts.

    missing: what reconcile finds that the backup knows nothing of, when the day went on to its end.
    """

    at: Point
    states: tuple[PayoutState, ...]
    missing: int


RESERVED, SEEN, SETTLED = PayoutState.RESERVED, PayoutState.SEEN, PayoutState.SETTLED
BACKUPS = {
    "before-setting-aside": Backup(Point("commit account entry payout_intent posting"), (), 5),
    "set-aside": Backup(Point("commit tx_slot"), (RESERVED,) * 5, 5),
    "nonce": Backup(Point("commit tx_attempt", 2), (SEEN, PayoutState.SLOTTED, *[RESERVED] * 3), 3),
    "signed": Backup(Point(f"ask {SEND}", 2), (SEEN, PayoutState.SIGNED, *[RESERVED] * 3), 3),
    "half-seen": Backup(Point("commit tx_slot", 4), (*[SEEN] * 3, RESERVED, RESERVED), 2),
    "half-settled": Backup(Point("write payout_event", 8), (SETTLED, SETTLED, *[SEEN] * 3), 0),
}


@dataclass
class Disaster:
    """A pool whose ledger is copied at some moment, lost later, and replaced by the copy."""

    drill: Drill
    log: MemorySource

    def back_up(self, at: Point | None) -> None:
        """Begin, live up to a point (None: do nothing) and copy the ledger."""
        plan = self.drill.begin()
        if at is not None:
            assert self.drill.live(replace(plan, at=at)) == -signal.SIGKILL
        self.drill.copies.copy("ledger", "backup")

    def earn(self, rig: TickingRig, *workers: str) -> None:
        """Let workers earn, in an object that stays in the log."""
        second = 1000 + 60 * len(self.log.versions)
        jobs = [transcoded(worker, second, units=1, price=FEE_WEI) for worker in workers]
        self.log.add([Version(key(TRANSCODE, second), body(jobs))])
        rig.scratch.sync(self.log, full=True)

    def restore(self) -> TickingRig:
        """Put the copy in the ledger's place, with what the log tells since."""
        self.drill.copies.copy("backup", "ledger")
        rig = self.drill.later()
        rig.next_day()
        rig.scratch.sync(self.log, full=True)
        return rig

    def assert_nothing_is_sent(self, rig: TickingRig) -> None:
        """Runs stop before they send, pause, and say what is to be done."""
        sent = self.drill.sent()
        for _ in range(2):
            report = rig.pay()
            assert report.problems
            rig.drive()
        assert self.drill.sent() == sent
        pause = rig.book.pause()
        assert pause is not None and pause.paused and pause.asked_by == "program"
        assert "openpool payouts reconcile" in pause.reason

    def rebuild(self, rig: TickingRig) -> list[str]:
        """What the runbook says: rebuild, compare, resume."""
        told = rebuild(rig.paymaster(signing=False), WORKERS, REASON)
        rig.drive(send=False)
        found = reconcile(rig.paymaster(signing=False))
        assert (found.differences, found.missing) == ([], [])
        orders.resume(rig.book, "rebuilt", rig.now)
        return told

    def assert_settles(self, rig: TickingRig, earned_wei: dict[str, int]) -> None:
        """The next days pay what is owed and no more; ledger and chain agree."""
        for _ in range(2):
            rig.next_day()
            assert rig.pay().problems == []
            self.drill.anvil.finalize()
            rig.drive()
        paid_wei = {worker: self.drill.anvil.balance_wei(worker) for worker in WORKERS}
        assert paid_wei == earned_wei
        assert [rig.payable_wei(worker) for worker in WORKERS] == [0] * 5
        assert rig.scratch.broken() == []
        assert all(payout.ended for payout in rig.payouts())
        assert rig.book.wallet_wei(rig.sender) == self.drill.anvil.balance_wei(rig.sender)


@pytest.fixture
def disaster(drill: Drill) -> Disaster:
    """Five workers who earned, on each kind of database."""
    drill.let_earn(WORKERS)
    return Disaster(drill, MemorySource())


@pytest.fixture
def sqlite_disaster(sqlite_drill: Drill) -> Disaster:
    """Five workers who earned, on SQLite."""
    sqlite_drill.let_earn(WORKERS)
    return Disaster(sqlite_drill, MemorySource())


@pytest.fixture
def postgres_disaster(postgres_drill: Drill) -> Disaster:
    """Five workers who earned, on PostgreSQL."""
    postgres_drill.let_earn(WORKERS)
    return Disaster(postgres_drill, MemorySource())


def earned(times: int) -> dict[str, int]:
    """What each worker keeps of so many fees."""
    return dict.fromkeys(WORKERS, times * FEE_WEI * 3 // 4)


@pytest.mark.parametrize("moment", BACKUPS)
def test_rolled_back_on_sqlite(sqlite_disaster: Disaster, moment: str) -> None:
    assert_recovers(sqlite_disaster, BACKUPS[moment])


@pytest.mark.parametrize("moment", ["before-setting-aside", "nonce", "signed"])
def test_rolled_back_on_postgresql(postgres_disaster: Disaster, moment: str) -> None:
    assert_recovers(postgres_disaster, BACKUPS[moment])


@pytest.mark.soak
@pytest.mark.parametrize("moment", ["set-aside", "half-seen", "half-settled"])
def test_rolled_back_on_postgresql_too(postgres_disaster: Disaster, moment: str) -> None:
    assert_recovers(postgres_disaster, BACKUPS[moment])


def assert_recovers(disaster: Disaster, backup: Backup) -> None:
    """The day went on to its end after the backup was made; nobody is paid again."""
    disaster.back_up(backup.at)
    disaster.drill.finish()
    rig = disaster.restore()
    assert tuple(rig.states()) == backup.states
    if backup.missing:
        disaster.assert_nothing_is_sent(rig)
        found = reconcile(rig.paymaster(signing=False))
        assert len(found.missing) == backup.missing
        told = disaster.rebuild(rig)
        assert sum(one.startswith("Nonce ") for one in told) == backup.missing
    sent = disaster.drill.sent()
    disaster.assert_settles(rig, earned(1))
    assert disaster.drill.sent() == sent, "everybody had been paid"


@pytest.mark.parametrize("moment", ["before-setting-aside", "nonce"])
def test_earned_and_paid_again_in_what_was_lost(disaster: Disaster, moment: str) -> None:
    """The lost ledger paid two days; what workers earned meanwhile is read from the log again."""
    disaster.back_up(BACKUPS[moment].at)
    disaster.drill.finish()
    rig = disaster.drill.later()
    rig.next_day()
    disaster.earn(rig, *WORKERS)
    assert rig.pay().problems == []
    disaster.drill.anvil.finalize()
    rig.drive()
    disaster.earn(rig, *WORKERS[:2])
    rig.scratch.close()
    rig = disaster.restore()
    disaster.assert_nothing_is_sent(rig)
    disaster.rebuild(rig)
    disaster.earn(rig, *WORKERS[2:])
    disaster.assert_settles(rig, earned(3))


def test_rebuilt_before_the_log_is_read_again(sqlite_disaster: Disaster) -> None:
    """Payouts of fees that the ledger does not know yet: paid too much, until it reads of them."""
    disaster = sqlite_disaster
    disaster.back_up(BACKUPS["set-aside"].at)
    disaster.drill.finish()
    rig = disaster.drill.later()
    rig.next_day()
    disaster.earn(rig, *WORKERS)
    rig.pay()
    disaster.drill.anvil.finalize()
    rig.drive()
    rig.scratch.close()
    log, disaster.log = disaster.log, MemorySource()
    rig = disaster.restore()
    disaster.rebuild(rig)
    assert [rig.payable_wei(worker) for worker in WORKERS] == [-FEE_WEI * 3 // 4] * 5
    sent = disaster.drill.sent()
    rig.next_day()
    rig.pay()
    assert disaster.drill.sent() == sent
    rig.scratch.sync(log, full=True)
    disaster.assert_settles(rig, earned(2))


@pytest.mark.parametrize("moment", ["before-setting-aside", "signed"])
def test_a_stranger_was_paid_in_between(sqlite_disaster: Disaster, moment: str) -> None:
    disaster = sqlite_disaster
    disaster.back_up(BACKUPS[moment].at)
    disaster.drill.finish()
    rig = disaster.drill.later()
    anvil = disaster.drill.anvil
    anvil.send(anvil.transfer(rig.key, STRANGER, 17, max_fee_wei=10**10))
    anvil.finalize()
    rig.scratch.close()
    rig = disaster.restore()
    disaster.assert_nothing_is_sent(rig)
    told = disaster.rebuild(rig)
    assert "not explained" in told[-1]
    disaster.assert_settles(rig, earned(1))
    assert rig.balance_wei(AccountKind.UNEXPLAINED, rig.sender) == -17


def test_bumped_in_what_was_lost(disaster: Disaster) -> None:
    """The backup has the bytes of a payout that other bytes paid, at a higher price."""
    drill = disaster.drill
    disaster.back_up(BACKUPS["signed"].at)
    drill.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    drill.anvil.mine()
    drill.finish()
    rig = disaster.restore()
    signed = next(one for one in rig.payouts() if one.state is PayoutState.SIGNED)
    disaster.assert_nothing_is_sent(rig)
    disaster.rebuild(rig)
    settled = rig.book.payout(signed.id)
    assert settled is not None and settled.state is SETTLED
    assert settled.events[-1].tx_hash not in settled.slots[0].hashes
    disaster.assert_settles(rig, earned(1))


def test_a_wallet_that_the_backup_never_opened(disaster: Disaster) -> None:
    drill = disaster.drill
    disaster.back_up(None)
    drill.finish()
    rig = disaster.restore()
    sent = drill.sent()
    report = rig.pay()
    assert any("openpool payouts open --nonce" in problem for problem in report.problems)
    assert drill.sent() == sent
    orders.open_at(rig.paymaster(signing=False), 0)
    disaster.assert_nothing_is_sent(rig)
    assert len(disaster.rebuild(rig)) == 5
    disaster.assert_settles(rig, earned(1))
    assert drill.sent() == sent


@pytest.mark.parametrize("moment", ["set-aside", "nonce", "signed"])
def test_restored_before_the_lost_payouts_are_final(sqlite_disaster: Disaster, moment: str) -> None:
    disaster = sqlite_disaster
    drill = disaster.drill
    disaster.back_up(BACKUPS[moment].at)
    rig = drill.later()
    rig.pay("2026-12-01")
    rig.scratch.close()
    rig = disaster.restore()
    disaster.assert_nothing_is_sent(rig)
    with pytest.raises(PayoutsStopped, match="not final yet"):
        rebuild(rig.paymaster(signing=False), WORKERS, REASON)
    drill.anvil.finalize()
    disaster.rebuild(rig)
    disaster.assert_settles(rig, earned(1))
