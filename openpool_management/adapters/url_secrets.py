"""A node's URL without its secrets: keys are carried in the path, the query and before the host."""

import logging
from urllib.parse import urlsplit

import requests

HIDDEN = "/…"
_LOGGER = logging.getLogger("urllib3.connectionpool")


def shown_url(url: str) -> str:
    """Scheme, host and port. Raises ValueError, which quotes nothing, if it is no URL of HTTP."""
    scheme, host, port = "", None, None
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        # Raised below, where the parser's error, which quotes the URL, is not chained.
        host = None
    if not host or scheme not in ("http", "https"):
        raise ValueError("A node's URL must start with http:// or https:// and name a host.")
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port is not None else "")


def hide_in_logs(url: str) -> None:
    """Keep the URL's path and query out of the lines that urllib3 logs at DEBUG.

    Raises ValueError, which quotes nothing, for a URL that can't be asked.
    """
    path = ""
    try:
        path = requests.Request("POST", url).prepare().path_url
    except ValueError:
        # Raised below, where the error of requests, which quotes the URL, is not chained.
        path = ""
    if not path:
        raise ValueError(f"The URL of {shown_url(url)} can't be asked: write it as HTTP needs it.")
    if path != "/":
        _FILTER.secrets.add(path)
        # A filter is added once, however often it is asked for.
        _LOGGER.addFilter(_FILTER)


class _HidePaths(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(HIDDEN if self._is_secret(arg) else arg for arg in record.args)
        return True

    def _is_secret(self, arg: object) -> bool:
        return isinstance(arg, str) and any(secret in arg for secret in self.secrets)


_FILTER = _HidePaths()
