"""A small pool whose log holds names that would be markup, and more jobs than a page shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from openpool_management.cli.sync import sync_streams
from openpool_management.domain.streams import Stream
from openpool_management.export_desk import ExportDesk
from openpool_management.pages.account_lines import JOBS_SHOWN
from openpool_management.payout_desk import PayoutDesk
from openpool_management.pool import Pool
from openpool_management.services.exports.publication import Publication
from openpool_management.settings import Settings
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    TRANSCODE,
    Event,
    body,
    event,
    key,
    processed,
    received,
    transcoded,
)

EVIL = '<script>alert("x")</script>\'"&{{ 7 * 7 }}'
CONNECTION = "203.0.113.9:8935"
MANY_JOBS = 2 * JOBS_SHOWN + 50


@dataclass(frozen=True)
class Shown:
    """A pool, and what it publishes."""

    pool: Pool
    publication: Publication

    def read(self, stream: Stream, second: int, *events: Event) -> None:
        """Let one more object appear, and read it."""
        assert self.pool.settings.events_dir is not None
        path = self.pool.settings.events_dir / key(stream, second)
        path.write_bytes(body(events))
        sync_streams(self.pool, [stream], full=True)


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    """ALICE did many jobs and one of an evil model; BOB did one; something is held."""
    events = tmp_path / "events"
    names: dict[str, Any] = {"modelID": EVIL, "pipeline": EVIL}
    connected = event(AI, "worker-connected", 0, ethAddress=ALICE, connection=CONNECTION)
    objects = {
        key(AI, 0): [connected, received(ALICE, 1, **names), processed(2, **names), {"ID": EVIL}],
        key(TRANSCODE, 0): [
            *(transcoded(ALICE, number % 50) for number in range(MANY_JOBS)),
            transcoded(BOB, 50),
        ],
    }
    for name, content in objects.items():
        path = events / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body(content))
    pool = Pool(Settings(home=tmp_path / "home", events_dir=events))
    sync_streams(pool, pool.source.streams())
    yield Shown(pool, ExportDesk(PayoutDesk(pool)).publication())
    pool.engine.dispose()
