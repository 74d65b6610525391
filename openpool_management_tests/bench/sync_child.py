"""One sync in a process of its own; prints its time, its events and its peak memory as JSON.

Run as ``python -m openpool_management_tests.bench.sync_child EVENTS_DIR LEDGER_URL LAKE_DIR``.
"""

import json
import resource
import sys
from pathlib import Path
from time import perf_counter

from openpool_management.pool import Pool
from openpool_management.settings import Settings


def main(events_dir: str, ledger_url: str, lake: str) -> None:
    """Sync all streams of a directory and print what it took."""
    pool = Pool(Settings(events_dir=Path(events_dir), ledger_url=ledger_url, lake_url=lake))
    ingest = pool.ingest
    events = 0
    started = perf_counter()
    for stream in pool.source.streams():
        for outcome in ingest.sync(stream):
            events += outcome.batch.events if outcome.batch else 0
    seconds = perf_counter() - started
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "events": events, "peak_mib": round(peak_mib)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
