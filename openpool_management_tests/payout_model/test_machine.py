"""The state machine, small here and long in ``make soak``."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from openpool_management.domain.payouts.payout import Mark
from openpool_management_tests.payout_model.machine import STEPS, PayoutMachine

REACHED = ("crashes", Mark.SEEN, Mark.FOREIGN, Mark.SUPERSEDED, Mark.VOIDED, Mark.SETTLED)
"""What a machine that gets anywhere has come through, however small."""

CALM = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


def test_payouts_whatever_happens() -> None:
    run_state_machine_as_test(
        PayoutMachine,
        settings=settings(CALM, max_examples=30, stateful_step_count=40, derandomize=True),
    )
    assert all(STEPS[what] for what in REACHED), STEPS


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_payouts_whatever_happens_for_long() -> None:
    """400 lives of up to 50 steps."""
    run_state_machine_as_test(
        PayoutMachine, settings=settings(CALM, max_examples=400, stateful_step_count=50)
    )
    print(dict(STEPS))
    assert STEPS["steps"] >= 10_000
    assert all(STEPS[what] for what in (*REACHED, Mark.LOST, Mark.CANCELLED, Mark.REVERTED))
