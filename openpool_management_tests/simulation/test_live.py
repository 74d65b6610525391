import json
from datetime import UTC, datetime, timedelta

from openpool_management.simulation import Flush, Simulation, SimulationOptions
from openpool_management_tests.simulation.conftest import WrittenObject
from openpool_management_tests.simulation.test_truth import naive_ledger

BEGIN = datetime(2026, 5, 17, 12, 0, 0, 250_000, tzinfo=UTC)


class ManualClock:
    """Time that passes by sleeping alone; at a given second it is interrupted or stopped."""

    def __init__(self, interrupt_after_seconds: float | None = None) -> None:
        self.now = BEGIN
        self._interrupt_after_seconds = interrupt_after_seconds

    def read(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 1
        self.now += timedelta(seconds=seconds)
        passed = (self.now - BEGIN).total_seconds()
        if self._interrupt_after_seconds is not None and passed > self._interrupt_after_seconds:
            raise KeyboardInterrupt


def options(events: int = 0) -> SimulationOptions:
    return SimulationOptions(flush_seconds=5, events=events, collision_share=0.3)


def assert_complete(simulation: Simulation, flushes: list[Flush]) -> None:
    objects = [WrittenObject.read(flush) for flush in flushes]
    assert simulation.expected_ledger() == naive_ledger(objects, 2_500)


def test_an_interrupt_ends_it_with_everything_written() -> None:
    clock = ManualClock(interrupt_after_seconds=120)
    simulation = Simulation(options())
    flushes = list(simulation.live(clock.read, clock.sleep))
    assert len(flushes) > 3 * 2 * 120 / 5 / 2
    assert_complete(simulation, flushes)


def test_events_bear_the_time_of_the_clock() -> None:
    clock = ManualClock(interrupt_after_seconds=30)
    flushes = list(Simulation(options()).live(clock.read, clock.sleep))
    times = [
        datetime.fromisoformat(event["DT"])
        for flush in flushes
        for event in json.loads(flush.body) or []
    ]
    assert min(times) == BEGIN.replace(microsecond=0)
    assert max(times) <= clock.now + timedelta(seconds=15)


def test_objects_come_while_it_runs_and_never_before_their_last_event() -> None:
    clock = ManualClock()
    simulation = Simulation(options())
    flushes = []
    for flush in simulation.live(clock.read, clock.sleep):
        flushes.append(flush)
        if clock.now < BEGIN + timedelta(seconds=60):
            events = json.loads(flush.body) or []
            assert all(datetime.fromisoformat(e["DT"]) <= clock.now for e in events)
        else:
            simulation.stop()
    assert_complete(simulation, flushes)


def test_it_goes_on_from_a_history() -> None:
    clock = ManualClock(interrupt_after_seconds=20)
    simulation = Simulation(options(events=2_000))
    history = list(simulation.run())
    assert sum(len(json.loads(flush.body) or []) for flush in history) == 2_000
    live = list(simulation.live(clock.read, clock.sleep))
    assert live
    assert_complete(simulation, history + live)


def test_it_can_be_stopped_before_it_begins() -> None:
    simulation = Simulation(options())
    simulation.stop()
    assert list(simulation.live(ManualClock().read, ManualClock().sleep)) == []
