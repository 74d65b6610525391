"""How good the data is: what is held, nobody's, missing, rewritten, repeated or out of balance.

Each function returns findings, a single OK one where all is well.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from openpool_management.domain.accounts import Standing
from openpool_management.domain.audit import RewrittenKey
from openpool_management.domain.holds import WAIVABLE, HoldReason
from openpool_management.domain.invariants import broken_invariants
from openpool_management.domain.streams import Stream
from openpool_management.services.connections import PresenceRecords, connections, cut_off
from openpool_management.services.findings import Finding, error, ok, warning
from openpool_management.services.ports import HeldRow, Lake, Ledger
from openpool_management.services.stream_checks import (
    FEWEST_OBJECTS,
    gaps,
    recent_times,
    repeated_events,
    unattributed_excess,
)

SHOWN = 5


class RewrittenKeys(Protocol):
    """Keys of the event log that were read with more than one content."""

    def rewritten(self, stream: Stream) -> list[RewrittenKey]:
        """Those of a stream, sorted by key."""
        ...


class Totals(Protocol):
    """Running totals of the ledger."""

    def wrong(self) -> list[str]:
        """A sentence for each account whose running total is not the sum of its postings."""
        ...


def held_findings(open_items: Sequence[HeldRow]) -> list[Finding]:
    """Open held items, one finding a reason, the most frequent first."""
    counts = Counter(item.reason for item in open_items)
    examples = {item.reason: item.id for item in reversed(open_items)}
    return [
        warning(
            "held items",
            f"{_items(count)} for a decision because of {reason.value}; what is held is owed to "
            "nobody.",
            f"Look at one with `openpool held show {examples[reason]}`, then decide with "
            f"{_decisions(reason)}.",
        )
        for reason, count in counts.most_common()
    ] or [ok("held items", "Nothing is held.")]


def _items(count: int) -> str:
    return "1 held item waits" if count == 1 else f"{count} held items wait"


def _decisions(reason: HoldReason) -> str:
    release = "`openpool held release` or " if reason in WAIVABLE else ""
    return f"{release}`openpool held dismiss`"


def unattributed_findings(standings: Iterable[Standing], share: Decimal) -> list[Finding]:
    """AI streams of whose fees more than a share was earned by nobody known."""
    return [
        warning(
            "unattributed jobs",
            sentence,
            "List them with `openpool unattributed list`; assign those whose worker you know with "
            "`openpool unattributed assign`. An orchestrator's own local worker is never known.",
        )
        for sentence in unattributed_excess(standings, share)
    ] or [
        ok("unattributed jobs", f"In no AI stream is more than {share:%} of the fees unattributed.")
    ]


def gap_findings(ledger: Ledger, stream: Stream, now: datetime, gap_factor: int) -> list[Finding]:
    """Gaps in the last two days of a stream that are long for how often its objects come."""
    times = recent_times(ledger, stream, now)
    if len(times) < FEWEST_OBJECTS:
        return [ok(f"stream {stream}", f"Too few objects to tell a gap ({len(times)}).")]
    return [
        warning(
            f"stream {stream}",
            sentence,
            "See whether the orchestrator was down then, or failed to upload. Objects that still "
            "arrive are read. OPENPOOL_GAP_FACTOR sets what counts as a gap.",
        )
        for sentence in gaps(stream, times, gap_factor)
    ] or [ok(f"stream {stream}", "No gap in its last two days.")]


def rewritten_findings(keys: RewrittenKeys, stream: Stream) -> list[Finding]:
    """Keys that were overwritten: with versions behind them all is read, without it may be not."""
    rewritten = keys.rewritten(stream)
    subject = f"stream {stream}"
    lossy = [one for one in rewritten if not one.keeps_versions]
    if lossy:
        shown = ", ".join(one.key for one in lossy[:SHOWN])
        return [
            error(
                subject,
                f"{len(lossy)} of its keys were read with other content than before, without "
                f"versions behind them: {shown}. What was overwritten between two looks is lost.",
                "Switch bucket versioning on, and give each orchestrator a region name of its own.",
            )
        ]
    if rewritten:
        versions = sum(one.contents - 1 for one in rewritten)
        return [
            warning(
                subject,
                f"{len(rewritten)} of its keys have {versions} older versions with other content, "
                "all of them read: two orchestrators write under the same keys.",
                "Give each orchestrator a region name of its own (POOL_REGION).",
            )
        ]
    return [ok(subject, "No key was overwritten.")]


def cut_off_findings(records: PresenceRecords, stream: Stream) -> list[Finding]:
    """Resets that came while workers were connected: that process did not end quietly."""
    ended = cut_off(connections(records, stream))
    subject = f"stream {stream}"
    if not ended:
        return [ok(subject, "No reset cut a connection off.")]
    moments = {one.closed_at for one in ended}
    last = max(one.closed_at for one in ended if one.closed_at)
    return [
        ok(
            subject,
            f"{len(moments)} resets, the last at {last:%Y-%m-%d %H:%M:%S} UTC, cut off "
            f"{len(ended)} connections without a quiet end: a process that is killed loses its "
            "events since the last flush, up to one interval each time.",
        )
    ]


def repeat_findings(
    ledger: Ledger, lake: Lake, stream: Stream, since: datetime, until: datetime
) -> list[Finding]:
    """Event IDs that are in the lake more than once, with a DT from since to until."""
    return [
        error(
            f"stream {stream}",
            sentence,
            "Pay nobody: jobs may have been posted twice. Run `openpool trace` with one of the "
            "IDs and `openpool verify`, and report it as an error in this program.",
        )
        for sentence in repeated_events(ledger, lake, stream, since, until)
    ] or [ok(f"stream {stream}", "Every event ID is in the lake once.")]


def balance_findings(standings: Iterable[Standing], totals: Totals) -> list[Finding]:
    """Rules of a sound ledger that don't hold, and running totals that are not the sums."""
    broken = broken_invariants({one.account: one.balance_wei for one in standings})
    return [
        error(
            "balances",
            sentence,
            "Pay nobody. Run `openpool verify` to see which accounts differ from the event log, "
            "and restore the ledger from a backup.",
        )
        for sentence in (*broken, *totals.wrong())
    ] or [ok("balances", "The trial balance is zero and totals equal the sums of postings.")]
