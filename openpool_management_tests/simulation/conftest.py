"""One long run that every trap has had time to happen in, decoded once."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from openpool_management.domain.streams import ObjectTimes, Stream, stream_of_key, times_of_key
from openpool_management.simulation import Flush, Simulation, SimulationOptions

Event = dict[str, Any]


@dataclass(frozen=True)
class WrittenObject:
    """A flush with what its key and its body say."""

    flush: Flush
    stream: Stream
    times: ObjectTimes
    events: list[Event]

    @classmethod
    def read(cls, flush: Flush) -> "WrittenObject":
        stream = stream_of_key(flush.key)
        assert stream is not None, flush.key
        times = times_of_key(stream, flush.key)
        assert times is not None, flush.key
        return cls(flush, stream, times, json.loads(flush.body) or [])


@dataclass(frozen=True)
class LongRun:
    """A simulation that has come to its end, and its objects in write order."""

    simulation: Simulation
    objects: list[WrittenObject]

    @property
    def events(self) -> list[Event]:
        return [event for written in self.objects for event in written.events]

    def payloads(self, event_type: str, node_type: str | None = None) -> list[Event]:
        return [
            event["Payload"]
            for event in self.events
            if event["EventType"] == event_type and node_type in (None, event["NodeType"])
        ]


@pytest.fixture(scope="session")
def long_run() -> LongRun:
    """Some three hours of a pool with two streams, one of them in a region with dashes."""
    options = SimulationOptions(
        streams=(Stream("ai", "us-central-1"), Stream("transcode", "oceania")),
        workers=7,
        events=120_000,
        seed=20_260_101,
    )
    simulation = Simulation(options)
    return LongRun(simulation, [WrittenObject.read(flush) for flush in simulation.run()])
