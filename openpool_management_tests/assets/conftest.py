"""A Dagster instance, the definitions, and a pool of their own for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from openpool_management.definitions import definitions_for
from openpool_management.partitions import STREAMS_NAME
from openpool_management.pool import Pool
from openpool_management.resources import PoolResource
from openpool_management.services.ledger_report import ledger_document
from openpool_management.settings import Settings


def pool_resource(settings: Settings) -> PoolResource:
    """The resource with options of its own, whatever the environment says."""

    class Fixed(PoolResource):
        def load(self) -> Settings:
            return settings

    return Fixed()


class Workbench:
    """Dagster as tests work with it, in this process."""

    def __init__(self, instance: dg.DagsterInstance, settings: Settings) -> None:
        self.instance = instance
        self.settings = settings
        self.resource = pool_resource(settings)
        self.defs = definitions_for(settings, self.resource)

    def with_options(self, **changes: Any) -> "Workbench":
        """The same instance with other options."""
        values = self.settings.model_dump() | changes
        return Workbench(self.instance, Settings(**values))

    def tick(self, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        """One evaluation of the sensor, its new partitions added as the daemon does."""
        sensor = self.defs.resolve_sensor_def("event_log_sensor")
        with dg.build_sensor_context(
            instance=self.instance,
            definitions=self.defs,
            cursor=cursor,
            resources={"openpool": self.resource},
        ) as context:
            result = sensor(context)
        if isinstance(result, dg.SensorResult):
            for request in result.dynamic_partitions_requests or []:
                self.instance.add_dynamic_partitions(STREAMS_NAME, list(request.partition_keys))
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


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A workbench on an empty event log in ``events``."""
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
    events = tmp_path / "events"
    events.mkdir(exist_ok=True)
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "dagster")) as instance:
        yield Workbench(instance, Settings(home=tmp_path / "home", events_dir=events))


@pytest.fixture
def real_bench(bench: Workbench, real_events_dir: Path) -> Workbench:
    """A workbench on the real objects."""
    return bench.with_options(events_dir=real_events_dir)


@pytest.fixture
def stored_bench(bench: Workbench, tmp_path: Path) -> Iterator[Workbench]:
    """A workbench whose instance is on disk: one in memory has no ticks and no reference."""
    folder = tmp_path / "stored"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        yield Workbench(instance, bench.settings)
