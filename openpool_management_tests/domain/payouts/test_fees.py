"""What a transfer offers for gas: first, in the place of another, and never beyond the options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.payouts.fees import (
    GasRules,
    TooExpensive,
    TooMuchGas,
    first_price,
    gas_limit,
    higher_price,
)
from openpool_management.domain.payouts.transactions import Transfer

GWEI = 10**9
RULES = GasRules(limit=100_000, max_price_wei=GWEI, priority_fee_wei=0)
PRICES = st.integers(0, 2 * GWEI)


def sent(max_fee_wei: int, max_priority_fee_wei: int = 0) -> Transfer:
    """A transfer that was sent before at a price."""
    return Transfer(42161, 0, "0x" + "0" * 40, 1, 30_000, max_fee_wei, max_priority_fee_wei)


@pytest.mark.parametrize(
    ("estimate", "limit"), [(21_000, 27_300), (21_001, 27_302), (1, 2), (76_923, 100_000)]
)
def test_the_gas_limit_is_the_estimate_and_three_tenths_rounded_up(
    estimate: int, limit: int
) -> None:
    assert gas_limit(estimate, RULES) == limit


def test_a_gas_limit_above_the_option_is_refused_and_not_cut() -> None:
    with pytest.raises(TooMuchGas, match="gas limit of 100002, above GAS_LIMIT, which is 100000"):
        gas_limit(76_924, RULES)


@pytest.mark.parametrize(
    ("base_fee_wei", "offered_wei"),
    [(0, 0), (20_000_000, 40_000_000), (GWEI // 2, GWEI), (GWEI // 2 + 1, GWEI), (GWEI, GWEI)],
)
def test_the_first_price_leaves_room_for_the_base_fee_to_double_below_the_cap(
    base_fee_wei: int, offered_wei: int
) -> None:
    assert first_price(base_fee_wei, RULES) == (offered_wei, 0)


def test_a_base_fee_above_the_cap_waits() -> None:
    with pytest.raises(TooExpensive, match="above MAX_GAS_PRICE_WEI, which is 1000000000"):
        first_price(GWEI + 1, RULES)


def test_the_tip_counts_towards_the_cap() -> None:
    tipping = GasRules(limit=1, max_price_wei=100, priority_fee_wei=7)
    assert first_price(40, tipping) == (87, 7)
    assert first_price(93, tipping) == (100, 7)
    with pytest.raises(TooExpensive, match="offered at 101 wei"):
        first_price(94, tipping)


@pytest.mark.parametrize(
    ("before", "base_fee_wei", "offered"),
    [
        (sent(100), 1, (110, 1)),
        (sent(101), 1, (112, 1)),
        (sent(9), 1, (10, 1)),
        (sent(0), 0, (1, 1)),
        (sent(100, 10), 1, (110, 11)),
        (sent(100), 500, (1000, 1)),
        (sent(10**9 * 10 // 11), 1, (10**9, 1)),
    ],
)
def test_the_next_price_is_a_tenth_more_in_both_parts(
    before: Transfer, base_fee_wei: int, offered: tuple[int, int]
) -> None:
    assert higher_price(base_fee_wei, RULES, before) == offered


def test_a_tenth_more_than_the_cap_allows_is_refused() -> None:
    with pytest.raises(TooExpensive, match="offered at 1000000001 wei"):
        higher_price(1, RULES, sent(909_090_910))


@given(base_fee_wei=PRICES, max_fee_wei=PRICES, priority_wei=PRICES)
def test_whatever_the_price_nodes_take_the_replacement_and_the_cap_holds(
    base_fee_wei: int, max_fee_wei: int, priority_wei: int
) -> None:
    before = sent(max_fee_wei, min(priority_wei, max_fee_wei))
    try:
        offered_wei, tip_wei = higher_price(base_fee_wei, RULES, before)
    except TooExpensive:
        return
    assert tip_wei <= offered_wei <= RULES.max_price_wei
    assert offered_wei >= base_fee_wei
    assert offered_wei * 10 >= max_fee_wei * 11 and offered_wei > max_fee_wei
    assert tip_wei * 10 >= before.max_priority_fee_wei * 11
    assert tip_wei > before.max_priority_fee_wei
