"""A child process in a session of its own, with a log that failures can quote."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

LOG_TAIL_LINES = 60
POLL_SECONDS = 0.1


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class ServerProcess:
    """One server and whatever it starts, as one process group."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start command; env replaces the environment when given; output goes to log."""
        self.log = log
        self._command = list(command)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
                preexec_fn=default_interrupt,
            )

    @property
    def pid(self) -> int:
        """The id of the process, of its session and of its group."""
        return self._process.pid

    def log_tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    def wait_ready(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Poll ready until it is true.

        Stops the process and raises RuntimeError with the log's tail if it ends before, raises, or
        is not ready in time.
        """
        deadline = time.monotonic() + timeout_seconds
        try:
            while not ready():
                if self._process.poll() is not None:
                    raise RuntimeError(f"it ended with code {self._process.returncode}")
                if time.monotonic() > deadline:
                    raise RuntimeError(f"it was not ready after {timeout_seconds} s")
                time.sleep(POLL_SECONDS)
        except BaseException as error:
            self.stop(grace_seconds=1)
            if not isinstance(error, Exception):
                raise
            name = " ".join(self._command)
            raise RuntimeError(f"{name}: {error}. Its log ends:\n{self.log_tail()}") from error

    def kill(self) -> None:
        """End the whole group at once, as a power cut would."""
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def stop(self, grace_seconds: float = 20) -> None:
        """Ask the process to end, then end what is left of its group. May be called twice."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_seconds)
        self.kill()

    def wait_gone(self, timeout_seconds: float) -> None:
        """Wait until no process of the group is left; raises TimeoutError if one stays."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                os.killpg(self.pid, 0)
            except ProcessLookupError:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"Process group {self.pid} still has members: end them by hand.")
            time.sleep(POLL_SECONDS)

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def default_interrupt() -> None:
    """Let a child that is about to start end on SIGINT.

    A shell's background job ignores it, its children do too, and dagster copies that to SIGTERM.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
