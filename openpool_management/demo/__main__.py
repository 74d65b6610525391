"""``python -m openpool_management.demo [--once] [--home DIR]``."""

import argparse
import sys
from pathlib import Path

from openpool_management.demo.demo import run_demo
from openpool_management.demo.demo_home import DemoError

parser = argparse.ArgumentParser(
    prog="openpool-demo",
    description="From event objects in an embedded S3 server to the ledger. Ctrl-C ends it.",
)
parser.add_argument(
    "--once", action="store_true", help="without Dagster's UI: sync, print the ledger, end"
)
parser.add_argument(
    "--home",
    type=Path,
    default=Path(".openpool-demo"),
    help="folder for the demo's state, emptied first (default: .openpool-demo in the project)",
)
options = parser.parse_args()
try:
    sys.exit(run_demo(options.home, once=options.once))
except DemoError as error:
    print(error, file=sys.stderr)  # noqa: T201
    sys.exit(1)
