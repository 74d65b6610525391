"""Dagster as tests work with it: the definitions and a pool of their own, in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import dagster as dg

from openpool_management.definitions import definitions_for
from openpool_management.partitions import STREAMS_NAME
from openpool_management.payout_desk import PayoutDesk
from openpool_management.pool import Pool, utc_now
from openpool_management.resources import PoolResource
from openpool_management.services.ledger_report import ledger_document
from openpool_management.settings import Settings


def pool_resource(settings: Settings, clock: Callable[[], datetime] = utc_now) -> PoolResource:
    """The resource with options and a clock of its own, whatever the environment says."""

    class Fixed(PoolResource):
        def load(self) -> Settings:
            return settings

        @property
        def desk(self) -> PayoutDesk:
            desk = super().desk
            desk.clock = clock
            return desk

    return Fixed()


class Workbench:
    """Dagster as tests work with it, in this process."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.instance = instance
        self.settings = settings
        self.clock = clock
        self.resource = pool_resource(settings, clock)
        self.defs = definitions_for(settings, self.resource)

    def with_options(self, **changes: Any) -> "Workbench":
        """The same instance with other options."""
        values = self.settings.model_dump() | changes
        return Workbench(self.instance, Settings(**values), self.clock)

    def at(self, now: datetime) -> "Workbench":
        """The same instance and options; the clock of payouts stands."""
        return Workbench(self.instance, self.settings, lambda: now)

    def tick(self, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        """One evaluation of event_log_sensor, its new partitions added as the daemon does."""
        result = self.evaluate("event_log_sensor", cursor)
        if isinstance(result, dg.SensorResult):
            for request in result.dynamic_partitions_requests or []:
                self.instance.add_dynamic_partitions(STREAMS_NAME, list(request.partition_keys))
        return result

    def evaluate(self, name: str, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        """One evaluation of a sensor."""
        sensor = self.defs.resolve_sensor_def(name)
        with dg.build_sensor_context(
            instance=self.instance,
            definitions=self.defs,
            cursor=cursor,
            resources={"openpool": self.resource},
        ) as context:
            result = sensor(context)
        assert isinstance(result, (dg.SensorResult, dg.SkipReason))
        return result

    def requests(self, cursor: str | None = None) -> list[dg.RunRequest]:
        """The runs that a tick asks for."""
        result = self.tick(cursor)
        return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []

    def run(
        self, stream: str, job: str = "ingest_job", **options: Any
    ) -> dg.ExecuteInProcessResult:
        """Run a job for a stream."""
        self.instance.add_dynamic_partitions(STREAMS_NAME, [stream])
        return self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=stream, **options
        )

    def run_until_quiet(self) -> int:
        """Tick and run until a tick asks for nothing; the number of runs."""
        runs = 0
        while requests := self.requests():
            for request in requests:
                assert request.partition_key
                assert self.run(request.partition_key, tags=request.tags).success
                runs += 1
        return runs

    def checks(self) -> dict[str, dg.AssetCheckEvaluation]:
        """What every check says, by its name."""
        result = self.defs.resolve_job_def("check_job").execute_in_process(instance=self.instance)
        return {one.check_name: one for one in result.get_asset_check_evaluations()}

    def failing(self) -> set[str]:
        """Names of the checks that fail."""
        return {name for name, one in self.checks().items() if not one.passed}

    def document(self) -> dict[str, Any]:
        """What ``openpool ledger --json`` prints."""
        with self.pool() as pool:
            return ledger_document(pool.books)

    @contextmanager
    def pool(self) -> Iterator[Pool]:
        """The pool, to look at what Dagster left behind or to change what it finds."""
        pool = Pool(self.settings)
        yield pool
        pool.engine.dispose()
