"""Verify: replay everything that was read into a scratch ledger and compare account by account.

Objects are fetched again from the event log, by version where it keeps versions, and settled in the
order in which they were read, with the commission history and the operator's decisions. So a
difference means that the ledger, the lake, the log or the software is not what it was.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import polars as pl

from openpool_management.domain.accounts import Standing
from openpool_management.domain.batch import BatchKind, Decision, ReadObject
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.holds import HeldItem
from openpool_management.domain.invariants import broken_invariants
from openpool_management.domain.streams import Stream
from openpool_management.services.decisions import DecisionRefused
from openpool_management.services.ports import (
    Books,
    EventSource,
    Fetched,
    Lake,
    Ledger,
    LedgerRecord,
    RecordedBatch,
)
from openpool_management.services.settle import DecodedObjects, decode_objects, settle

REPLAY_BYTES = 64 * 2**20


class Scratch(Protocol):
    """An empty ledger with the same commission history, to replay into."""

    @property
    def ledger(self) -> Ledger:
        """Its ledger."""
        ...

    @property
    def lake(self) -> Lake:
        """Its lake."""
        ...

    @property
    def books(self) -> Books:
        """Its books."""
        ...

    def release(self, held_id: str, reason: str, at: datetime) -> None:
        """Decide as the operator did."""
        ...

    def assign(self, stream: Stream, event_id: str, worker: str, reason: str, at: datetime) -> None:
        """Decide as the operator did."""
        ...

    def dismiss(self, held_id: str, reason: str, at: datetime) -> None:
        """Decide as the operator did."""
        ...


@dataclass(slots=True)
class VerifyReport:
    """What a replay found, in sentences.

    gone: objects that could not be read as they were. refused: decisions that the replay did not
    take. differences: where ledger and replay disagree.
    """

    batches: int = 0
    objects: int = 0
    gone: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the ledger is what its objects add up to."""
        return not (self.gone or self.refused or self.differences)


def verify(
    record: LedgerRecord,
    books: Books,
    source: EventSource,
    scratch: Scratch,
    rules: PairRules,
    progress: Callable[[Stream, int], None] = lambda stream, objects: None,
) -> VerifyReport:
    """Replay the whole record into scratch and compare it with books."""
    report = VerifyReport()
    replayed: dict[Stream, int] = {}
    dismissed: set[str] = set()
    while True:
        for stream in record.streams():
            for chunk in _chunks(record.batches(stream, replayed.get(stream, 0))):
                _replay(stream, chunk, source, scratch, rules, report)
                replayed[stream] = chunk[-1].seq
                progress(stream, sum(len(batch.objects) for batch in chunk))
        for decision in record.dismissals():
            if decision.subject not in dismissed:
                dismissed.add(decision.subject)
                _dismiss(decision, scratch, report)
        report.differences = compare_books(books, scratch.books)
        # What was committed while this went on is replayed too, so that it is no difference.
        if not any(_has_more(record, stream, replayed) for stream in record.streams()):
            return report


def _has_more(record: LedgerRecord, stream: Stream, replayed: dict[Stream, int]) -> bool:
    return next(record.batches(stream, replayed.get(stream, 0)), None) is not None


def _dismiss(decision: Decision, scratch: Scratch, report: VerifyReport) -> None:
    try:
        scratch.dismiss(decision.subject, decision.reason, decision.decided_at)
    except DecisionRefused as refusal:
        report.refused.append(f"Dismissal of {decision.subject}: {refusal}")


def compare_books(ledger: Books, replayed: Books) -> list[str]:
    """A sentence for each account, event count and total on which two books differ."""
    differences = broken_invariants(
        {standing.account: standing.balance_wei for standing in ledger.standings()}
    )
    ours = {one.account: one for one in ledger.standings() if _from_the_log(one)}
    theirs = {one.account: one for one in replayed.standings() if _from_the_log(one)}
    found = [
        f"{account.name}: the ledger has {_figures(ours.get(account))}, "
        f"its objects add up to {_figures(theirs.get(account))}."
        for account in sorted({*ours, *theirs})
        if ours.get(account) != theirs.get(account)
    ]
    counts, recounts = ledger.event_totals(), replayed.event_totals()
    found.extend(
        f"{stream}: the ledger counts {counts.get(stream, {})} events, "
        f"its objects hold {recounts.get(stream, {})}."
        for stream in sorted({*counts, *recounts})
        if counts.get(stream) != recounts.get(stream)
    )
    if ledger.open_holds() != replayed.open_holds():
        found.append(
            f"{ledger.open_holds()} items are held in the ledger, "
            f"{replayed.open_holds()} in the replay."
        )
    return [*differences, *found]


def _chunks(batches: Iterable[RecordedBatch]) -> Iterator[list[RecordedBatch]]:
    """Batches of objects that follow each other, some megabytes at a time; decisions alone.

    Each object keeps the time it was read at, so settling batches together comes to the same.
    """
    chunk: list[RecordedBatch] = []
    size_bytes = 0
    for batch in batches:
        if chunk and (batch.kind is not BatchKind.OBJECTS or size_bytes >= REPLAY_BYTES):
            yield chunk
            chunk, size_bytes = [], 0
        if batch.kind is not BatchKind.OBJECTS:
            yield [batch]
            continue
        chunk.append(batch)
        size_bytes += sum(ref.size_bytes for ref in batch.objects)
    if chunk:
        yield chunk


def _replay(
    stream: Stream,
    chunk: Sequence[RecordedBatch],
    source: EventSource,
    scratch: Scratch,
    rules: PairRules,
    report: VerifyReport,
) -> None:
    report.batches += len(chunk)
    first = chunk[0]
    if first.kind is not BatchKind.OBJECTS:
        try:
            _decide(stream, first, scratch)
        except DecisionRefused as refusal:
            report.refused.append(f"{first.kind.capitalize()} of {first.subject}: {refusal}")
        return
    decoded = _together(
        [
            decode_objects(stream, _as_they_were(batch, source, report), batch.read_at)
            for batch in chunk
        ]
    )
    report.objects += len(decoded.objects)
    if decoded.objects:
        head = scratch.ledger.head(stream)
        scratch.ledger.commit(settle(decoded, head, scratch.ledger, scratch.lake, rules))


def _decide(stream: Stream, batch: RecordedBatch, scratch: Scratch) -> None:
    if batch.kind is BatchKind.RELEASE:
        scratch.release(batch.subject, batch.reason, batch.read_at)
    else:
        scratch.assign(stream, batch.subject, batch.worker, batch.reason, batch.read_at)


def _as_they_were(
    batch: RecordedBatch, source: EventSource, report: VerifyReport
) -> Iterator[Fetched]:
    for wanted, first in zip(batch.objects, source.fetch(batch.objects), strict=True):
        fetched = first
        if wanted.version_id is None and first.ref.etag != wanted.etag:
            # Where versions are kept since then, what was there before is the version "null".
            [fetched] = source.fetch([replace(wanted, version_id="null")])
        if fetched.data is not None and fetched.ref.etag == wanted.etag:
            # Under the name it was read by, which the ledger knows it by.
            yield replace(fetched, ref=wanted)
        elif first.data is None:
            report.gone.append(first.error or f"{wanted.key} can't be read.")
        else:
            report.gone.append(
                f"{wanted.key} is not what was read: its etag is {first.ref.etag} instead of "
                f"{wanted.etag}. A bucket changes it with the content (a versioned one keeps "
                "both), a directory with the size or the time of change."
            )


def _together(parts: Sequence[DecodedObjects]) -> DecodedObjects:
    """Decoded batches as one, in the order in which they were read."""
    objects: list[ReadObject] = []
    held: list[HeldItem] = []
    events: list[pl.DataFrame] = []
    for part in parts:
        shift = len(objects)
        objects.extend(part.objects)
        held.extend(replace(item, object_no=item.object_no + shift) for item in part.held)
        events.append(part.events.with_columns(pl.col("object_no") + shift))
    last = parts[-1]
    return DecodedObjects(last.stream, last.read_at, objects, pl.concat(events), held)


def _from_the_log(standing: Standing) -> bool:
    # Accounts of payouts have no stream: the log knows nothing of them, the chain does.
    worth_naming = standing.balance_wei or standing.jobs or standing.compute_units
    return bool(standing.account.stream and worth_naming)


def _figures(standing: Standing | None) -> str:
    if standing is None:
        return "nothing"
    return (
        f"{standing.balance_wei} wei, {standing.jobs} jobs, {standing.compute_units} compute units"
    )
