"""JSON that is nested deeper than anybody writes it is held or reported, and ends no process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from openpool_management_tests.cli.conftest import CHECKOUT, clean_environment, start_openpool

DEPTH = 95_000
"""Deep enough to overflow the stack where the interpreter lets it, as py_ecc tells it to."""

KEY = "us-central/ai/us-central-ai-20261122T194256Z_20261122T194301Z.json"
EVENT = {
    "DT": 5,
    "EventType": "orchestrator-reset",
    "ID": "0b6d0b0e-8b1b-4d0a-8f6e-2c1f0e9a7d11",
    "NodeType": "ai",
    "Payload": "@",
    "Region": "us-central",
    "Version": 1,
}
NODE = f"""
from openpool_management.cli import app
from openpool_management import definitions
from openpool_management.adapters.chain.json_rpc import JsonRpc
from openpool_management.services.ports.chain import ChainUnavailable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
import sys

class Deep(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"[" * {DEPTH} + b"]" * {DEPTH}
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Deep)
Thread(target=server.serve_forever, daemon=True).start()
try:
    JsonRpc(f"http://127.0.0.1:{{server.server_port}}", backoff_seconds=0).read("eth_chainId")
except ChainUnavailable as error:
    print(sys.getrecursionlimit(), error)
"""


@pytest.mark.parametrize("whole", [False, True], ids=["in an event", "the object itself"])
def test_a_nested_object_is_held(tmp_path: Path, whole: bool) -> None:
    nested = "[" * DEPTH + "]" * DEPTH
    object_path = tmp_path / "events" / KEY
    object_path.parent.mkdir(parents=True)
    text = nested if whole else json.dumps([EVENT]).replace('"@"', nested)
    object_path.write_text(text, encoding="ascii")
    home, events = tmp_path / "home", tmp_path / "events"
    with start_openpool("sync", home=home, OPENPOOL_EVENTS_DIR=events) as process:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode >= 0, stderr
    with start_openpool("held", "list", "--json", home=home) as process:
        stdout, _ = process.communicate(timeout=60)
    assert [one["object_key"] for one in json.loads(stdout)] == [KEY]


def test_a_nested_answer_of_a_node_is_no_answer(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", NODE],
        env=clean_environment(tmp_path, {}),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("1000 The node")
    assert "no JSON-RPC" in ran.stdout
