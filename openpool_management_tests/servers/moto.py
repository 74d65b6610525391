"""An S3 server: moto, over HTTP."""

import importlib.util
import re
import sys
from pathlib import Path

from openpool_management_tests.servers.process import ServerProcess

START_TIMEOUT_SECONDS = 120

_WHERE = re.compile(r"Running on (http://\S+:\d+)")


class MotoServer:
    """moto's S3 on a free port of 127.0.0.1; any credentials are good."""

    def __init__(self, log: Path) -> None:
        """Start it and wait until it answers. Raises RuntimeError if it does not."""
        if importlib.util.find_spec("moto") is None:
            raise RuntimeError('moto is not installed: run pip install -e ".[dev]".')
        script = Path(__file__).with_name("moto_main.py")
        self._process = ServerProcess(
            # -P, or this directory's moto.py would be imported for moto itself.
            [sys.executable, "-P", str(script), "-H", "127.0.0.1", "-p", "0"],
            log=log,
        )
        self._process.wait_ready(self._says_where, START_TIMEOUT_SECONDS)
        [self.endpoint_url] = _WHERE.findall(log.read_text())

    def _says_where(self) -> bool:
        # It listens before it says so.
        return bool(_WHERE.search(self._process.log.read_text()))

    def stop(self) -> None:
        """End the process."""
        self._process.stop(grace_seconds=2)
