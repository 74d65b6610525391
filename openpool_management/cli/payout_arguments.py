"""What commands of ``openpool payouts`` are given: the desk, days, addresses, amounts."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from openpool_management.payout_desk import PayoutDesk


def open_desk() -> "PayoutDesk":
    """The desk that the settings describe."""
    from openpool_management.payout_desk import PayoutDesk
    from openpool_management.pool import Pool
    from openpool_management.settings import load_settings

    return PayoutDesk(Pool(load_settings()))


def period_of(text: str | None) -> str:
    """A day by UTC as YYYY-MM-DD, today without one. Raises BadParameter."""
    if text is None:
        return f"{datetime.now(UTC):%Y-%m-%d}"
    try:
        return f"{datetime.strptime(text, '%Y-%m-%d').replace(tzinfo=UTC):%Y-%m-%d}"
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no day, such as 2026-11-23.") from error


def worker_of(text: str) -> str:
    """A worker's address with its checksum. Raises BadParameter."""
    from openpool_management.domain.addresses import checksum_address

    address = checksum_address(text)
    if address is None:
        raise typer.BadParameter(f"{text} is no Ethereum address, or its checksum is wrong.")
    return address


MOST_DIGITS = 78
"""Of an amount in wei: that many has 2^256."""


def threshold_of(text: str, pool_wei: int) -> int | None:
    """A worker's own threshold in wei, None for the pool's, which is pool_wei.

    Raises BadParameter for one below the pool's, which would never count.
    """
    if text == "default":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise typer.BadParameter(f"{text} is no amount in wei: give digits, or default.")
    if int(text) < pool_wei:
        raise typer.BadParameter(
            f"{text} wei is below the pool's threshold of {pool_wei} wei, which would count: give "
            "at least as much, or default."
        )
    return int(text)
