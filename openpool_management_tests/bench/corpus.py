"""Simulated objects to measure with, and the plain decode that everything is compared with."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

import msgspec

from openpool_management.domain.streams import Stream
from openpool_management.simulation import Simulation, SimulationOptions
from openpool_management.simulation.directory_sink import DirectorySink

STREAMS = (Stream("ai", "us-central"), Stream("transcode", "us-west"))


class _Payload(msgspec.Struct):
    ethAddress: str | None = None
    connection: str | None = None
    requestID: str | None = None
    pipeline: str | None = None
    modelID: str | None = None
    responseTime: int | None = None
    computeUnits: int | None = None
    pricePerComputeUnit: int | None = None
    fees: int | None = None
    realTimeRatio: int | None = None
    duration: int | None = None


class _Event(msgspec.Struct):
    DT: str
    EventType: str
    ID: str
    NodeType: str
    Payload: _Payload | None
    Region: str
    Version: int


def simulate(
    directory: Path,
    events: int,
    seed: int,
    start: datetime,
    *,
    jobs_per_second: float = 80,
    flush_seconds: int = 60,
    streams: tuple[Stream, ...] = STREAMS,
) -> Path:
    """Write objects of exactly so many events into a fresh directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    sink = DirectorySink(directory)
    options = SimulationOptions(
        streams=streams,
        workers=300,
        events=events,
        seed=seed,
        start=start,
        jobs_per_second=jobs_per_second,
        flush_seconds=flush_seconds,
    )
    for flush in Simulation(options).run():
        sink.write(flush)
    return directory


def last_end(directory: Path) -> datetime:
    """A moment after everything in the directory, so that a later simulation can follow it."""
    ends = (path.stem.rsplit("_", 1)[1] for path in directory.glob("*/*/*.json"))
    return datetime.strptime(max(ends), "%Y%m%dT%H%M%SZ").astimezone() + timedelta(hours=3)


def bare_decode_seconds(directory: Path) -> float:
    """Time msgspec takes to decode all objects to typed structs, reading them not counted."""
    decoder = msgspec.json.Decoder(list[_Event] | None)
    seconds = 0.0
    for data in _bytes(directory):
        started = perf_counter()
        decoder.decode(data)
        seconds += perf_counter() - started
    return seconds


def _bytes(directory: Path) -> Iterator[bytes]:
    for path in sorted(directory.glob("*/*/*.json")):
        yield path.read_bytes()
