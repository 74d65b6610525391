"""Clients that open connections and say nothing take no file that others need."""

import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from openpool_management_tests.cli.conftest import clean_environment
from openpool_management_tests.server.conftest import WAIT_SECONDS, iter_object

FILES = 600
LIMITED = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES // 2}, {FILES}))
from openpool_management.cli import main
main()
"""


def test_connections_beyond_half_of_the_files_are_closed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LIMITED, "serve", "--port", "0", "--json"],
        env=clean_environment(tmp_path, {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = json.loads("".join(iter_object(process.stdout)))["url"]
        # Before it runs, nothing is accepted, and connections would queue.
        assert httpx.get(f"{url}nothing", timeout=WAIT_SECONDS).status_code == 404
        place = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
        with ExitStack() as open_ones:
            silent = [
                open_ones.enter_context(socket.create_connection(place, WAIT_SECONDS))
                for _ in range(FILES)
            ]
            for one in silent[FILES // 2 :]:
                # Closed by the server: nothing more comes.
                try:
                    assert one.recv(1) == b""
                except ConnectionResetError:
                    continue
            # Of those that were let in, each is answered.
            silent[0].sendall(b"GET /nothing HTTP/1.1\r\nHost: pool\r\n\r\n")
            assert silent[0].recv(20).startswith(b"HTTP/1.1 404")
        with httpx.Client(timeout=WAIT_SECONDS) as client:
            assert client.get(f"{url}nothing").status_code == 404
        process.terminate()
        assert process.wait(WAIT_SECONDS) == 0
        assert process.communicate() == ("", "")
