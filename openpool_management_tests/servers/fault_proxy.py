"""An HTTP proxy before a store, which answers chosen requests wrongly."""

from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """A wrong answer: status (None passes the store's on), and how much of the body is sent.

    damaged: one byte of the content is another one when it arrives, here or at the store.
    """

    status: int | None = None
    code: str = "InternalError"
    body_share: float = 1.0
    damaged: bool = False


class FaultProxy:
    """Passes requests on to a store, but for those that choose names a Fault for.

    choose gets the path with its query, after the method where that is not GET, such as
    ``PUT /bucket/key``; from several threads at once. ``paths`` lists everything asked for.
    Use as a context manager.
    """

    def __init__(self, store_url: str, choose: Callable[[str], Fault | None]) -> None:
        """Listen on a free port of 127.0.0.1."""
        self.paths: list[str] = []
        self._choose = choose
        self._store = urlsplit(store_url).netloc
        self._lock = Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.answer(self)

            do_HEAD = do_PUT = do_DELETE = do_GET  # noqa: N815 - as http.server calls them

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request, wrongly if chosen."""
        method = handler.command
        asked = handler.path if method == "GET" else f"{method} {handler.path}"
        if handler.headers.get("Expect") == "100-continue":
            handler.send_response_only(100)
            handler.end_headers()
        content = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self._lock:
            self.paths.append(asked)
        fault = self._choose(asked) or Fault()
        if fault.status is not None:
            body = f"<Error><Code>{fault.code}</Code><Message>fault</Message></Error>".encode()
            self._send(handler, fault.status, {}, body, len(body))
            return
        store = HTTPConnection(self._store, timeout=30)
        headers = {
            name: value for name, value in handler.headers.items() if name not in ("Host", "Expect")
        }
        sent = _damaged(content) if fault.damaged else content
        store.request(method, handler.path, sent, headers={**headers, "Host": self._store})
        response = store.getresponse()
        body = response.read()
        kept = {
            name: value
            for name, value in response.getheaders()
            if name.lower() in ("etag", "last-modified", "content-type")
            or name.lower().startswith("x-amz-")
        }
        store.close()
        body = _damaged(body) if fault.damaged else body
        self._send(handler, response.status, kept, body, int(len(body) * fault.body_share))

    @staticmethod
    def _send(
        handler: BaseHTTPRequestHandler,
        status: int,
        headers: dict[str, str],
        body: bytes,
        sent_bytes: int,
    ) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:sent_bytes])
        handler.close_connection = True


def _damaged(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1]) if content else content
