"""A JSON-RPC proxy before a node, which treats chosen calls badly."""

import json
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from socket import SHUT_RDWR, socket
from threading import Event, Lock, Thread
from typing import Any

import requests

from openpool_management_tests.servers.rpc_actions import Action, Ask, Call, Pass, Reply

BATCH = "batch"
"""The method under which rules are asked about a request that holds several calls."""

Rule = Callable[[Call, Ask], Action | None]
"""Says what is done to a call; None leaves it to the next rule. Rules run in several threads."""


class RpcProxy:
    """Passes JSON-RPC on to a node but for what rules choose. Use it as a context manager.

    The latest rule that was added is asked first. ``calls`` lists each call, the parts of a batch
    one by one; ``requests`` counts what came over the wire.
    """

    def __init__(self, node_url: str, *rules: Rule) -> None:
        """Listen on a free port of 127.0.0.1."""
        self.node_url = node_url
        self.calls: list[Call] = []
        self.requests = 0
        self._rules = list(reversed(rules))
        self._always = list(self._rules)
        self._lock = Lock()
        self._closing = Event()
        self._session = requests.Session()
        self._session.trust_env = False
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "RpcProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._session.close()

    def on(
        self,
        method: str,
        action: Action,
        *,
        times: int | None = None,
        after: int = 0,
        when: Callable[[list[Any]], bool] = lambda params: True,
    ) -> None:
        """Do this to calls of a method ("*": any): after some have passed, that many times.

        when looks at the parameters; calls that it turns down do not count.
        """
        numbers = count()

        def rule(call: Call, ask: Ask) -> Action | None:
            if method not in (call.method, "*") or not when(call.params):
                return None
            # "*" is about calls, whatever request they come in.
            if method == "*" and call.method == BATCH:
                return None
            number = next(numbers) - after
            return action if number >= 0 and (times is None or number < times) else None

        self.use(rule)

    def use(self, rule: Rule) -> None:
        """Ask a rule before those that are there."""
        with self._lock:
            self._rules.insert(0, rule)

    def clear(self) -> None:
        """Forget the calls, and all rules but those that it was made with."""
        with self._lock:
            self._rules = list(self._always)
            self.calls.clear()
            self.requests = 0

    def count(self, method: str) -> int:
        """How many calls of a method came."""
        with self._lock:
            return sum(call.method == method for call in self.calls)

    def reply_to(self, request: Any) -> Reply:
        """Carry out a request: one call, or several."""
        parts = request if isinstance(request, list) else [request]
        calls = [Call(part["method"], part.get("params", [])) for part in parts]
        with self._lock:
            self.calls.extend(calls)
            self.requests += 1
        if isinstance(request, list):
            whole = Call(BATCH, [call.method for call in calls])
            action = self._choose(whole)
            if action is not None:
                return _shipped({"id": None} | action.answer(whole, self._ask), [action])
        actions = [self._choose(call) or Pass() for call in calls]
        answers = [
            {"jsonrpc": "2.0", "id": part.get("id")} | action.answer(call, self._ask)
            for part, call, action in zip(parts, calls, actions, strict=True)
        ]
        return _shipped(answers if isinstance(request, list) else answers[0], actions)

    def wait(self, seconds: float) -> None:
        """Hold a reply back, but no longer than the proxy stands."""
        self._closing.wait(seconds)

    def _ask(self, method: str, *params: Any, url: str | None = None) -> dict[str, Any]:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._session.post(url or self.node_url, json=request, timeout=30).json()
        return {name: answer[name] for name in ("result", "error") if name in answer}

    def _choose(self, call: Call) -> Action | None:
        with self._lock:
            rules = list(self._rules)
        return next((it for rule in rules if (it := rule(call, self._ask)) is not None), None)


def _shipped(answer: Any, actions: list[Action]) -> Reply:
    reply = Reply(json.dumps(answer).encode())
    for action in actions:
        action.ship(reply)
    return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: RpcProxy) -> None:
        self.proxy = proxy
        self._open: set[socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        # Clients keep connections open, and threads wait at them.
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: apart, the second waits for the first one's confirmation.
    wbufsize = -1
    server: _Server

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = self.server.proxy.reply_to(request)
        self.server.proxy.wait(reply.delay_s)
        if reply.body is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.sent_share < 1:
            self.close_connection = True
        # Who waited too long has hung up.
        with suppress(OSError):
            self.wfile.write(reply.body[: int(len(reply.body) * reply.sent_share)])
            self.wfile.flush()

    def log_message(self, *args: object) -> None:
        pass
