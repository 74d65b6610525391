"""Two orchestrators that overwrite each other's keys: a versioned bucket loses no event."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openpool_management.adapters.s3_source import S3Source
from openpool_management.domain.streams import Stream
from openpool_management.simulation import Simulation, SimulationOptions
from openpool_management_tests.ledgers import FEE_BPS, ScratchLedger

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.mark.parametrize("syncs", [1, 6])
def test_every_flush_under_a_key_of_another(
    syncs: int,
    tmp_path: Path,
    moto_client: "S3Client",
    bucket: str,
    versioned_bucket: str,
) -> None:
    options = SimulationOptions(
        streams=(Stream("ai", "us-central"),),
        workers=4,
        events=2_000,
        seed=11,
        orchestrators=2,
        collision_share=1.0,
        late_share=0.0,
        flush_seconds=10,
    )
    simulation = Simulation(options)
    flushes = list(simulation.run())
    share = len(flushes) // syncs + 1
    with ScratchLedger.in_directory(tmp_path) as scratch:
        for start in range(0, len(flushes), share):
            for flush in flushes[start : start + share]:
                for name in (bucket, versioned_bucket):
                    moto_client.put_object(Bucket=name, Key=flush.key, Body=flush.body)
            scratch.sync(S3Source(moto_client, versioned_bucket, threads=4))
        assert (
            scratch.picture().document["streams"]
            == (simulation.expected_ledger(FEE_BPS)["streams"])
        )
        assert scratch.events(options.streams[0]).height == options.events
    overwritten = sum(count - 1 for count in Counter(flush.key for flush in flushes).values())
    assert overwritten > 10
    # The same objects in a bucket that keeps no versions: this is what would have been lost.
    left = list(S3Source(moto_client, bucket, threads=4).objects(options.streams[0], None))
    assert len(left) == len(flushes) - overwritten
