"""Whether payouts are made."""

from enum import StrEnum


class PayoutMode(StrEnum):
    """off: nothing is planned. dry-run: planned and checked, with no key. live: paid."""

    OFF = "off"
    DRY_RUN = "dry-run"
    LIVE = "live"
