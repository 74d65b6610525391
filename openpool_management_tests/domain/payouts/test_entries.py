"""The entries of payouts, as the ledger shows them: what each account gains in wei."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from openpool_management.domain.accounts import Entry
from openpool_management.domain.invariants import entries_sum_to_zero
from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.payout import Intent, intent_id

AT = datetime(2026, 12, 1, tzinfo=UTC)
ETH = 10**18
INTENT = Intent(
    id=intent_id("2026-12-01", "W", 0),
    run_key="2026-12-01",
    worker="W",
    to_address="W",
    amount_wei=3 * ETH,
    chain_id=42161,
    sender="S",
    created_at=AT,
)


def shown(entry: Entry) -> dict[str, int]:
    """The entry by account; it is in balance."""
    assert entries_sum_to_zero([entry]) == []
    return {one.account.name: one.amount_wei for one in entry.postings}


@pytest.mark.parametrize(
    ("entry", "gains"),
    [
        (entries.reserved(INTENT), {"payable::W": -3 * ETH, "in_payout::W": 3 * ETH}),
        (entries.voided(INTENT), {"in_payout::W": -3 * ETH, "payable::W": 3 * ETH}),
        (entries.settled(INTENT), {"in_payout::W": -3 * ETH, "wallet::S": 3 * ETH}),
        (
            entries.settled_by_other(INTENT),
            {"in_payout::W": -3 * ETH, "unexplained::S": 3 * ETH},
        ),
        (entries.gas("S", "0xab", 21), {"gas::S": -21, "wallet::S": 21}),
        (
            entries.foreign("S", "0xab", 100, 21),
            {"wallet::S": 121, "unexplained::S": -100, "gas::S": -21},
        ),
        (entries.foreign("S", "0xab", 0, 21), {"wallet::S": 21, "gas::S": -21}),
        (entries.funding("S", 7, ETH), {"wallet::S": -ETH, "funding::S": ETH}),
        (entries.outflow("S", 7, ETH), {"wallet::S": ETH, "unexplained::S": -ETH}),
    ],
)
def test_entries(entry: Entry, gains: dict[str, int]) -> None:
    assert shown(entry) == gains


def test_a_payout_that_is_void_leaves_nothing_behind() -> None:
    there, back = shown(entries.reserved(INTENT)), shown(entries.voided(INTENT))
    assert {name: there[name] + back[name] for name in there} == dict.fromkeys(there, 0)


def test_a_payout_made_by_hand_is_explained_once_it_is_accepted() -> None:
    by_hand = shown(entries.foreign("S", "0xab", INTENT.amount_wei, 21))
    accepted = shown(entries.settled_by_other(INTENT))
    assert by_hand["unexplained::S"] + accepted["unexplained::S"] == 0


def test_amounts_of_any_size_are_exact() -> None:
    large = replace(INTENT, amount_wei=2**90 + 1)
    assert shown(entries.settled(large)) == {"in_payout::W": -(2**90) - 1, "wallet::S": 2**90 + 1}


def test_what_can_happen_once_has_one_key() -> None:
    """A payout settles once, whoever paid it; a transaction's gas is spent once."""
    assert entries.settled(INTENT).key == entries.settled_by_other(INTENT).key
    keys = {make(INTENT).key for make in (entries.reserved, entries.voided, entries.settled)} | {
        entries.gas("S", "0xab", 1).key,
        entries.foreign("S", "0xab", 1, 1).key,
    }
    assert len(keys) == 5
    assert entries.gas("S", "0xab", 1).key == entries.gas("S", "0xab", 2).key
