"""Event IDs as bytes: a UUID in 16, any other text behind 17 zero bytes; none is refused."""

import re
from collections.abc import Sequence
from uuid import UUID

import polars as pl
import pyarrow as pa

UUID_BYTES = 16
# One byte longer than a UUID, so that even the empty text has bytes of its own.
_TEXT_MARK = bytes(UUID_BYTES + 1)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_LENGTH = 36
_DASHES = (8, 13, 18, 23)


def encode_id(text: str) -> bytes:
    """The bytes of one event ID."""
    if _UUID.fullmatch(text):
        return bytes.fromhex(text.replace("-", ""))
    return _TEXT_MARK + text.encode("utf-8", "surrogatepass")


def decode_id(data: bytes) -> str:
    """The text that encode_id was given; a UUID comes back in lower case."""
    if len(data) == UUID_BYTES:
        return str(UUID(bytes=data))
    return data[len(_TEXT_MARK) :].decode("utf-8", "surrogatepass")


def encode_ids(texts: Sequence[str]) -> pl.Series:
    """A Binary series of event IDs; a column of UUIDs is converted in one go."""
    packed = _packed_uuids(texts)
    if packed is None:
        return pl.Series([encode_id(text) for text in texts], dtype=pl.Binary)
    array = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(UUID_BYTES), len(texts), [None, pa.py_buffer(packed)]
    )
    return pl.Series(values=array.cast(pa.binary()), dtype=pl.Binary)


def _packed_uuids(texts: Sequence[str]) -> bytes | None:
    """The UUIDs' bytes one after the other; None if one text is no UUID."""
    joined = "".join(texts)
    if len(joined) != _UUID_LENGTH * len(texts) or min(map(len, texts), default=0) < _UUID_LENGTH:
        return None
    dashes = "-" * len(texts)
    if any(joined[place::_UUID_LENGTH] != dashes for place in _DASHES):
        return None
    try:
        packed = bytes.fromhex(joined.replace("-", ""))
    except ValueError:
        return None
    # Fewer where dashes stand in other places too, or blanks, which fromhex passes over.
    return packed if len(packed) == UUID_BYTES * len(texts) else None
