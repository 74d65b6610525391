"""How amounts, times and numbers look."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.money import WEI_PER_ETH, format_eth
from openpool_management.pages.amounts import amount, moment, number, percent, short_eth


@pytest.mark.parametrize(
    ("wei", "shown"),
    [
        (0, "0"),
        (1, "0.000000000000000001"),
        (1234567800000000, "0.001234…"),
        (1_500_000_000_000_000_000, "1.5"),
        (123_456_789_012_345_678_901, "123.456789…"),
        (987_654_321, "0.000000000987…"),
        (987_000_000, "0.000000000987"),
        (999_999_999_999_999_999, "0.999999…"),
        (-1234567800000000, "-0.001234…"),
        (-(10**18) - 1, "-1.000000…"),
    ],
)
def test_eth_is_cut_and_says_so(wei: int, shown: str) -> None:
    assert short_eth(wei) == shown


@given(st.integers(-(10**40), 10**40))
def test_what_is_shown_begins_the_exact_amount(wei: int) -> None:
    shown, exact = short_eth(wei), format_eth(wei)
    if shown.endswith("…"):
        assert exact.startswith(shown[:-1]) and len(exact) > len(shown) - 1
    else:
        assert shown == exact


@given(st.integers(-(10**40), 10**40))
def test_the_whole_amount_is_in_the_page(wei: int) -> None:
    html = unescape(str(amount(str(wei))))
    assert re.findall(r'value="(-?\d+)"', html) == [str(wei)]
    assert f">{wei}\xa0wei<" in html
    assert amount(wei) == amount(str(wei))


def test_what_is_not_known_is_said() -> None:
    assert "not known" in amount(None)
    assert (number(None), percent(None), moment(None)) == ("–", "–", "–")


def test_numbers_and_times() -> None:
    assert (number(1234567), number("98765432109876543210")) == (
        "1,234,567",
        "98,765,432,109,876,543,210",
    )
    assert (number(1.23456, 2), percent(0.12345)) == ("1.23", "12.3 %")
    shares = (0.9999, 1.0, 0.57, 0.29, 0.0005)
    assert [*map(percent, shares)] == ["99.9 %", "100.0 %", "57.0 %", "29.0 %", "0.0 %"]
    text = "2026-01-31T18:05:59.123456+00:00"
    assert moment(text) == f'<time datetime="{text}">2026-01-31 18:05 UTC</time>'
    assert short_eth(WEI_PER_ETH) == "1"
