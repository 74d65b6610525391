"""Ports that people can remember."""

import socket
from contextlib import suppress

from openpool_management.demo.demo_home import DemoError

HOST = "127.0.0.1"
PORTS = 100


def free_port(first: int) -> int:
    """The first port from first on that nothing listens on. Raises DemoError without one."""
    for port in range(first, first + PORTS):
        with socket.socket() as probe:
            # A port that another demo left a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((HOST, port))
                return port
    raise DemoError(
        f"No port of {HOST} from {first} to {first + PORTS - 1} is free: end a program."
    )
