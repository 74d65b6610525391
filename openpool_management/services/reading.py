"""One reading of a stream: what a run reads, and what came of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.streams import Stream
from openpool_management.services.ingest import Ingest, Outcome
from openpool_management.services.ports import Fetched


@dataclass(frozen=True, slots=True)
class Reading:
    """The sum of the batches of one run; repeats are in duplicates alone, fees are in wei."""

    batches: int
    objects: int
    events: dict[str, int]
    duplicates: int
    held: int
    unattributed: int
    gross_wei: int
    unread: tuple[Fetched, ...]


def read_stream(ingest: Ingest, stream: Stream, *, full: bool = False) -> Reading:
    """Read one batch of what is new, or with full everything that a full listing finds.

    When nothing of a batch can be read, the next one is tried, so that unreadable objects never
    stand in the way of those behind them. Raises OSError when the log can't be listed.
    """
    if full:
        return sum_up(ingest.sync(stream, full=True))
    outcomes = list(ingest.sync(stream, max_batches=1))
    if any(outcome.batch is None and outcome.unread for outcome in outcomes):
        # The first outcome is met again here, with another try for its objects.
        outcomes = _until_committed(ingest, stream)
    return sum_up(outcomes)


def sum_up(outcomes: Iterable[Outcome]) -> Reading:
    """Add up what the steps of a sync did."""
    batches = objects = duplicates = held = unattributed = gross_wei = 0
    events: Counter[str] = Counter()
    unread: list[Fetched] = []
    for outcome in outcomes:
        unread.extend(outcome.unread)
        if outcome.batch is None:
            continue
        batch = outcome.batch
        batches += 1
        objects += len(batch.objects)
        events.update(batch.counts)
        duplicates += batch.duplicates
        held += len(batch.held)
        unattributed += len(batch.unattributed)
        gross_wei -= sum(
            posting.amount_wei
            for entry in batch.entries
            for posting in entry.postings
            if posting.account.kind is AccountKind.REVENUE
        )
    return Reading(
        batches,
        objects,
        dict(sorted(events.items())),
        duplicates,
        held,
        unattributed,
        gross_wei,
        tuple(unread),
    )


def _until_committed(ingest: Ingest, stream: Stream) -> list[Outcome]:
    outcomes = []
    for outcome in ingest.sync(stream):
        outcomes.append(outcome)
        if outcome.batch is not None:
            break
    return outcomes
