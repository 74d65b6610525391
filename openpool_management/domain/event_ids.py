"""Event IDs as bytes: a UUID in 16, any other text behind 16 zero bytes, so that none is refused."""

from collections.abc import Sequence
from uuid import UUID

import polars as pl
import pyarrow as pa

UUID_BYTES = 16
_TEXT_MARK = bytes(UUID_BYTES)


def encode_id(text: str) -> bytes:
    """The bytes of one event ID."""
    if len(text) == 36 and text.count("-") == 4:
        try:
            return bytes.fromhex(text.replace("-", ""))
        except ValueError:
            pass
    return _TEXT_MARK + text.encode("utf-8", "surrogatepass")


def decode_id(data: bytes) -> str:
    """The text that encode_id was given; a UUID comes back in lower case."""
    if len(data) == UUID_BYTES:
        return str(UUID(bytes=data))
    return data[UUID_BYTES:].decode("utf-8", "surrogatepass")


def encode_ids(texts: Sequence[str]) -> pl.Series:
    """A Binary series of event IDs; a column of UUIDs is converted in one go."""
    try:
        packed = bytes.fromhex("".join(texts).replace("-", ""))
    except ValueError:
        packed = b""
    if len(packed) != UUID_BYTES * len(texts) or set(map(len, texts)) - {36}:
        return pl.Series([encode_id(text) for text in texts], dtype=pl.Binary)
    array = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(UUID_BYTES), len(texts), [None, pa.py_buffer(packed)]
    )
    return pl.Series(values=array.cast(pa.binary()), dtype=pl.Binary)
