"""The checks of settings, as types. Paths come out absolute; a refused value raises ValueError."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import AfterValidator, SecretStr

from openpool_management.options import Allowed

_T = TypeVar("_T")
_CRON_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/([1-9]\d?))?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}")
_POSTGRESQL = "postgresql+psycopg://"
_SQLITE = "sqlite:///"


def project_root() -> Path:
    """The folder that holds setup.py when running from a checkout, else the working directory."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "setup.py").is_file() else Path.cwd()


def from_project(path: Path) -> Path:
    """The absolute path; a relative one is taken from the project.

    Not from the working directory: the command line and Dagster must agree on one ledger.
    """
    try:
        return project_root() / path.expanduser()
    except RuntimeError as error:
        raise ValueError("the home of an unknown user") from error


def _home(path: Path) -> Path:
    path = from_project(path)
    if path.exists() and not path.is_dir():
        raise ValueError("not a directory")
    return path


def _existing_directory(path: Path) -> Path:
    path = from_project(path)
    if not path.is_dir():
        raise ValueError("no such directory")
    return path


def _bucket(name: str) -> str:
    if not _BUCKET.fullmatch(name):
        raise ValueError("not a bucket name")
    return name


def http_url(url: str) -> str:
    """The URL, if it is one of http or https that can be asked."""
    try:
        parts = urlsplit(url)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        requests.Request("GET", url).prepare()
    except ValueError:
        named = False
    if not named:
        # The parser's own error quotes the URL, so it is not chained.
        raise ValueError("not an http URL")
    return url


def _endpoint(url: str) -> str:
    url = http_url(url if "://" in url else f"https://{url}")
    if "@" in url:
        raise ValueError("credentials in the endpoint")
    return url


def _pages(url: str) -> str:
    parts = urlsplit(http_url(url))
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("not an address of pages")
    return url.rstrip("/")


def _webhook(url: SecretStr) -> SecretStr:
    http_url(url.get_secret_value())
    return url


def _ledger(url: str) -> str:
    if url.startswith(_POSTGRESQL) and urlsplit(url).path.strip("/"):
        return url
    path = url.removeprefix(_SQLITE)
    if path in {url, ""} or path.startswith((":", "file:")) or "?" in path:
        raise ValueError("not a ledger URL")
    return f"{_SQLITE}{from_project(Path(path))}"


def _lake(url: str) -> str:
    if "://" not in url:
        return str(from_project(Path(url)))
    parts = urlsplit(url)
    if parts.scheme != "s3" or parts.query or parts.fragment or not _BUCKET.fullmatch(parts.netloc):
        raise ValueError("not a lake URL")
    return url.rstrip("/")


def _share(share: Decimal) -> Decimal:
    if not 0 <= share <= 1:
        raise ValueError("not a share")
    return share


def _commission(rate: Decimal) -> Decimal:
    if not 0 <= rate <= 1 or rate != rate.quantize(Decimal("0.0001")):
        raise ValueError("not in basis points")
    return rate


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != len(_CRON_BOUNDS):
        raise ValueError("not five fields")
    for field, (low, high) in zip(fields, _CRON_BOUNDS, strict=True):
        for part in field.split(","):
            match = _CRON_PART.fullmatch(part)
            if match is None:
                raise ValueError("not a cron field")
            numbers = [int(number) for number in match.group(1, 2) if number is not None]
            if numbers != sorted(numbers) or any(not low <= n <= high for n in numbers):
                raise ValueError("out of bounds")
    return " ".join(fields)


def _unless_none(check: Callable[[_T], _T]) -> Callable[[_T | None], _T | None]:
    return lambda value: None if value is None else check(value)


Home = Annotated[
    Path, AfterValidator(_home), Allowed("a directory or a path that does not exist yet")
]
MetricsDir = Annotated[
    Path | None,
    AfterValidator(_unless_none(_home)),
    Allowed("a directory or a path that does not exist yet"),
]
EventsDir = Annotated[
    Path | None,
    AfterValidator(_unless_none(_existing_directory)),
    Allowed("a directory that exists"),
]
Bucket = Annotated[
    str | None,
    AfterValidator(_unless_none(_bucket)),
    Allowed("a bucket name of 3 to 63 letters, digits, dots, dashes or underscores"),
]
Endpoint = Annotated[
    str | None,
    AfterValidator(_unless_none(_endpoint)),
    Allowed("an http:// or https:// URL without user and password"),
]
PagesUrl = Annotated[
    str | None,
    AfterValidator(_unless_none(_pages)),
    Allowed("an http:// or https:// URL without user, password and query"),
]
Webhook = Annotated[
    SecretStr | None,
    AfterValidator(_unless_none(_webhook)),
    Allowed("an http:// or https:// URL"),
]
LedgerUrl = Annotated[
    str,
    AfterValidator(_ledger),
    Allowed("sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"),
]
LakeUrl = Annotated[str, AfterValidator(_lake), Allowed("a directory or s3://BUCKET/PREFIX")]
Share = Annotated[Decimal, AfterValidator(_share), Allowed("a number from 0 to 1")]
CommissionRate = Annotated[
    Decimal,
    AfterValidator(_commission),
    Allowed("a number from 0 to 1 with at most 4 decimal places (whole basis points)"),
]
Cron = Annotated[
    str, AfterValidator(_cron), Allowed("five cron fields in numbers, such as 17 3 * * *")
]
