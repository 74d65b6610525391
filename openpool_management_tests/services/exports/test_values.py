"""Percent, shares, amounts and times as text."""

from datetime import datetime, timedelta, timezone

import pytest

from openpool_management.services.exports.values import (
    number_and_text,
    percent_text,
    share_text,
    time_text,
)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        *((0, 0, "0.00"), (0, 3, "0.00"), (1, 3, "33.33"), (2, 3, "66.67"), (5, 5, "100.00")),
        *((1, 20_000, "0.01"), (1, 20_001, "0.00"), (1, 8, "12.50"), (9, 160, "5.63")),
    ],
)
def test_percent_rounds_halves_up(part: int, whole: int, text: str) -> None:
    assert percent_text(part, whole) == text


@pytest.mark.parametrize(
    ("fee_bps", "text"),
    [(0, "0"), (1, "0.0001"), (250, "0.025"), (2_500, "0.25"), (10_000, "1")],
)
def test_shares_are_exact(fee_bps: int, text: str) -> None:
    assert share_text(fee_bps) == text


def test_amounts_stand_twice_and_times_bear_their_offset() -> None:
    amount_wei = 2**63 + 1
    assert number_and_text("fees", amount_wei) == {
        "fees": 9223372036854775809,
        "fees_wei": "9223372036854775809",
    }
    east = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert time_text(east) == "2025-12-31T23:00:00+00:00"
    assert time_text(None) is None
