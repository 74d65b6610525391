"""The options of the server of pages; Settings is made of them."""

from ipaddress import ip_network
from typing import Annotated

from annotated_types import Interval
from pydantic import BaseModel, BeforeValidator

from openpool_management.options import Allowed, Option


def _proxies(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple | set | frozenset):
        raise ValueError("not a list of addresses")
    # A network is refused when it has bits beyond its mask: which one was meant can't be known.
    found = [ip_network(text) for part in parts if (text := str(part).strip())]
    if any(network.prefixlen == 0 for network in found):
        raise ValueError("every address would be believed")
    return tuple(str(network) for network in found)


Proxies = Annotated[
    tuple[str, ...],
    BeforeValidator(_proxies),
    Allowed("IP addresses or networks such as 10.0.0.0/8, not all there are, separated by commas"),
]


class ServeOptions(BaseModel):
    """How `openpool serve` answers."""

    serve_refresh_seconds: Annotated[
        int,
        Interval(ge=1, le=86_400),
        Option(
            "OPENPOOL_SERVE_REFRESH_SECONDS",
            "seconds",
            "Age at which what `openpool serve` shows is read anew.",
        ),
    ] = 60
    serve_requests_per_minute: Annotated[
        int,
        Interval(ge=1, le=100_000),
        Option(
            "OPENPOOL_SERVE_REQUESTS_PER_MINUTE",
            "requests",
            "Requests that `openpool serve` answers to one client in a minute.",
        ),
    ] = 600
    serve_proxies: Annotated[
        Proxies,
        Option(
            "OPENPOOL_SERVE_PROXIES",
            "addresses",
            "Proxies before `openpool serve`; only they are believed whom they ask for.",
        ),
    ] = ()
