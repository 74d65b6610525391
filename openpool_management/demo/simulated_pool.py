"""The pool of the demo: a history of some minutes, then objects at wall-clock pace."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread

from openpool_management.cli.simulate import ending_now
from openpool_management.demo.demo_home import S3_KEY
from openpool_management.simulation import Simulation, SimulationOptions
from openpool_management.simulation.flush import SinkError
from openpool_management.simulation.s3_sink import S3Sink
from openpool_management.simulation.truth import LedgerTruth

OPTIONS = SimulationOptions(
    workers=6, events=5_000, seed=7, orchestrators=2, flush_seconds=5, jobs_per_second=0.5
)


class SimulatedPool:
    """Orchestrators that write to a bucket, and what their history must add up to."""

    def __init__(self, endpoint_url: str, bucket: str) -> None:
        self.failure: SinkError | None = None
        self._options = ending_now(OPTIONS)
        self._simulation = Simulation(self._options)
        self._sink = S3Sink(
            bucket, access_key_id=S3_KEY, secret_access_key=S3_KEY, endpoint_url=endpoint_url
        )
        self._thread = Thread(target=self._go_on, name="simulated-pool", daemon=True)

    def write_history(self, stopped: Callable[[], bool]) -> int:
        """Write the history, until stopped says so; the number of objects."""
        objects = 0
        for flush in self._simulation.run():
            if stopped():
                break
            self._sink.write(flush)
            objects += 1
        return objects

    def expected_ledger(self, fee_bps: int) -> LedgerTruth:
        """What the history adds up to. Exact until start() is called."""
        return self._simulation.expected_ledger(fee_bps)

    def start(self) -> None:
        """Go on at wall-clock pace, first making up for the time since the history."""
        self._thread.start()

    def stop(self) -> None:
        """End at the next second."""
        self._simulation.stop()

    def _go_on(self) -> None:
        # The first look at the clock says where to go on at the earliest. An early time lets the
        # history's end decide, so that no stream has a gap of the time that Dagster took to start.
        readings = iter((self._options.start,))
        try:
            for flush in self._simulation.live(
                lambda: next(readings, datetime.now(UTC)), time.sleep
            ):
                self._sink.write(flush)
        except SinkError as error:
            self.failure = error
