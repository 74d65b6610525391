"""What counts of what was told: each transaction once, whatever the order and the repetitions."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.tickets import (
    MAX_FACE_VALUE_WEI,
    NO_TRANSACTION,
    Redeemed,
    TicketCheck,
    TicketOutcome,
    TicketState,
    ToldTicket,
    redeemed,
    told_ticket,
)
from openpool_management_tests.log_objects import START, moment

GATEWAY = "0x52908400098527886E0F7030069857D2E4169EE7"
HASHES = [f"0x{number:064x}" for number in range(1, 6)]
SUCCEEDED, REVERTED, MISSING = TicketOutcome


def told(tx_hash: str = HASHES[0], wei: int | None = 5, no: int = 1, **more: Any) -> ToldTicket:
    fields: dict[str, Any] = {
        "stream": "ai|us-central",
        "event_id": f"e{no}",
        "dt": moment(no),
        "tx_hash": tx_hash,
        "face_value_wei": wei,
        "sender": GATEWAY,
        "recipient": "",
    }
    return ToldTicket(**(fields | more))


def answer(outcome: TicketOutcome, tx_hash: str = HASHES[0]) -> TicketCheck:
    return TicketCheck(tx_hash, outcome, 7, START)


def sums(revenue: Redeemed) -> dict[str, int]:
    """Wei in each state that has some."""
    return {state.value: revenue.wei(state) for state in TicketState if revenue.count(state)}


def test_repeats_count_once_and_other_hashes_apart() -> None:
    revenue = redeemed([told(no=2), told(no=1), told(HASHES[1], 2**63 + 1, 3), told(no=4)], [])
    assert sums(revenue) == {"unverified": 5 + 2**63 + 1}
    first, second = revenue.redemptions
    assert (first.tx_hash, first.event_id, first.dt, first.told) == (HASHES[0], "e1", moment(1), 3)
    assert (second.tx_hash, second.told) == (HASHES[1], 1)
    assert revenue.doubts == []


def test_zero_hashes_never_count() -> None:
    revenue = redeemed([told(NO_TRANSACTION, no=1), told(NO_TRANSACTION, no=2)], [])
    assert (revenue.redemptions, revenue.without_transaction) == ((), 2)


def test_different_face_values_of_one_transaction_are_doubtful() -> None:
    stream = "transcode|oceania"
    revenue = redeemed([told(wei=5, no=1), told(wei=7, no=2, stream=stream), told(wei=5, no=3)], [])
    assert sums(revenue) == {"doubtful": 7}
    (doubt,) = revenue.doubts
    assert doubt == (
        f"Redemption {HASHES[0]}, told by e1 of ai|us-central, e2 of transcode|oceania, "
        "e3 of ai|us-central, is not counted. It is told with different face values of 5, 7 wei: "
        "compare it with the transaction on the chain, and the events with `openpool trace`."
    )


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([], "unverified"),
        ([SUCCEEDED], "verified"),
        ([SUCCEEDED, SUCCEEDED], "verified"),
        ([MISSING, SUCCEEDED], "verified"),
        ([SUCCEEDED, MISSING], "verified"),
        ([REVERTED], "failed"),
        ([MISSING, REVERTED], "failed"),
        ([MISSING], "doubtful"),
        ([SUCCEEDED, REVERTED], "doubtful"),
    ],
)
def test_the_chain_has_the_last_word(answers: list[TicketOutcome], state: str) -> None:
    checks = [answer(outcome) for outcome in answers]
    assert sums(redeemed([told(), told(no=2)], checks)) == {state: 5}


@pytest.mark.parametrize(
    ("answers", "state"), [([SUCCEEDED], "doubtful"), ([REVERTED], "failed"), ([], "doubtful")]
)
def test_success_does_not_say_which_face_value_is_true(
    answers: list[TicketOutcome], state: str
) -> None:
    checks = [answer(outcome) for outcome in answers]
    assert sums(redeemed([told(wei=5), told(wei=7, no=2)], checks)) == {state: 7}


def test_an_answer_is_for_its_transaction_alone() -> None:
    revenue = redeemed([told(), told(HASHES[1], 9, 2)], [answer(SUCCEEDED, HASHES[1])])
    assert sums(revenue) == {"unverified": 5, "verified": 9}


def test_what_states_no_hash_or_no_possible_value_is_doubtful() -> None:
    revenue = redeemed([told("", 5, 1), told("", 5, 2), told(wei=None, no=3)], [])
    assert sums(revenue) == {"doubtful": 10}
    assert [one.doubt.split(". ")[1].split(":")[0] for one in revenue.redemptions] == [
        "It states no transaction hash",
        "It states no transaction hash",
        "It states a face value that no chain can hold",
    ]


def payload(**changes: Any) -> str:
    fields: dict[str, Any] = {
        "recipient": GATEWAY.lower(),
        "sender": GATEWAY.lower(),
        "faceValue": 5,
        "winProb": 2**256 - 1,
        "pricePerPixel": None,
        "creationRound": 3900,
        "txHash": HASHES[0],
    }
    return json.dumps(fields | changes)


def test_a_payload_is_read() -> None:
    ticket = told_ticket("ai|us-central", "e1", moment(1), payload())
    assert ticket == told(recipient=GATEWAY)


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        (0, 0),
        (2**63 + 1, 2**63 + 1),
        (2**128 + 1, 2**128 + 1),
        (MAX_FACE_VALUE_WEI, MAX_FACE_VALUE_WEI),
        (MAX_FACE_VALUE_WEI + 1, None),
        (-1, None),
    ],
)
def test_face_values_are_exact_as_far_as_a_chain_goes(stated: int, read: int | None) -> None:
    ticket = told_ticket("ai|us-central", "e", START, payload(faceValue=stated))
    assert ticket.face_value_wei == read


@pytest.mark.parametrize("text", ["", "0x", "0x12", HASHES[0] + "0", "0x" + "g" * 64, "\x00"])
def test_text_that_is_no_hash_is_kept_out(text: str) -> None:
    assert told_ticket("ai|us-central", "e", START, payload(txHash=text)).tx_hash == ""


def test_one_hash_in_either_case_is_one_hash() -> None:
    upper = "0x" + "AB" * 32
    tickets = [
        told_ticket("ai|us-central", name, START, payload(txHash=text))
        for name, text in (("e1", upper), ("e2", upper.lower()))
    ]
    assert sums(redeemed(tickets, [])) == {"unverified": 5}


tickets = st.builds(
    told,
    tx_hash=st.sampled_from([*HASHES, NO_TRANSACTION, ""]),
    wei=st.sampled_from([None, 0, 5, 2**63 + 1, 2**128 + 3]),
    no=st.integers(1, 40),
    stream=st.sampled_from(["ai|us-central", "transcode|oceania"]),
)
checks = st.builds(answer, st.sampled_from(TicketOutcome), st.sampled_from(HASHES))


@given(st.lists(tickets, max_size=12), st.lists(checks, max_size=6), st.data())
def test_order_changes_nothing(
    all_told: list[ToldTicket], answers: list[TicketCheck], data: st.DataObject
) -> None:
    shuffled = redeemed(data.draw(st.permutations(all_told)), data.draw(st.permutations(answers)))
    assert shuffled == redeemed(all_told, answers)


@given(st.lists(tickets, min_size=1, max_size=12), st.lists(checks, max_size=6), st.data())
def test_telling_again_adds_nothing(
    all_told: list[ToldTicket], answers: list[TicketCheck], data: st.DataObject
) -> None:
    again = data.draw(st.sampled_from([one for one in all_told if one.tx_hash] or [told()]))
    later = told(again.tx_hash, again.face_value_wei, 99, dt=again.dt + timedelta(seconds=50))
    before = redeemed([*all_told, again], answers)
    assert sums(redeemed([*all_told, again, later], answers)) == sums(before)


@given(st.lists(tickets, max_size=12), st.lists(checks, max_size=6))
def test_every_event_is_somewhere(all_told: list[ToldTicket], answers: list[TicketCheck]) -> None:
    unique = list({(one.stream, one.event_id): one for one in all_told}.values())
    revenue = redeemed(unique, answers)
    assert revenue.without_transaction + sum(one.told for one in revenue.redemptions) == len(unique)
    for one in revenue.redemptions:
        assert bool(one.doubt) == (one.state is TicketState.DOUBTFUL)
