"""IDs and addresses that look like the real ones and depend on the seed alone."""

from collections.abc import Iterator
from itertools import chain, count
from random import Random

from eth_utils.address import to_checksum_address

_BLOCK = 4096
_UUID_LENGTH = 36
_HEX_LENGTH = 32
_DASHES = (8, 13, 18, 23)
_VERSION_AT = 14
_VARIANT_AT = 19
_TO_VARIANT = bytes.maketrans(b"0123456789abcdef", b"89ab" * 4)


def event_ids(rng: Random) -> Iterator[str]:
    """Version 4 UUIDs without end."""
    return chain.from_iterable(_uuid_block(rng) for _ in count())


def _uuid_block(rng: Random) -> list[str]:
    # Column by column over a whole block: some ten times as fast as uuid.UUID one by one.
    digits = rng.randbytes(_BLOCK * _HEX_LENGTH // 2).hex().encode()
    text = bytearray(b"-" * (_BLOCK * _UUID_LENGTH))
    columns = [at for at in range(_UUID_LENGTH) if at not in _DASHES]
    for source, at in enumerate(columns):
        column = digits[source::_HEX_LENGTH]
        if at == _VERSION_AT:
            column = b"4" * _BLOCK
        elif at == _VARIANT_AT:
            column = column.translate(_TO_VARIANT)
        text[at::_UUID_LENGTH] = column
    joined = text.decode()
    return [joined[at : at + _UUID_LENGTH] for at in range(0, len(joined), _UUID_LENGTH)]


def request_ids(rng: Random) -> Iterator[str]:
    """Eight hex digits; none comes twice in the first 2^32."""
    state = rng.getrandbits(32)
    while True:
        # These two constants give a linear congruential generator its full period.
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        yield f"{state:08x}"


def worker_addresses(seed: int, number: int) -> list[str]:
    """Distinct addresses with their EIP-55 checksum; more of them begin with the same ones."""
    rng = Random(f"workers/{seed}")
    return [to_checksum_address(rng.randbytes(20)) for _ in range(number)]


def connection(rng: Random) -> str:
    """``ip:port`` from the ranges that are kept for documentation."""
    network = rng.choice(("203.0.113", "198.51.100"))
    return f"{network}.{rng.randint(1, 254)}:{rng.randint(30_000, 49_999)}"
