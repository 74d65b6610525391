"""What the assets are partitioned by: streams of the event log, and days for payouts."""

from datetime import datetime

import dagster as dg

STREAMS_NAME = "stream"
STREAMS = dg.DynamicPartitionsDefinition(name=STREAMS_NAME)
"""Keys are ``nodeType|region``. The sensor adds a stream when its first object appears."""

STREAM_TAG = "openpool/stream"
"""Run tag with the stream; dagster.yaml lets one run at a time have each of its values."""

PARTITION_TAG = "dagster/partition"
"""Run tag that Dagster itself gives a run of one partition, however it was started."""

LISTING_TAG = "openpool/listing"
"""Run tag, ``full`` for runs that list a stream from its very first key."""

PAYOUT_DAYS = dg.DailyPartitionsDefinition(start_date="2025-01-01", timezone="UTC", end_offset=1)
"""Keys are days by UTC, such as 2026-12-01, today's among them: the periods of payouts."""

WALLET_TAG = "openpool/wallet"
"""Run tag of whatever writes for the wallet; dagster.yaml lets one such run at a time work."""


def payout_day(at: datetime) -> str:
    """The key of the day of payouts that a time in UTC belongs to."""
    return f"{at:%Y-%m-%d}"
