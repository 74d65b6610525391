"""A whole pool's event log, from the first second on, as fast as possible or at wall-clock pace."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise

from openpool_management.simulation.flush import Flush
from openpool_management.simulation.identity import worker_addresses
from openpool_management.simulation.options import EVENTS_OF_TEN_JOBS, SimulationOptions
from openpool_management.simulation.stream_log import StreamLog
from openpool_management.simulation.truth import LedgerTruth

# Far more than a process lives to write, and still a number that can be counted down from.
_ENDLESS = 1 << 62


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Simulation:
    """One simulated pool. run() gives its history, live() goes on from there at wall-clock pace."""

    def __init__(self, options: SimulationOptions) -> None:
        self.options = options
        workers = worker_addresses(options.seed, options.workers)
        self._logs = [
            StreamLog(stream, options, workers, quota)
            for stream, quota in zip(options.streams, _quotas(options), strict=True)
        ]
        self._second = int(options.start.timestamp())
        self._stopped = False

    def run(self) -> Iterator[Flush]:
        """The objects of exactly options.events events, in write order."""
        while not all(log.finished for log in self._logs):
            yield from self._step()
        yield from self._finish()

    def live(
        self,
        clock: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[Flush]:
        """Objects as they come due by the clock, until stop() or a KeyboardInterrupt in sleep.

        Then jobs under way are brought to their end, and what is queued or late is written: the
        last events may be stamped a few seconds ahead of the clock.
        """
        self._second = max(self._second, int(clock().timestamp()))
        for log in self._logs:
            log.extend(_ENDLESS)
        try:
            while not self._stopped:
                now = clock().timestamp()
                # A second is over before its events are written.
                while self._second < int(now) and not self._stopped:
                    yield from self._step()
                if not self._stopped:
                    sleep(1 - now % 1)
        except KeyboardInterrupt:
            pass
        for log in self._logs:
            log.curtail()
        yield from self.run()

    def stop(self) -> None:
        """End live() at the next second; may be called from a signal handler or another thread."""
        self._stopped = True

    def expected_ledger(self, fee_bps: int = 2_500) -> LedgerTruth:
        """What all objects add up to, at a commission in basis points.

        True once run() or live() has come to its end: a job is noted when it begins. Zero-address
        jobs are under ``held``, which is there only if there are any.
        """
        truths = {str(log.stream): log.tally.truth(fee_bps) for log in self._logs}
        return {"streams": {name: t for name, t in sorted(truths.items()) if t["events"]}}

    def _step(self) -> Iterator[Flush]:
        second = self._second
        self._second += 1
        for log in self._logs:
            yield from log.step(second)

    def _finish(self) -> Iterator[Flush]:
        for log in self._logs:
            yield from log.finish(self._second)


def _quotas(options: SimulationOptions) -> list[int]:
    """The events of each stream, in such shares that all streams end at about the same time."""
    weights = [EVENTS_OF_TEN_JOBS[stream.node_type] for stream in options.streams]
    bounds = [
        options.events * sum(weights[:index]) // sum(weights) for index in range(len(weights) + 1)
    ]
    return [after - before for before, after in pairwise(bounds)]


def simulate(options: SimulationOptions) -> Iterator[Flush]:
    """The objects of exactly options.events events, in write order."""
    return Simulation(options).run()


def live(
    options: SimulationOptions,
    clock: Callable[[], datetime] = _utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Flush]:
    """Objects at wall-clock pace, without a history, until a KeyboardInterrupt in sleep."""
    return Simulation(options).live(clock, sleep)


def expected_ledger(source: SimulationOptions | Simulation, fee_bps: int = 2_500) -> LedgerTruth:
    """What all objects add up to; for options, a simulation is run to find out."""
    if isinstance(source, Simulation):
        return source.expected_ledger(fee_bps)
    simulation = Simulation(source)
    for _ in simulation.run():
        pass
    return simulation.expected_ledger(fee_bps)
