"""An S3 server: moto, over HTTP."""

import importlib.util
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from openpool_management_tests.servers.process import ServerProcess, free_port

START_TIMEOUT_SECONDS = 60


class MotoServer:
    """moto's S3 on a free port of 127.0.0.1; any credentials are good."""

    def __init__(self, log: Path) -> None:
        """Start it and wait until it answers. Raises RuntimeError if it does not."""
        if importlib.util.find_spec("moto") is None:
            raise RuntimeError('moto is not installed: run pip install -e ".[dev]".')
        port = free_port()
        self.endpoint_url = f"http://127.0.0.1:{port}"
        script = Path(__file__).with_name("moto_main.py")
        self._process = ServerProcess(
            # -P, or this directory's moto.py would be imported for moto itself.
            [sys.executable, "-P", str(script), "-H", "127.0.0.1", "-p", str(port)],
            log=log,
        )
        self._process.wait_ready(self._answers, START_TIMEOUT_SECONDS)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.endpoint_url}/moto-api/", timeout=5):
                return True
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        """End the process."""
        self._process.stop(grace_seconds=2)
