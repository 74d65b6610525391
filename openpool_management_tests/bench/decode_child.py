"""The bare decode in a process of its own: beside a large heap, Python's collector slows it down.

Run as ``python -m openpool_management_tests.bench.decode_child EVENTS_DIR``; prints seconds.
"""

import sys
from pathlib import Path

from openpool_management_tests.bench.corpus import bare_decode_seconds

if __name__ == "__main__":
    print(bare_decode_seconds(Path(sys.argv[1])))
