"""The options of who is paid, when and how much; Settings is made of them."""

from typing import Annotated, Self

from annotated_types import Interval
from pydantic import BaseModel, model_validator

from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.option_checks import Cron
from openpool_management.options import Option, all_at_once
from openpool_management.payout_checks import Addresses, Mode, Switch, Wei

_ETH_WEI = 10**18


class PayoutOptions(BaseModel):
    """Who is paid, when and how much. Amounts are wei."""

    payouts: Annotated[
        Mode,
        Option(
            "OPENPOOL_PAYOUTS",
            "mode",
            "Whether payouts are made; dry-run does all but load the key, sign and send.",
        ),
    ] = PayoutMode.OFF
    payment_threshold_wei: Annotated[
        Wei,
        Option("PAYMENT_THRESHOLD_WEI", "wei", "Balance from which on a worker is paid."),
    ] = 10**16
    payout_floor_wei: Annotated[
        Wei,
        Option(
            "OPENPOOL_PAYOUT_FLOOR_WEI",
            "wei",
            "Balance from which on a worker is paid who has waited for the maximum age.",
        ),
    ] = 10**15
    payout_max_age_days: Annotated[
        int,
        Interval(ge=0, le=3650),
        Option(
            "OPENPOOL_PAYOUT_MAX_AGE_DAYS",
            "days",
            "Age at which a balance below the threshold is paid if it reaches the floor; 0: never.",
        ),
    ] = 30
    payout_quarantine_days: Annotated[
        int,
        Interval(ge=0, le=365),
        Option(
            "OPENPOOL_PAYOUT_QUARANTINE_DAYS",
            "days",
            "How long after its first fee a new address waits, so that a person can look at it "
            "before it is paid; addresses on the allow list don't wait.",
        ),
    ] = 1
    payout_max_wei: Annotated[
        Wei,
        Option(
            "OPENPOOL_PAYOUT_MAX_WEI",
            "wei",
            "Cap of one payout; what a worker is owed beyond it is paid by later runs.",
        ),
    ] = 5 * _ETH_WEI
    payout_run_max_wei: Annotated[
        Wei, Option("OPENPOOL_PAYOUT_RUN_MAX_WEI", "wei", "Cap of the payouts of one run.")
    ] = 20 * _ETH_WEI
    payout_day_max_wei: Annotated[
        Wei, Option("OPENPOOL_PAYOUT_DAY_MAX_WEI", "wei", "Cap of the payouts of one day, by UTC.")
    ] = 50 * _ETH_WEI
    payout_approval_wei: Annotated[
        Wei,
        Option(
            "OPENPOOL_PAYOUT_APPROVAL_WEI",
            "wei",
            "A run that pays more than this waits for approval; 0: every run does.",
        ),
    ] = 5 * _ETH_WEI
    payout_unfinal_max_wei: Annotated[
        Wei,
        Option(
            "OPENPOOL_PAYOUT_UNFINAL_MAX_WEI",
            "wei",
            "Cap of what is sent and not final, for times when finality lags.",
        ),
    ] = 20 * _ETH_WEI
    payout_allow_only: Annotated[
        Switch,
        Option("OPENPOOL_PAYOUT_ALLOW_ONLY", "yes/no", "Pay only workers on the allow list."),
    ] = False
    payout_allow: Annotated[
        Addresses,
        Option("OPENPOOL_PAYOUT_ALLOW", "addresses", "The allow list: known workers."),
    ] = ()
    payout_deny: Annotated[
        Addresses,
        Option("OPENPOOL_PAYOUT_DENY", "addresses", "Workers that are not paid."),
    ] = ()
    payout_cron: Annotated[
        Cron,
        Option("OPENPOOL_PAYOUT_CRON", "cron, UTC", "When the payout schedule runs."),
    ] = "0 12 * * *"
    payout_stuck_minutes: Annotated[
        int,
        Interval(ge=1, le=525_600),
        Option(
            "OPENPOOL_PAYOUT_STUCK_MINUTES",
            "minutes",
            "Time without progress after which a payout counts as stuck.",
        ),
    ] = 30

    @model_validator(mode="after")
    def _amounts_and_lists_fit(self) -> Self:
        problems = []
        # In pairs: with the first above the second, payouts would wait for ever.
        caps = (
            ("OPENPOOL_PAYOUT_FLOOR_WEI", self.payout_floor_wei),
            ("PAYMENT_THRESHOLD_WEI", self.payment_threshold_wei),
        ), (
            ("OPENPOOL_PAYOUT_MAX_WEI", self.payout_max_wei),
            ("OPENPOOL_PAYOUT_RUN_MAX_WEI", self.payout_run_max_wei),
        ), (
            ("OPENPOOL_PAYOUT_MAX_WEI", self.payout_max_wei),
            ("OPENPOOL_PAYOUT_UNFINAL_MAX_WEI", self.payout_unfinal_max_wei),
        ), (
            ("OPENPOOL_PAYOUT_RUN_MAX_WEI", self.payout_run_max_wei),
            ("OPENPOOL_PAYOUT_DAY_MAX_WEI", self.payout_day_max_wei),
        )  # fmt: skip
        for (low, low_wei), (high, high_wei) in caps:
            if low_wei > high_wei:
                problems.append(
                    f"{low} is {low_wei} and {high} is {high_wei}: the first must not be "
                    "larger; lower it or raise the other."
                )
        if self.payout_max_wei == 0:
            problems.append(
                "OPENPOOL_PAYOUT_MAX_WEI is 0, so nobody could be paid: raise it, "
                "or set OPENPOOL_PAYOUTS to off to stop payouts."
            )
        both = ", ".join(sorted(set(self.payout_allow) & set(self.payout_deny)))
        if both:
            problems.append(
                f"{both} is in OPENPOOL_PAYOUT_ALLOW and in OPENPOOL_PAYOUT_DENY: "
                "take it out of one of the two."
            )
        if self.payout_allow_only and not self.payout_allow:
            problems.append(
                "OPENPOOL_PAYOUT_ALLOW_ONLY is true, but OPENPOOL_PAYOUT_ALLOW names nobody: "
                "name the workers to pay, or unset OPENPOOL_PAYOUT_ALLOW_ONLY."
            )
        all_at_once(problems)
        return self
