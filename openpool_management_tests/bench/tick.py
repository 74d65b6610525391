"""What a sensor's tick costs beside 100,000 old objects in the bucket."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from openpool_management.adapters.s3_source import S3Source
from openpool_management.domain.batch import Batch, BatchKind, ReadObject, batch_id
from openpool_management.domain.streams import KEY_TIME_FORMAT, Stream
from openpool_management.pool import Pool
from openpool_management.settings import Settings
from openpool_management_tests.servers.process import free_port

OLD_OBJECTS = 100_000
STREAM = Stream("transcode", "us-west")
BUCKET = "bench"


def measure_tick(work: Path) -> dict[str, Any]:
    """Requests and time of one look for new objects, all old ones being read already.

    The objects are one-minute flushes up to the present. They are put into moto's memory and into
    the ledger directly; the look itself goes over HTTP.
    """
    work.mkdir(parents=True)
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        pool = Pool(
            Settings(
                s3_bucket=BUCKET,
                s3_endpoint=f"http://127.0.0.1:{port}",
                aws_access_key_id="bench",
                aws_secret_access_key="bench",
                ledger_url=f"sqlite:///{work / 'ledger.sqlite'}",
                lake_url=str(work / "lake"),
            )
        )
        _fill(pool)
        source = pool.source
        assert isinstance(source, S3Source)
        before = source.requests
        started = perf_counter()
        found = [next(pool.ingest.new_objects(stream), None) for stream in source.streams()]
        seconds = perf_counter() - started
        assert found == [None], found
        return {
            "old_objects": OLD_OBJECTS,
            "requests": source.requests - before,
            "seconds": round(seconds, 3),
        }
    finally:
        server.stop()


def _fill(pool: Pool) -> None:
    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)
    objects = []
    for number in range(OLD_OBJECTS):
        start = newest - timedelta(minutes=OLD_OBJECTS - number)
        end = start + timedelta(seconds=59)
        times = "_".join(moment.strftime(KEY_TIME_FORMAT) for moment in (start, end))
        key = f"{STREAM.prefix}{STREAM.region}-{STREAM.node_type}-{times}.json"
        etag = backend.put_object(BUCKET, key, b"[]").etag.strip('"')
        objects.append(ReadObject(key, "", etag, 2, end, start, end, end, 0))
    for seq, first in enumerate(range(0, OLD_OBJECTS, 10_000), start=1):
        part = tuple(objects[first : first + 10_000])
        identity = batch_id(STREAM, BatchKind.OBJECTS, (one.key for one in part))
        pool.ledger.commit(
            Batch(identity, STREAM, seq, BatchKind.OBJECTS, part[-1].read_at, 1, part)
        )
