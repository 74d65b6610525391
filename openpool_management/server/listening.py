"""The HTTP server: a socket, uvicorn, and an end in order."""

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from openpool_management.server.snapshots import Snapshots

GRACE_SECONDS = 5
"""How long requests under way, and then a reading, may take to end."""

BACKLOG = 128
"""Connections that wait to be accepted. The event loop takes as many at once before it looks at
any, so they must fit into what is left of the limit of open files."""

MOST_FILES = 65_536
SHARE_OF_FILES = 2
"""One of so many open files may be a connection; the ledger and the lake need files too."""


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket on an address; port 0 takes a free one. Raises OSError with a sentence."""
    try:
        [(*kind, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # With its protocol named: asyncio sends at once (TCP_NODELAY) on such sockets alone.
        listener = socket.socket(*kind)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # Here, and not later by the server: of two sockets that are bound one can't listen.
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise OSError(
            f"{host} can't be listened on at port {port} ({error.strerror}): end the program that "
            "uses it, or choose others with --host and --port."
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where people open what a socket serves."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve_until_stopped(
    app: FastAPI, snapshots: Snapshots, listener: socket.socket, proxies: Sequence[str]
) -> None:
    """Answer requests until SIGINT or SIGTERM; what is under way then has GRACE_SECONDS.

    proxies are the addresses and networks that are believed whom they ask for.
    """
    config = uvicorn.Config(
        app,
        http=_connections(_files_allowed() // SHARE_OF_FILES),
        backlog=BACKLOG,
        loop="asyncio",
        ws="none",
        workers=1,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, snapshots).run(sockets=[listener])


def _files_allowed() -> int:
    """How many files may be open, after asking for as many as the system gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def _connections(most: int) -> type[H11Protocol]:
    """Connections, of which those beyond so many are closed at once.

    Where no file can be opened any more, the event loop would log a traceback for each that waits.
    """

    class Connection(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > most:
                transport.abort()

    return Connection


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, snapshots: Snapshots) -> None:
        super().__init__(config)
        self._snapshots = snapshots

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; whoever waits for a reading is told so first, since requests are waited for."""
        self._snapshots.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on signals, which uvicorn would raise again at the end: the exit code would tell."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.should_exit = True

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(one, stop) for one in numbers]
        try:
            yield
        finally:
            for one, handler in zip(numbers, before, strict=True):
                signal.signal(one, handler)
