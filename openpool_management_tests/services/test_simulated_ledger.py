"""Simulated logs with all their traps add up to what the simulator noted while it made them."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.s3_source import S3Source
from openpool_management.domain.streams import Stream
from openpool_management.simulation import Flush, Simulation, SimulationOptions
from openpool_management.simulation.directory_sink import DirectorySink
from openpool_management_tests.ledgers import (
    FEE_BPS,
    MemorySource,
    ScratchLedger,
    Version,
    sync_in_turns,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

SEEDS = (1, 2, 3)


@cache
def simulated(seed: int) -> tuple[list[Flush], Any]:
    """Objects in write order, a third of them under a key with another, and their truth."""
    options = SimulationOptions(
        streams=(Stream("ai", "us-central-1"), Stream("transcode", "oceania")),
        workers=5,
        events=3_000,
        seed=seed,
        late_share=0.2,
        collision_share=0.4,
        flush_seconds=20,
    )
    simulation = Simulation(options)
    flushes = list(simulation.run())
    assert max(Counter(flush.key for flush in flushes).values()) > 1
    return flushes, simulation.expected_ledger(FEE_BPS)["streams"]


def versions_of(flushes: Sequence[Flush]) -> list[Version]:
    return [Version(flush.key, flush.body) for flush in flushes]


def assert_true(scratch: ScratchLedger, truth: Any) -> None:
    document = scratch.picture().document
    assert document["streams"] == truth
    assert document["held"] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_adds_up(seed: int, tmp_path: Path) -> None:
    flushes, truth = simulated(seed)
    versions = versions_of(flushes)
    shuffled = Random(seed).sample(versions, len(versions))
    ways = {
        "at once": [versions],
        "as written": [versions[place : place + 9] for place in range(0, len(versions), 9)],
        "in reverse": [versions[place : place + 5] for place in range(0, len(versions), 5)][::-1],
        "shuffled": [shuffled[place : place + 12] for place in range(0, len(shuffled), 12)],
    }
    pictures = []
    for name, turns in ways.items():
        home = tmp_path / name
        home.mkdir()
        with ScratchLedger.in_directory(home) as scratch:
            sync_in_turns(scratch, turns)
            assert_true(scratch, truth)
            pictures.append(scratch.picture())
    assert all(picture == pictures[0] for picture in pictures)


def test_one_object_a_batch_adds_up_on_each_database(ledger_url: str, tmp_path: Path) -> None:
    flushes, truth = simulated(SEEDS[0])
    with ScratchLedger(ledger_url, tmp_path / "lake") as scratch:
        scratch.sync(MemorySource(versions_of(flushes)), batch_objects=1)
        assert_true(scratch, truth)


def test_directory_adds_up(ledger_url: str, tmp_path: Path) -> None:
    flushes, truth = simulated(SEEDS[1])
    events = tmp_path / "events"
    sink = DirectorySink(events)
    with ScratchLedger(ledger_url, tmp_path / "lake") as scratch:
        for number, flush in enumerate(flushes):
            sink.write(flush)
            if number % 40 == 0:
                scratch.sync(DirectorySource(events))
        scratch.sync(DirectorySource(events))
        assert_true(scratch, truth)


def test_versioned_bucket_that_is_overwritten_adds_up(
    ledger_url: str, tmp_path: Path, moto_client: "S3Client", versioned_bucket: str
) -> None:
    flushes, truth = simulated(SEEDS[2])
    with ScratchLedger(ledger_url, tmp_path / "lake") as scratch:
        for number, flush in enumerate(flushes):
            moto_client.put_object(Bucket=versioned_bucket, Key=flush.key, Body=flush.body)
            if number % 40 == 0:
                scratch.sync(S3Source(moto_client, versioned_bucket, threads=4))
        scratch.sync(S3Source(moto_client, versioned_bucket, threads=4))
        assert_true(scratch, truth)
