"""``dagster dev`` as a process group of its own, ended to the last member."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from openpool_management.demo.demo_home import DemoError
from openpool_management.demo.free_port import HOST, free_port

FIRST_PORT = 3000
GRACE_SECONDS = 20
LOG_TAIL_LINES = 40


class DagsterProcess:
    """The UI, the daemon and the code server."""

    def __init__(self, folder: Path) -> None:
        """Start it in folder, which holds dagster.yaml and workspace.yaml; output goes to a log.

        It gets the environment of this process.
        """
        self.port = free_port(FIRST_PORT)
        self.url = f"http://{HOST}:{self.port}"
        self.log = folder / "dagster-dev.log"
        command = [sys.executable, "-m", "dagster", "dev", "-h", HOST, "-p", str(self.port)]
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "-w", "workspace.yaml"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Not the project, whose .env Dagster would load.
                cwd=folder,
                # A group of its own: Ctrl-C reaches the demo, and the demo ends Dagster in order.
                start_new_session=True,
                # Dagster treats SIGTERM as it treats SIGINT, which background jobs ignore.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def check(self) -> None:
        """Raise DemoError with the end of the log when it has ended by itself."""
        code = self._process.poll()
        if code is not None:
            lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            raise DemoError(
                "\n".join([*lines, f"dagster dev ended with code {code}: see {self.log}."])
            )

    def stop(self) -> None:
        """End it and everything it started."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        # Runs under way and whatever else did not follow; gone when no member is left.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with suppress(ProcessLookupError):
            for _ in range(100):
                os.killpg(self._process.pid, 0)
                time.sleep(0.05)
