"""Whom a run pays, and why others wait: a table of verdicts, the queue, hash and document."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openpool_management.domain.payouts.plan import Decision, Payment, Plan, Verdict
from openpool_management.domain.payouts.plan_document import plan_document, plan_from_document
from openpool_management.domain.payouts.planning import exceeded, plan_payouts
from openpool_management.domain.payouts.policy import Candidate, Funds, Policy

ETH = 10**18
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALICE = "0x52908400098527886E0F7030069857D2E4169EE7"
BOB = "0x8617E340B3D01FA5F11F306F4090FD50E238070D"
CAROL = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

POLICY = Policy(
    threshold_wei=10**16,
    floor_wei=10**15,
    max_age_days=30,
    quarantine_days=1,
    payout_max_wei=5 * ETH,
    run_max_wei=20 * ETH,
    day_max_wei=50 * ETH,
    approval_wei=5 * ETH,
    reserve_wei=10**15,
)
FUNDS = Funds(chain_id=42161, sender=WALLET, wallet_wei=100 * ETH)


def owed(worker: str, payable_wei: int, **fields: Any) -> Candidate:
    """A worker of long standing with a balance of the last day."""
    given = {
        "oldest_unpaid_at": NOW - timedelta(days=1),
        "first_earned_at": NOW - timedelta(days=90),
    } | fields
    return Candidate(worker=worker, payable_wei=payable_wei, **given)


def plan(*candidates: Candidate, funds: Funds = FUNDS, **policy: Any) -> Plan:
    return plan_payouts("2026-11-22", replace(POLICY, **policy), candidates, funds, NOW)


def decide(one: Candidate, funds: Funds = FUNDS, **policy: Any) -> Decision:
    (decision,) = plan(one, funds=funds, **policy).decisions
    return decision


@pytest.mark.parametrize(
    ("one", "policy", "verdict", "told"),
    [
        (owed(ALICE, 10**16), {}, Verdict.PAY, "0.01 ETH are paid."),
        (owed(ALICE, 2**80), {"payout_max_wei": 2**81, "run_max_wei": 2**81,
         "day_max_wei": 2**81}, Verdict.WALLET, "the wallet does not cover: 99.999 ETH are left"),
        (owed(ALICE, 10**16 - 1), {}, Verdict.BELOW_THRESHOLD,
         "0.000000000000000001 ETH are missing to the threshold of 0.01 ETH."),
        (owed(ALICE, 10**16, own_threshold_wei=ETH), {}, Verdict.BELOW_OWN_THRESHOLD,
         "0.99 ETH are missing to the worker's own threshold of 1 ETH."),
        (owed(ALICE, 10**15, own_threshold_wei=1), {}, Verdict.BELOW_THRESHOLD, "0.009 ETH"),
        (owed(ALICE, 10**15, oldest_unpaid_at=NOW - timedelta(days=30)), {}, Verdict.PAY,
         "they reached the maximum age"),
        (owed(ALICE, 10**15, oldest_unpaid_at=NOW - timedelta(days=30, microseconds=-1)), {},
         Verdict.BELOW_THRESHOLD, "0.009 ETH are missing"),
        (owed(ALICE, 10**15 - 1, oldest_unpaid_at=NOW - timedelta(days=31)), {},
         Verdict.BELOW_FLOOR, "missing to the floor of 0.001 ETH"),
        (owed(ALICE, 10**15, oldest_unpaid_at=NOW - timedelta(days=99)), {"max_age_days": 0},
         Verdict.BELOW_THRESHOLD, "missing to the threshold"),
        (owed(ALICE, 10**15, oldest_unpaid_at=None), {}, Verdict.BELOW_THRESHOLD, "missing"),
        (owed(ALICE, 10**16, first_earned_at=NOW - timedelta(hours=23)), {}, Verdict.QUARANTINE,
         "in quarantine until 2026-11-22 13:00:00+00:00."),
        (owed(ALICE, 10**16, first_earned_at=NOW - timedelta(days=1)), {}, Verdict.PAY, "paid"),
        (owed(ALICE, 10**16, first_earned_at=NOW), {"quarantine_days": 0}, Verdict.PAY, "paid"),
        (owed(ALICE, 10**16, first_earned_at=NOW), {"allow": frozenset({ALICE})}, Verdict.PAY,
         "paid"),
        (owed(ALICE, 10**16, first_earned_at=None), {}, Verdict.QUARANTINE, "is not known"),
        (owed(ALICE, 10**16, first_earned_at=datetime.max.replace(tzinfo=UTC)), {},
         Verdict.QUARANTINE, "until 9999-12-31"),
        (owed(ALICE, ETH), {"deny": frozenset({ALICE})}, Verdict.DENIED, "deny list"),
        (owed(ALICE, ETH), {"allow_only": True, "allow": frozenset({BOB})}, Verdict.NOT_ALLOWED,
         "Only workers on the allow list"),
        (owed(ALICE, ETH), {"allow_only": True, "allow": frozenset({ALICE})}, Verdict.PAY, "1 ETH"),
        (owed(ALICE, ETH, blocked="recipient rejected a payout."), {}, Verdict.BLOCKED,
         "The worker can't be paid: recipient rejected a payout."),
        (owed(ALICE, 0, in_payout_wei=ETH), {"deny": frozenset({ALICE})}, Verdict.DENIED,
         "A payout of 1 ETH to the worker is under way. openpool payouts cancel stops it"),
        (owed(ALICE, ETH, in_payout_wei=ETH // 2, blocked="x"), {}, Verdict.BLOCKED,
         "can't be paid: x. A payout of 0.5 ETH"),
        (owed(ALICE, ETH, in_payout_wei=ETH // 2), {}, Verdict.IN_FLIGHT, "A payout of 0.5 ETH"),
        (owed(ALICE, 0, in_payout_wei=ETH), {}, Verdict.IN_FLIGHT, "A payout of 1 ETH"),
        (owed(ALICE, ETH, paid_this_period=True), {}, Verdict.PAID_THIS_PERIOD, "already"),
        (owed(ALICE, -ETH), {}, Verdict.OVERPAID, "1 ETH too much were paid"),
        (owed(ALICE, 7 * ETH), {}, Verdict.PAY,
         "5 ETH are paid, the cap of one payout; 2 ETH stay owed."),
        (owed(WALLET, ETH), {}, Verdict.UNPAYABLE, "is the wallet"),
        (owed(ALICE.lower(), ETH), {}, Verdict.UNPAYABLE, "is no address with its checksum"),
        (owed("nobody", ETH), {}, Verdict.UNPAYABLE, "nobody is no address"),
        (owed("0x" + "0" * 40, ETH), {}, Verdict.UNPAYABLE, "nobody has a key for"),
        (owed("0x" + "0" * 38 + "64", ETH), {}, Verdict.UNPAYABLE, "nobody has a key for"),
        (owed(ALICE, ETH), {"run_max_wei": ETH - 1}, Verdict.RUN_CAP, "the cap of one run: 0.99"),
        (owed(ALICE, ETH), {"day_max_wei": ETH - 1}, Verdict.DAY_CAP, "the cap of one day: 0.99"),
    ],
)  # fmt: skip
def test_verdicts(one: Candidate, policy: dict[str, Any], verdict: Verdict, told: str) -> None:
    decision = decide(one, **policy)
    assert (decision.worker, decision.payable_wei) == (one.worker, one.payable_wei)
    assert decision.verdict is verdict
    assert told in decision.reason
    assert decision.reason.endswith(".")


def test_nobody_without_a_balance_is_in_the_plan() -> None:
    made = plan(owed(ALICE, 0), owed(BOB, 0, blocked="x"))
    assert (made.payments, made.decisions, made.total_wei) == ((), (), 0)
    assert not made.needs_approval(replace(POLICY, approval_wei=0))


def test_large_amounts_are_exact() -> None:
    caps = dict.fromkeys(("payout_max_wei", "run_max_wei", "day_max_wei"), 2**200)
    made = plan(owed(ALICE, 2**199 + 1), funds=replace(FUNDS, wallet_wei=None), **caps)
    assert made.payments == (Payment(ALICE, ALICE, 2**199 + 1),)


@pytest.mark.parametrize(
    ("funds", "verdict"),
    [
        ({"wallet_wei": ETH + 10**15 + 21}, Verdict.PAY),
        ({"wallet_wei": ETH + 10**15 + 20}, Verdict.WALLET),
        ({"wallet_wei": ETH + 10**15 + 26, "reserved_wei": 5}, Verdict.PAY),
        ({"wallet_wei": ETH + 10**15 + 26, "reserved_wei": 6}, Verdict.WALLET),
        ({"wallet_wei": 0}, Verdict.WALLET),
        ({"wallet_wei": None, "reserved_wei": 10**30}, Verdict.PAY),
        ({"run_before_wei": 19 * ETH}, Verdict.PAY),
        ({"run_before_wei": 19 * ETH + 1}, Verdict.RUN_CAP),
        ({"paid_today_wei": 49 * ETH}, Verdict.PAY),
        ({"paid_today_wei": 49 * ETH + 1}, Verdict.DAY_CAP),
    ],
)
def test_what_was_taken_before_counts(funds: dict[str, Any], verdict: Verdict) -> None:
    funds_left = replace(FUNDS, gas_wei=21, **funds)
    assert decide(owed(ALICE, ETH), funds=funds_left).verdict is verdict


@pytest.mark.parametrize(
    ("policy", "funds", "told"),
    [
        ({}, {}, ""),
        ({"payout_max_wei": 2 * ETH - 1}, {}, f"2 ETH to {BOB} exceed the cap of one payout, 1.99"),
        ({"run_max_wei": 3 * ETH}, {}, ""),
        (
            {"run_max_wei": 3 * ETH},
            {"run_before_wei": 1},
            "3 ETH are due, which exceeds the cap of",
        ),
        ({"day_max_wei": 4 * ETH}, {"paid_today_wei": ETH}, ""),
        ({"day_max_wei": 4 * ETH}, {"paid_today_wei": ETH + 1}, "exceeds the cap of one day: 2.99"),
        ({}, {"wallet_wei": 3 * ETH + 10**15 + 42}, ""),
        ({}, {"wallet_wei": 3 * ETH + 10**15 + 41}, "the wallet does not cover"),
        ({}, {"wallet_wei": None}, ""),
    ],
)
def test_what_a_whole_plan_does_not_fit_into(
    policy: dict[str, Any], funds: dict[str, Any], told: str
) -> None:
    made = plan(owed(ALICE, ETH), owed(BOB, 2 * ETH))
    left = exceeded(made, replace(POLICY, **policy), replace(FUNDS, gas_wei=21, **funds))
    assert told in left and bool(told) == bool(left)


def test_the_longest_unpaid_come_first_and_nobody_overtakes() -> None:
    old, older = NOW - timedelta(days=5), NOW - timedelta(days=9)
    made = plan(
        owed(ALICE, ETH, oldest_unpaid_at=None),
        owed(BOB, ETH, oldest_unpaid_at=old),
        owed(CAROL, 3 * ETH, oldest_unpaid_at=old),
        owed(WALLET, 2 * ETH, oldest_unpaid_at=older),
        funds=replace(FUNDS, sender=""),
        run_max_wei=4 * ETH,
    )
    assert made.payments == (Payment(WALLET, WALLET, 2 * ETH),)
    told = {decision.worker: decision for decision in made.decisions}
    assert told[CAROL].reason == (
        "3 ETH are due, which exceeds the cap of one run: 2 ETH are left."
    )
    assert told[BOB].verdict is told[ALICE].verdict is Verdict.RUN_CAP
    assert told[BOB].reason == "Waits behind an older balance that exceeds the cap of one run."


def test_ties_go_by_amount_and_then_by_address() -> None:
    made = plan(owed(BOB, ETH), owed(ALICE, ETH), owed(CAROL, 2 * ETH))
    assert [payment.worker for payment in made.payments] == [CAROL, ALICE, BOB]
    assert [one.worker for one in made.decisions] == sorted([ALICE, BOB, CAROL])


def test_a_worker_is_there_once() -> None:
    with pytest.raises(ValueError, match=f"{ALICE} is twice"):
        plan(owed(ALICE, ETH), owed(ALICE, ETH))


def test_a_policy_that_pays_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="raise OPENPOOL_PAYOUT_MAX_WEI"):
        replace(POLICY, payout_max_wei=0)


@pytest.mark.parametrize(
    ("before_wei", "approval_wei", "needed"),
    [
        (0, 2 * ETH, False),
        (0, 2 * ETH - 1, True),
        (1, 2 * ETH, True),
        (0, 0, True),
    ],
)
def test_approval(before_wei: int, approval_wei: int, needed: bool) -> None:
    made = plan(owed(ALICE, 2 * ETH), funds=replace(FUNDS, run_before_wei=before_wei))
    assert made.needs_approval(replace(POLICY, approval_wei=approval_wei)) is needed


def test_the_hash_stands_for_what_is_paid() -> None:
    made = plan(owed(ALICE, ETH), owed(BOB, 1))
    later = replace(made, made_at=NOW + timedelta(days=1), decisions=(), run_before_wei=5)
    assert later.hash == made.hash
    assert len(made.hash) == 64
    others = [
        replace(made, run_key="2026-11-23"),
        replace(made, chain_id=1),
        replace(made, sender=BOB),
        replace(made, payments=(Payment(ALICE, ALICE, ETH + 1),)),
        replace(made, payments=(Payment(ALICE, BOB, ETH),)),
        replace(made, payments=(Payment(ALICE, ALICE, ETH, attempt=1),)),
        replace(made, payments=()),
    ]
    assert len({made.hash, *(other.hash for other in others)}) == len(others) + 1


def test_what_is_paid_again_after_a_void_is_another_payment() -> None:
    made = plan(owed(ALICE, ETH, voided_this_period=2))
    assert made.payments == (Payment(ALICE, ALICE, ETH, attempt=2),)
    assert plan_from_document(plan_document(made)) == made


def test_a_document_that_was_altered_is_refused() -> None:
    document = plan_document(plan(owed(ALICE, ETH)))
    document["payments"][0]["amount_wei"] = str(2 * ETH)
    with pytest.raises(ValueError, match="it was altered; make a new plan"):
        plan_from_document(document)
    with pytest.raises(ValueError, match=r"can't be read \(KeyError: 'hash'\)"):
        plan_from_document({name: value for name, value in document.items() if name != "hash"})
