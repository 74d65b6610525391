"""The checks of the settings of payouts, as types. A refused value raises ValueError."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr

from openpool_management.domain.addresses import ZERO_ADDRESS, checksum_address
from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.option_checks import from_project, http_url
from openpool_management.options import Allowed

_WEI = re.compile(r"[0-9]{1,78}")
_HEX_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_MAX_WEI = 2**256 - 1


def _wei(value: object) -> int:
    if isinstance(value, str) and _WEI.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_WEI:
        raise ValueError("not an amount in wei")
    return value


def _address(text: str) -> str:
    address = checksum_address(text)
    if address is None or address == ZERO_ADDRESS:
        raise ValueError("not an address")
    return address


def _addresses(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple | set | frozenset):
        raise ValueError("not a list of addresses")
    return tuple(sorted({_address(str(part).strip()) for part in parts if str(part).strip()}))


def _http_urls(urls: SecretStr | None) -> SecretStr | None:
    for url in urls.get_secret_value().split(",") if urls else ():
        http_url(url.strip())
    return urls


def _file_or_itself(secret: SecretStr | None) -> SecretStr | None:
    if secret is None:
        return None
    # A file is taken from the project, as every path is; any other text is the secret itself.
    try:
        path = from_project(Path(secret.get_secret_value()))
        return SecretStr(str(path)) if path.is_file() else secret
    except (OSError, ValueError):
        return secret


def _key_or_file(key: SecretStr | None) -> SecretStr | None:
    is_key = key is not None and _HEX_KEY.fullmatch(key.get_secret_value())
    return key if is_key else _file_or_itself(key)


def _optional_path(path: Path | None) -> Path | None:
    return None if path is None else from_project(path)


def _optional_address(text: str | None) -> str | None:
    return None if text is None else _address(text)


def _optional_url(url: str | None) -> str | None:
    return None if url is None else http_url(url)


Mode = Annotated[PayoutMode, Allowed("off, dry-run or live")]
Wei = Annotated[int, BeforeValidator(_wei), Allowed("a whole number of wei from 0 to 2^256 - 1")]
Switch = Annotated[bool, Allowed("true or false")]
Address = Annotated[
    str | None,
    AfterValidator(_optional_address),
    Allowed("an address of 0x and 40 hex digits; in mixed case with the right checksum (EIP-55)"),
]
Addresses = Annotated[
    tuple[str, ...],
    BeforeValidator(_addresses),
    Allowed(
        "addresses of 0x and 40 hex digits, separated by commas; "
        "in mixed case with the right checksum (EIP-55)"
    ),
]
HttpUrl = Annotated[
    str | None, AfterValidator(_optional_url), Allowed("an http:// or https:// URL")
]
HttpUrls = Annotated[
    SecretStr | None,
    AfterValidator(_http_urls),
    Allowed("http:// or https:// URLs, separated by commas"),
]
KeystoreFile = Annotated[Path | None, AfterValidator(_optional_path), Allowed("a path")]
KeystorePassword = Annotated[
    SecretStr | None,
    AfterValidator(_file_or_itself),
    Allowed("a password or the path of a file with it"),
]
PrivateKey = Annotated[
    SecretStr | None,
    AfterValidator(_key_or_file),
    Allowed("64 hex digits or the path of a keystore"),
]
