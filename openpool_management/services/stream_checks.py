"""Rules that each stream is checked by: gaps, silence, unattributed fees, repeated events.

Each returns sentences, none for a stream that is well.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

import polars as pl

from openpool_management.domain.accounts import AccountKind, Standing
from openpool_management.domain.event_ids import decode_id
from openpool_management.domain.streams import ObjectTimes, Stream, times_of_key
from openpool_management.services.ports import Lake, Ledger

LOOKBACK = timedelta(hours=48)
"""How far behind a stream's newest object rules look that run after every batch."""

FEWEST_OBJECTS = 5
"""Fewer objects tell no cadence."""

SHOWN = 5


def recent_times(ledger: Ledger, stream: Stream, now: datetime) -> list[ObjectTimes]:
    """The times of a stream's objects inside LOOKBACK of the newest one, oldest first."""
    newest = ledger.newest_start(stream, now)
    if newest is None:
        return []
    keys = {key for key, _ in ledger.read_objects(stream, newest - LOOKBACK)}
    times = (times_of_key(stream, key) for key in keys)
    inside = [one for one in times if one is not None and newest - LOOKBACK <= one.start <= now]
    return sorted(inside, key=lambda one: (one.start, one.end))


def gaps(stream: Stream, times: list[ObjectTimes], gap_factor: int) -> list[str]:
    """Gaps between objects that are longer than gap_factor times the stream's cadence.

    The cadence is the median from start to start, or the median length of an object where that is
    longer: orchestrators that flush a second apart would seem to hurry.
    """
    if len(times) < FEWEST_OBJECTS:
        return []
    starts = sorted({one.start for one in times})
    steps = [(later - sooner).total_seconds() for sooner, later in pairwise(starts)]
    if not steps:
        return []
    lengths = [(one.end - one.start).total_seconds() for one in times]
    cadence_seconds = max(median(steps), median(lengths))
    found = []
    covered = times[0].end
    for one in times:
        gap_seconds = (one.start - covered).total_seconds()
        if gap_seconds > gap_factor * cadence_seconds:
            found.append(
                f"Stream {stream} has no object from {_at(covered)} to {_at(one.start)} "
                f"({gap_seconds:.0f} s), though one comes every {cadence_seconds:.0f} s."
            )
        covered = max(covered, one.end)
    return found


def silence(
    stream: Stream, times: list[ObjectTimes], longest: timedelta, now: datetime
) -> list[str]:
    """A stream whose newest object ended longer ago than longest."""
    if not times:
        return []
    last = max(one.end for one in times)
    minutes = longest // timedelta(minutes=1)
    if now - last <= longest:
        return []
    return [
        f"The newest object of stream {stream} ends at {_at(last)}, over {minutes} minutes ago."
    ]


def unattributed_excess(standings: Iterable[Standing], share: Decimal) -> list[str]:
    """AI streams of whose fees more than share is owed to no known worker."""
    total_wei: dict[str, int] = {}
    unattributed_wei: dict[str, int] = {}
    for one in standings:
        name = one.account.stream
        if name.startswith("ai|") and one.account.kind is not AccountKind.REVENUE:
            total_wei[name] = total_wei.get(name, 0) + one.balance_wei
            if one.account.kind is AccountKind.UNATTRIBUTED:
                unattributed_wei[name] = unattributed_wei.get(name, 0) + one.balance_wei
    numerator, denominator = share.as_integer_ratio()
    return [
        f"Of the {total_wei[name]} wei that stream {name} earned, {wei} wei is unattributed, "
        f"more than the share of {share} allowed by OPENPOOL_UNATTRIBUTED_SHARE."
        for name, wei in sorted(unattributed_wei.items())
        if wei * denominator > total_wei[name] * numerator
    ]


def repeated_events(
    ledger: Ledger, lake: Lake, stream: Stream, since: datetime, until: datetime
) -> list[str]:
    """Event IDs that are in the lake more than once, with a DT from since to until."""
    files = ledger.lake_files(stream, since, until)
    if not files:
        return []
    repeats = (
        lake.scan(files)
        .filter(pl.col("dt").is_between(since, until))
        .select("event_id")
        .group_by("event_id")
        .len()
        .filter(pl.col("len") > 1)
        .collect(engine="streaming")
        .sort("event_id")
    )
    if not repeats.height:
        return []
    shown = ", ".join(decode_id(event_id) for event_id in repeats["event_id"].head(SHOWN))
    return [
        f"Stream {stream} holds {repeats.height} event IDs more than once in the lake: {shown}."
    ]


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
