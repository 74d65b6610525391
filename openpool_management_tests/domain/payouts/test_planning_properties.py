"""Properties of every plan, whatever the balances, the rules and the funds."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.addresses import checksum_address
from openpool_management.domain.payouts.plan import Verdict
from openpool_management.domain.payouts.plan_document import plan_document, plan_from_document
from openpool_management.domain.payouts.planning import plan_payouts
from openpool_management.domain.payouts.policy import Candidate, Funds, Policy
from openpool_management_tests.domain.payouts.test_planning import ETH, NOW, POLICY

# Mostly workers who are due, and caps of the size of a few balances: else no plan would pay.
times = st.sampled_from([None, *(NOW + timedelta(days=days) for days in (-400, -31, -30, -2, 1))])
amounts = st.one_of(
    st.integers(10**16, 8 * ETH),
    st.sampled_from([-ETH, 0, 1, 10**15, 10**16 - 1, 10**16, ETH, 5 * ETH, 2**64]),
)


def mostly(usual: object, *others: object) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 7 + list(others))


limits = mostly(20 * ETH, 0, 3 * ETH, 9 * ETH + 1)


def checksummed(number: int) -> str:
    address = checksum_address(f"0x{number:040x}")
    assert address is not None
    return address


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Candidate], Funds, Policy]:
    workers = draw(st.lists(st.integers(2**32 - 2, 2**32 + 30), unique=True, max_size=12))
    candidates = [
        Candidate(
            worker=checksummed(number),
            payable_wei=draw(amounts),
            in_payout_wei=draw(mostly(0, ETH)),
            oldest_unpaid_at=draw(times),
            first_earned_at=draw(mostly(NOW - timedelta(days=9), NOW, None)),
            own_threshold_wei=draw(mostly(None, ETH, 9 * ETH)),
            blocked=draw(mostly("", "it reverts")),
            paid_this_period=draw(mostly(False, True)),
        )
        for number in workers
    ]
    funds = Funds(
        chain_id=1,
        sender=checksummed(2**32 + 5),
        wallet_wei=draw(st.none() | limits),
        reserved_wei=draw(st.sampled_from([0, ETH])),
        run_before_wei=draw(st.sampled_from([0, ETH])),
        paid_today_wei=draw(st.sampled_from([0, ETH])),
        gas_wei=draw(st.sampled_from([0, 10**14])),
    )
    policy = replace(
        POLICY,
        payout_max_wei=draw(mostly(5 * ETH, 1, 2**64)),
        run_max_wei=draw(limits),
        day_max_wei=draw(limits),
        deny=frozenset({checksummed(2**32 + 6)}),
        allow=frozenset({checksummed(2**32 + 7)}),
    )
    return candidates, funds, policy


@given(cases(), st.randoms(use_true_random=False))
def test_every_plan(case: tuple[list[Candidate], Funds, Policy], random: Any) -> None:
    candidates, funds, policy = case
    made = plan_payouts("run", policy, candidates, funds, NOW)

    shuffled = random.sample(candidates, len(candidates))
    assert plan_payouts("run", policy, shuffled, funds, NOW) == made

    with_balance = {one.worker: one for one in candidates if one.payable_wei or one.in_payout_wei}
    assert [one.worker for one in made.decisions] == sorted(with_balance)
    paid = {one.worker: one.amount_wei for one in made.payments}
    assert len(paid) == len(made.payments)
    assert set(paid) == {one.worker for one in made.decisions if one.verdict is Verdict.PAY}
    for worker, amount_wei in paid.items():
        assert 0 < amount_wei <= min(with_balance[worker].payable_wei, policy.payout_max_wei)
        assert with_balance[worker].in_payout_wei == 0
        assert worker not in policy.deny
        assert worker != funds.sender

    assert made.total_wei == sum(paid.values())
    if paid:
        assert funds.run_before_wei + made.total_wei <= policy.run_max_wei
        assert funds.paid_today_wei + made.total_wei <= policy.day_max_wei
        if funds.wallet_wei is not None:
            taken_wei = made.total_wei + len(paid) * funds.gas_wei + funds.reserved_wei
            assert taken_wei + policy.reserve_wei <= funds.wallet_wei

    document = json.loads(json.dumps(plan_document(made)))
    assert plan_from_document(document) == made
    assert "e+" not in json.dumps(document)
