"""EIP-55, by the examples of its own text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.addresses import ZERO_ADDRESS, _checksummed, checksum_address

EIP_55_EXAMPLES = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("address", EIP_55_EXAMPLES)
def test_one_case_is_taken_and_checksummed(address: str) -> None:
    assert checksum_address(address) == address
    assert checksum_address("0x" + address[2:].lower()) == address
    assert checksum_address("0x" + address[2:].upper()) == address


@pytest.mark.parametrize("address", EIP_55_EXAMPLES[4:])
def test_one_letter_in_the_wrong_case_is_refused(address: str) -> None:
    place = next(place for place, digit in enumerate(address) if place > 1 and digit.isalpha())
    altered = address[:place] + address[place].swapcase() + address[place + 1 :]
    assert checksum_address(altered) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "0x" + "1" * 39,
        "0x" + "1" * 41,
        "1" * 40,
        "0X" + "1" * 40,
        "0x" + "g" * 40,
        "0x" + "1" * 40 + "\n",
        " 0x" + "1" * 40,
        "0x" + "٣" * 40,
    ],
)
def test_text_that_is_no_address(text: str) -> None:
    assert checksum_address(text) is None


@given(st.text())
def test_any_text_is_an_address_or_none(text: str) -> None:
    assert checksum_address(text) in (None, text)


@given(st.binary(min_size=20, max_size=20))
def test_checksummed_form_stands(raw: bytes) -> None:
    address = checksum_address("0x" + raw.hex())
    assert address is not None and address.lower() == "0x" + raw.hex()
    assert checksum_address(address) == address


def test_zero_address_is_an_address() -> None:
    assert checksum_address(ZERO_ADDRESS) == ZERO_ADDRESS


def test_what_is_no_address_is_not_kept() -> None:
    before = _checksummed.cache_info()
    assert checksum_address("0x" + "1" * 100_000) is None
    assert _checksummed.cache_info() == before
