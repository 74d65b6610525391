"""Ethereum addresses: recognised, and written in their checksummed form (EIP-55)."""

import re
from functools import lru_cache

from eth_utils.address import to_checksum_address

ZERO_ADDRESS = "0x" + "0" * 40
"""What the emitter writes when a worker declared something that is no address. Never paid."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def checksum_address(text: str) -> str | None:
    """The EIP-55 form of an address, or None for text that is none.

    An address in one case only is taken as it is; one in mixed case must bear the right checksum,
    since a wrong one means that it was altered on its way.
    """
    # Only what has an address's length is kept: anybody may ask for any text.
    return _checksummed(text) if _ADDRESS.fullmatch(text) else None


@lru_cache(maxsize=100_000)
def _checksummed(text: str) -> str | None:
    checksummed = str(to_checksum_address(text))
    digits = text[2:]
    if digits in (digits.lower(), digits.upper()) or checksummed == text:
        return checksummed
    return None
