"""``openpool serve`` as a process of its own, over the demo's ledger."""

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import requests

from openpool_management.demo.demo_home import DemoError
from openpool_management.demo.free_port import HOST, free_port

FIRST_PORT = 8080
REFRESH_SECONDS = 5
START_SECONDS = 60
STOP_SECONDS = 15
LOG_TAIL_LINES = 20


class PagesProcess:
    """The pages and the API. stop() ends it."""

    def __init__(self, folder: Path) -> None:
        """Start it; output goes to a log in folder. It gets the environment of this process."""
        port = free_port(FIRST_PORT)
        self.url = f"http://{HOST}:{port}"
        self.log = folder / "serve.log"
        command = [sys.executable, "-m", "openpool_management.cli", "serve", "--port", str(port)]
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C reaches the demo, and the demo ends it in order.
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def worker_url(self, address: str) -> str:
        """Where a worker's money is."""
        return f"{self.url}/workers/{address}"

    def wait_ready(self) -> None:
        """Wait until it answers. Raises DemoError with the end of the log if it does not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(requests.RequestException):
                if requests.get(self.url, timeout=START_SECONDS).ok:
                    return
            time.sleep(0.1)
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        raise DemoError("\n".join([*lines, f"The pages are not on {self.url}: see {self.log}."]))

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
