"""The state machine, small here and long in ``make soak``."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from openpool_management.domain.payouts.payout import Mark
from openpool_management_tests.payout_model.machine import PayoutMachine
from openpool_management_tests.payout_model.world import REACHED

COMMON = ("crash", "another run", Mark.SEEN, Mark.FOREIGN, Mark.SUPERSEDED, Mark.VOIDED)
"""What a machine that gets anywhere has come through, however small."""

RARE = (Mark.LOST, Mark.CANCELLED, Mark.REVERTED, Mark.HELD, "a reorganization", "dearer gas")

CALM = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


def test_payouts_whatever_happens() -> None:
    run_state_machine_as_test(
        PayoutMachine,
        settings=settings(CALM, max_examples=24, stateful_step_count=40, derandomize=True),
    )
    assert all(REACHED[what] for what in (*COMMON, Mark.SETTLED)), REACHED


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_payouts_whatever_happens_for_long() -> None:
    """500 lives of up to 50 steps."""
    run_state_machine_as_test(
        PayoutMachine, settings=settings(CALM, max_examples=500, stateful_step_count=50)
    )
    print(dict(REACHED))
    assert REACHED["steps"] >= 10_000
    assert all(REACHED[what] for what in (*COMMON, *RARE, Mark.SETTLED)), REACHED
