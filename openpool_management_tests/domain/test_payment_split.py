"""How a payment is split over streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.payment_split import UnpaidByStream, split_payment

STREAMS = ["ai|a", "ai|b", "transcode|a"]
UNPAID = st.dictionaries(st.sampled_from(STREAMS), st.integers(-(10**30), 10**30))


@given(st.integers(0, 10**31), UNPAID)
def test_shares_add_up_and_only_the_last_gets_more_than_it_had(
    amount_wei: int, unpaid_wei: dict[str, int]
) -> None:
    shares = split_payment(amount_wei, unpaid_wei)
    assert sum(shares.values()) == amount_wei
    assert all(share > 0 for share in shares.values())
    assert shares.keys() <= (unpaid_wei.keys() or {""})
    last = max(unpaid_wei, default="")
    for stream, share in shares.items():
        if stream != last:
            assert share <= unpaid_wei[stream]
    positive_wei = sum(max(wei, 0) for wei in unpaid_wei.values())
    if amount_wei == positive_wei:
        assert shares == {stream: wei for stream, wei in unpaid_wei.items() if wei > 0}


def test_streams_are_taken_by_name_and_the_rest_goes_to_the_last() -> None:
    unpaid_wei = {"ai|b": 5, "ai|a": 3, "transcode|a": 2}
    assert split_payment(10, unpaid_wei) == unpaid_wei
    assert split_payment(4, unpaid_wei) == {"ai|a": 3, "ai|b": 1}
    assert split_payment(13, unpaid_wei) == {"ai|a": 3, "ai|b": 5, "transcode|a": 5}
    assert split_payment(4, {"ai|a": -7, "ai|b": 11}) == {"ai|b": 4}
    assert split_payment(4, {"ai|a": 1, "ai|b": -7}) == {"ai|a": 1, "ai|b": 3}
    assert split_payment(4, {}) == {"": 4}
    with pytest.raises(ValueError, match="-1 wei"):
        split_payment(-1, {})


def test_the_first_stream_takes_over_what_was_paid_before_anything_was_earned() -> None:
    own = UnpaidByStream()
    own.set_aside("by hand", 4)
    own.set_aside("voided", 2)
    assert own.shares == {"by hand": {"": 4}, "voided": {"": 2}}
    own.earn("transcode|a", 10)
    assert own.shares == {"by hand": {"transcode|a": 4}, "voided": {"transcode|a": 2}}
    own.give_back("voided")
    own.earn("ai|a", 5)
    assert own.unpaid_wei == {"transcode|a": 6, "ai|a": 5}
    assert own.shares["by hand"] == {"transcode|a": 4}


def test_a_voided_payout_is_unpaid_again_and_split_anew() -> None:
    own = UnpaidByStream()
    own.earn("ai|a", 7)
    own.set_aside("first", 7)
    own.earn("transcode|a", 2)
    own.set_aside("second", 1)
    own.give_back("first")
    assert own.unpaid_wei == {"ai|a": 7, "transcode|a": 1}
    own.set_aside("third", 8)
    assert own.shares == {
        "first": {"ai|a": 7},
        "second": {"transcode|a": 1},
        "third": {"ai|a": 7, "transcode|a": 1},
    }
    assert own.unpaid_wei == {"ai|a": 0, "transcode|a": 0}
