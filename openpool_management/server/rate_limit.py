"""So many requests a minute for each client, by a moving window."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from math import ceil
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from openpool_management.server.answers import refusal

WINDOW_SECONDS = 60
MOST_TIMES = 2_000_000
"""Times kept over all clients, of some 32 bytes each; who asked longest ago is forgotten first."""

UNLIMITED = frozenset({"/api/v1/health", "/metrics"})
TOO_MANY = "Too many requests: wait for as many seconds as Retry-After says."
_IPV6_NETWORK_BITS = 64


@dataclass
class RateLimit:
    """When each client asked in the last minute. Used by one thread, that of the event loop."""

    requests_per_minute: int
    clock: Callable[[], float] = monotonic
    _asked: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict, repr=False)

    def wait_seconds(self, client: str) -> int:
        """0 and the request counts, or whole seconds until the client may ask again."""
        now = self.clock()
        times = self._asked.setdefault(client, deque())
        self._asked.move_to_end(client)
        if len(times) == self.requests_per_minute:
            waited = now - times[0]
            if waited < WINDOW_SECONDS:
                return max(1, ceil(WINDOW_SECONDS - waited))
            times.popleft()
        times.append(now)
        while len(self._asked) > max(1, MOST_TIMES // self.requests_per_minute):
            self._asked.popitem(last=False)
        return 0


@dataclass(frozen=True, slots=True)
class RateLimitMiddleware:
    """Answers 429 to clients that ask too often, but for health and metrics."""

    app: ASGIApp
    limit: RateLimit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in UNLIMITED:
            seconds = self.limit.wait_seconds(client_of(scope))
            if seconds:
                answer = refusal(429, TOO_MANY, {"Retry-After": str(seconds)})
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)


def client_of(scope: Scope) -> str:
    """The client's address, of IPv6 its network: one customer is given as many as that."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(host)
    except ValueError:
        # A proxy that is believed may say anything.
        return str(host)[:100]
    if address.version == 4:
        return str(address)
    return str(ip_network((address, _IPV6_NETWORK_BITS), strict=False))
