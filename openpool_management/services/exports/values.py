"""Values as documents state them: wei twice, times in UTC with their offset, exact percent."""

from datetime import UTC, datetime
from typing import Any

Document = dict[str, Any]
"""A document or a part of one, in the types of JSON."""


def number_and_text(name: str, amount_wei: int) -> dict[str, int | str]:
    """An amount under the name that dashboards read, as a number, and as text under name_wei.

    Readers whose numbers are floats lose digits of the first above 2^53.
    """
    return {name: amount_wei, f"{name}_wei": str(amount_wei)}


def time_text(moment: datetime | None) -> str | None:
    """A time such as ``2026-01-31T08:00:00+00:00``, None where there is none."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def percent_text(part: int, whole: int) -> str:
    """part of whole in percent with two decimals, halves rounded up; ``0.00`` of nothing."""
    hundredths = (20_000 * part + whole) // (2 * whole) if whole else 0
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def share_text(fee_bps: int) -> str:
    """A rate in basis points as an exact share of 1, such as ``0.25``."""
    whole, rest = divmod(fee_bps, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")
