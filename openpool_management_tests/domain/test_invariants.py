"""Each invariant, broken once and only as its name says."""

import pytest

from openpool_management.domain.accounts import Account, AccountKind, Entry, Posting
from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.invariants import (
    LEDGER_INVARIANTS,
    broken_invariants,
    entries_sum_to_zero,
)
from openpool_management_tests.log_objects import ALICE

EAST, WEST = "ai|us-east", "ai|us-west"


def revenue(stream: str) -> Account:
    return Account(AccountKind.REVENUE, stream)


def payable(worker: str, stream: str = EAST) -> Account:
    return Account(AccountKind.PAYABLE, stream, worker, "llm", "m1")


SOUND = {
    revenue(EAST): -100,
    payable(ALICE): 75,
    Account(AccountKind.COMMISSION, EAST, ALICE, "llm", "m1"): 25,
    revenue(WEST): -(2**70),
    Account(AccountKind.UNATTRIBUTED, WEST, pipeline="llm", model="m1"): 2**70,
}


def test_sound_balances_break_nothing() -> None:
    assert broken_invariants(SOUND) == []
    assert broken_invariants({}) == []


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (
            {payable(ALICE): 76},
            ["The trial balance is 1 wei", f"Stream {EAST} is out of balance by 1 wei"],
        ),
        (
            {payable(ALICE): 76, revenue(WEST): -(2**70) - 1},
            [f"Stream {EAST} is out of balance by 1", f"Stream {WEST} is out of balance by -1"],
        ),
        (
            {payable(ALICE): -1, Account(AccountKind.HELD, EAST): 76},
            [f"Account {payable(ALICE).name} is at -1 wei, below zero"],
        ),
        (
            {payable(ALICE): 0, payable(ZERO_ADDRESS): 75},
            [f"Account {payable(ZERO_ADDRESS).name} owes 75 wei to nobody"],
        ),
        ({payable(ALICE): 0, payable(""): 75}, ["owes 75 wei to nobody"]),
    ],
)
def test_broken_balances_are_told(change: dict[Account, int], sentences: list[str]) -> None:
    errors = broken_invariants(SOUND | change)
    assert len(errors) == len(sentences)
    for error, sentence in zip(errors, sentences, strict=True):
        assert sentence in error


def test_every_invariant_is_listed_once() -> None:
    assert len(set(LEDGER_INVARIANTS)) == len(LEDGER_INVARIANTS) == 5


def test_entries_that_are_out_of_balance_are_told() -> None:
    balanced = Entry("good", (Posting(revenue(EAST), -5), Posting(payable(ALICE), 5)))
    lopsided = Entry("lopsided", (Posting(revenue(EAST), -5), Posting(payable(ALICE), 6)))
    twice = Entry(
        "twice",
        (Posting(revenue(EAST), -5), Posting(payable(ALICE), 2), Posting(payable(ALICE), 3)),
    )
    assert entries_sum_to_zero([balanced, Entry("empty", ())]) == []
    assert entries_sum_to_zero([balanced, lopsided]) == [
        "Entry lopsided is out of balance by 1 wei."
    ]
    assert entries_sum_to_zero([twice]) == [f"Entry twice posts 2 times to {payable(ALICE).name}."]
