"""Copies of event objects: what they are called, and whether their content is what was read."""

from hashlib import md5, sha256
from urllib.parse import quote


def copy_name(key: str, etag: str) -> str:
    """The name of the copy of one content of a key.

    The ledger knows an object by key and ETag, so contents that were overwritten under one key have
    names of their own. It does not end in ``.json``: no listing takes a copy for an event object.
    """
    return f"{key}/{quote(etag, safe='')}"


def sha256_of(data: bytes) -> str:
    """The SHA-256 of some content, in hex digits."""
    return sha256(data).hexdigest()


def md5_of(data: bytes) -> str:
    """The MD5 of some content, in hex digits: the ETag that most objects have."""
    return md5(data, usedforsecurity=False).hexdigest()


def is_whole(data: bytes, etag: str, stated_sha256: str | None) -> bool:
    """Whether content is what its copy's SHA-256 states or, where none is, what its ETag does."""
    if stated_sha256:
        return sha256_of(data) == stated_sha256
    return md5_of(data) == etag
