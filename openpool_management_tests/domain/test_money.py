"""Wei is split and written without losing any of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.money import WEI_PER_ETH, format_eth, format_percent, split_fee

fees = st.integers(0, 10**30 - 1)
rates = st.integers(0, 10_000)


@given(fees, rates)
def test_split_conserves_and_rounds_the_worker_down(fee_wei: int, fee_bps: int) -> None:
    net_wei, commission_wei = split_fee(fee_wei, fee_bps)
    assert net_wei + commission_wei == fee_wei
    assert 0 <= fee_wei * (10_000 - fee_bps) - net_wei * 10_000 < 10_000
    assert commission_wei >= 0


@pytest.mark.parametrize(
    ("fee_wei", "fee_bps", "net_wei"),
    [(3, 2_500, 2), (1, 2_500, 0), (1, 1, 0), (7, 0, 7), (7, 10_000, 0), (2**64 + 1, 5_000, 2**63)],
)
def test_split_to_the_wei(fee_wei: int, fee_bps: int, net_wei: int) -> None:
    assert split_fee(fee_wei, fee_bps) == (net_wei, fee_wei - net_wei)


@pytest.mark.parametrize(("fee_wei", "fee_bps"), [(-1, 0), (1, -1), (1, 10_001)])
def test_impossible_split_is_refused(fee_wei: int, fee_bps: int) -> None:
    with pytest.raises(ValueError, match=f"{fee_wei} wei at {fee_bps} basis points"):
        split_fee(fee_wei, fee_bps)


@given(st.integers(-(10**40), 10**40))
def test_eth_text_is_exact(amount_wei: int) -> None:
    text = format_eth(amount_wei)
    whole, _, fraction = text.lstrip("-").partition(".")
    read = int(whole) * WEI_PER_ETH + int(fraction.ljust(18, "0"))
    assert read * (-1 if text.startswith("-") else 1) == amount_wei
    assert not fraction.endswith("0")


@pytest.mark.parametrize(
    ("amount_wei", "text"),
    [(0, "0"), (1, "0.000000000000000001"), (15 * 10**17, "1.5"), (-(10**18), "-1")],
)
def test_eth_text(amount_wei: int, text: str) -> None:
    assert format_eth(amount_wei) == text


@pytest.mark.parametrize(
    ("fee_bps", "text"), [(0, "0 %"), (2_500, "25 %"), (1_250, "12.5 %"), (1, "0.01 %")]
)
def test_percent_text(fee_bps: int, text: str) -> None:
    assert format_percent(fee_bps) == text
