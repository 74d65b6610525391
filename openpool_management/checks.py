"""Asset checks. Each looks at all streams, whichever its run read.

Dagster keeps one result of a check: were it about the run's own stream, the next run of another
stream would hide a failure.
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from openpool_management.assets.processed_jobs import processed_jobs
from openpool_management.assets.raw_events import raw_events
from openpool_management.assets.worker_balances import worker_balances
from openpool_management.domain.invariants import broken_invariants
from openpool_management.domain.lake_rows import EPOCH
from openpool_management.domain.streams import Stream
from openpool_management.partitions import LISTING_TAG, PARTITION_TAG, STREAMS_NAME
from openpool_management.pool import Pool, utc_now
from openpool_management.resources import PoolResource
from openpool_management.services.stream_checks import (
    LOOKBACK,
    gaps,
    recent_times,
    repeated_events,
    silence,
    unattributed_excess,
)

SHOWN = 10


@dg.asset_check(asset=worker_balances)
def ledger_in_balance(openpool: PoolResource) -> dg.AssetCheckResult:
    """The trial balance is zero, and every other rule that a sound ledger keeps holds."""
    standings = openpool.pool.books.standings()
    balances = {one.account: one.balance_wei for one in standings}
    return check_result(
        broken_invariants(balances),
        "Pay nobody. Run openpool verify to see which accounts differ from the event log, and "
        "restore the ledger from a backup.",
        accounts=len(balances),
    )


@dg.asset_check(asset=worker_balances)
def totals_equal_postings(openpool: PoolResource) -> dg.AssetCheckResult:
    """The balance and the work kept with each account are the sum of what was posted to it."""
    return check_result(
        openpool.pool.totals.wrong(),
        "Pay nobody. Rows of the ledger were changed by hand: run openpool verify to see which "
        "accounts differ from the event log, and restore the ledger from a backup.",
    )


@dg.asset_check(asset=raw_events)
def nothing_held(openpool: PoolResource) -> dg.AssetCheckResult:
    """No event or object waits for a decision because it could not be believed."""
    held = openpool.pool.books.open_holds()
    return check_result(
        [f"Held items that wait for a decision: {held}. What is held is owed to nobody."]
        if held
        else [],
        "Look at them with openpool held list and openpool held show, then decide with openpool "
        "held release or openpool held dismiss.",
        dg.AssetCheckSeverity.WARN,
        held=held,
    )


@dg.asset_check(asset=raw_events)
def every_object_read(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """The last run of every stream could read every object that it tried."""
    unread = {name: _last_unread(context.instance, name) for name in _partitions(context.instance)}
    return check_result(
        [
            f"The last run of stream {name} could not read {count} objects."
            for name, count in unread.items()
            if count
        ],
        "They are tried again by themselves. If it stays so, read the reasons in the metadata of "
        "raw_events, and see with openpool doctor whether the event log can be reached.",
        dg.AssetCheckSeverity.WARN,
        unread=sum(unread.values()),
    )


@dg.asset_check(asset=raw_events)
def no_gap(context: dg.AssetCheckExecutionContext, openpool: PoolResource) -> dg.AssetCheckResult:
    """No stream has a gap that is long for how often its objects come, in its last two days."""
    now, pool = utc_now(), openpool.pool
    factor = pool.settings.gap_factor
    return check_result(
        [
            sentence
            for stream in _streams(pool)
            for sentence in gaps(stream, recent_times(pool.ledger, stream, now), factor)
        ],
        "See whether the orchestrator was down then, or failed to upload. Objects that still "
        "arrive are read. OPENPOOL_GAP_FACTOR sets what counts as a gap.",
        dg.AssetCheckSeverity.WARN,
    )


@dg.asset_check(asset=raw_events)
def no_stream_silent(openpool: PoolResource) -> dg.AssetCheckResult:
    """Every stream has an object from the last OPENPOOL_FRESHNESS_MINUTES."""
    now, pool = utc_now(), openpool.pool
    longest = timedelta(minutes=pool.settings.freshness_minutes)
    return check_result(
        [
            sentence
            for stream in _streams(pool)
            for sentence in silence(stream, recent_times(pool.ledger, stream, now), longest, now)
        ],
        "See whether its orchestrators are up and may write to the bucket. A stream that was given "
        "up stays silent; OPENPOOL_FRESHNESS_MINUTES sets how long is too long.",
        dg.AssetCheckSeverity.WARN,
    )


@dg.asset_check(asset=raw_events)
def event_ids_unique(
    context: dg.AssetCheckExecutionContext, openpool: PoolResource
) -> dg.AssetCheckResult:
    """No event is in the lake twice: in the last two days of each stream, or, in a run of the full
    listing, in the whole lake of its stream.
    """
    now, pool = utc_now(), openpool.pool
    full = context.run.tags.get(LISTING_TAG) == "full"
    own = context.run.tags.get(PARTITION_TAG)
    sentences: list[str] = []
    for stream in _streams(pool):
        newest = pool.ledger.newest_start(stream, now) or now
        whole = full and str(stream) == own
        since, until = (EPOCH if whole else newest - LOOKBACK), now + timedelta(days=1)
        sentences += repeated_events(pool.ledger, pool.lake, stream, since, until)
    return check_result(
        sentences,
        "Pay nobody: jobs may have been posted twice. Run openpool trace with one of the IDs, and "
        "report it as an error in this program.",
    )


@dg.asset_check(asset=processed_jobs)
def few_unattributed(openpool: PoolResource) -> dg.AssetCheckResult:
    """No more than OPENPOOL_UNATTRIBUTED_SHARE of each AI stream's fees is owed to nobody known."""
    pool = openpool.pool
    return check_result(
        unattributed_excess(pool.books.standings(), pool.settings.unattributed_share),
        "Their job-received events may still arrive. Look at the jobs with openpool unattributed "
        "list, and assign those you know with openpool unattributed assign.",
        dg.AssetCheckSeverity.WARN,
    )


CHECKS = (
    ledger_in_balance,
    totals_equal_postings,
    nothing_held,
    every_object_read,
    no_gap,
    no_stream_silent,
    event_ids_unique,
    few_unattributed,
)

DEEP_CHECKS = (totals_equal_postings, event_ids_unique)
"""Checks whose cost grows with what the ledger and the lake hold."""


def check_result(
    sentences: Sequence[str],
    remedy: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    **counts: int,
) -> dg.AssetCheckResult:
    """Passed without sentences, else failed with the first of them, the remedy and the rest."""
    metadata: dict[str, dg.RawMetadataValue] = {**counts, "findings": len(sentences)}
    if not sentences:
        return dg.AssetCheckResult(passed=True, metadata=metadata)
    listed = "\n".join(f"- {sentence}" for sentence in sentences[:SHOWN])
    more = f"\n- and {len(sentences) - SHOWN} more" if len(sentences) > SHOWN else ""
    return dg.AssetCheckResult(
        passed=False,
        severity=severity,
        description=f"{sentences[0]} {remedy}",
        metadata={**metadata, "what": dg.MetadataValue.md(listed + more), "what to do": remedy},
    )


def _streams(pool: Pool) -> list[Stream]:
    return sorted(pool.books.event_totals())


def _partitions(instance: dg.DagsterInstance) -> list[str]:
    return sorted(instance.get_dynamic_partitions(STREAMS_NAME))


def _last_unread(instance: dg.DagsterInstance, partition: str) -> int:
    """Objects that the last run of a stream left unread, as it reported itself."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=raw_events.key, asset_partitions=[partition]), limit=1
    ).records
    last = records[0].asset_materialization if records else None
    value = last.metadata["unread"].value if last and "unread" in last.metadata else 0
    return value if isinstance(value, int) else 0
