"""anvil as a process of its own, which nothing but this machine can reach."""

import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from openpool_management.demo.anvil import AnvilMissing

HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 5
REQUEST_SECONDS = 30
LOG_TAIL_LINES = 20
# The default, 1 gwei, is fifty times what Arbitrum One asks.
BASE_FEE_WEI = 20_000_000
SLOTS_IN_AN_EPOCH = 4
"""anvil finalizes what lies two epochs behind: eight blocks."""

KEPT_STATES = 100_000
"""Blocks whose balances and nonces anvil can still tell; it forgets the first ones otherwise."""


class AnvilError(Exception):
    """anvil answered with an error; the message is its own."""


class AnvilProcess:
    """An empty chain that mines a block for each transaction. stop() ends it."""

    def __init__(self, binary: Path, log: Path, *, chain_id: int, accounts: int = 1) -> None:
        """Start it on a free port and wait until it answers; its output goes to log.

        accounts is how many of its well-known accounts hold ETH. Raises AnvilMissing when it does
        not start.
        """
        self.port = _free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.log = log
        self._session = requests.Session()
        # What proxies this machine uses is nothing to a server of its own.
        self._session.trust_env = False
        options = {
            "--host": HOST,
            "--port": self.port,
            "--chain-id": chain_id,
            "--accounts": accounts,
            "--slots-in-an-epoch": SLOTS_IN_AN_EPOCH,
            "--block-base-fee-per-gas": BASE_FEE_WEI,
            "--max-persisted-states": KEPT_STATES,
        }
        words = [str(word) for option in options.items() for word in option]
        with log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    [str(binary), "--silent", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # A group of its own: Ctrl-C reaches whoever started it, and that one ends it.
                    start_new_session=True,
                )
            except OSError as error:
                raise AnvilMissing(f"{binary} does not start: {error}. Install it anew.") from error
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def rpc(self, method: str, *params: object) -> Any:
        """The result of a JSON-RPC call. Raises AnvilError for an error, OSError for no answer."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._session.post(self.url, json=request, timeout=REQUEST_SECONDS).json()
        if "error" in answer:
            raise AnvilError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def stop(self) -> None:
        """End the process. May be called twice."""
        self._session.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            answered = False
            with suppress(requests.RequestException):
                answered = self.rpc("web3_clientVersion").startswith("anvil")
            # Looked at last: another server may have taken the port, and answer.
            if self._process.poll() is not None:
                break
            if answered:
                return
            time.sleep(0.02)
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise AnvilMissing(
            "\n".join([*lines[-LOG_TAIL_LINES:], f"anvil did not start on {self.url}: see above."])
        )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
