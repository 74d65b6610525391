"""Ingest: read what is new in the event log into the ledger, batch by batch."""

import logging
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from openpool_management.domain.batch import Batch
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import (
    EventSource,
    Fetched,
    Lake,
    Ledger,
    LedgerConflict,
    ObjectRef,
)
from openpool_management.services.settle import DecodedObjects, decode_objects, settle

MAX_CONFLICTS = 100

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much one batch takes in, and how far back a listing looks for late objects."""

    max_objects: int = 250
    max_bytes: int = 64 * 2**20
    lateness: timedelta = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step of a sync: the batch committed, None when nothing could be read; what is unread."""

    batch: Batch | None
    unread: tuple[Fetched, ...] = ()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Objects read and decoded, and those that could not be read."""

    refs: list[ObjectRef]
    decoded: DecodedObjects
    unread: tuple[Fetched, ...]


class Ingest:
    """Reads an event source into a ledger and its lake."""

    def __init__(
        self,
        source: EventSource,
        ledger: Ledger,
        lake: Lake,
        clock: Callable[[], datetime],
        rules: PairRules | None = None,
        limits: BatchLimits | None = None,
    ) -> None:
        self.source = source
        self.ledger = ledger
        self.lake = lake
        self.clock = clock
        self.rules = rules or PairRules()
        self.limits = limits or BatchLimits()

    def new_objects(self, stream: Stream, *, full: bool = False) -> Iterator[ObjectRef]:
        """Objects of a stream that the ledger has not read, in key order.

        The listing starts at the newest key read less the lateness window, or with full at the
        very first key.
        """
        newest = None if full else self.ledger.newest_start(stream, self.clock())
        since = newest - self.limits.lateness if newest else None
        known = self.ledger.read_objects(stream, since)
        for ref in self.source.objects(stream, since):
            if (ref.key, ref.etag) not in known:
                known.add((ref.key, ref.etag))
                yield ref

    def sync(
        self, stream: Stream, *, full: bool = False, max_batches: int | None = None
    ) -> Iterator[Outcome]:
        """Read what is new of a stream, one batch after the other, each committed as it is yielded.

        The next batch is fetched and decoded while the one before is settled.
        """
        groups = self._groups(self.new_objects(stream, full=full))
        with ThreadPoolExecutor(1, thread_name_prefix="decode") as ahead:
            upcoming = ahead.submit(self._prepare_next, stream, groups)
            done = 0
            while (prepared := upcoming.result()) is not None:
                done += 1
                last = max_batches is not None and done >= max_batches
                if not last:
                    upcoming = ahead.submit(self._prepare_next, stream, groups)
                yield self._settle(stream, prepared)
                if last:
                    return

    def _groups(self, refs: Iterator[ObjectRef]) -> Iterator[list[ObjectRef]]:
        group: list[ObjectRef] = []
        size_bytes = 0
        for ref in refs:
            full = len(group) >= self.limits.max_objects
            if group and (full or size_bytes + ref.size_bytes > self.limits.max_bytes):
                yield group
                group, size_bytes = [], 0
            group.append(ref)
            size_bytes += ref.size_bytes
        if group:
            yield group

    def _prepare_next(self, stream: Stream, groups: Iterator[list[ObjectRef]]) -> _Prepared | None:
        refs = next(groups, None)
        return None if refs is None else self._prepare(stream, refs)

    def _prepare(
        self,
        stream: Stream,
        refs: list[ObjectRef],
        known: Collection[tuple[str, str]] = (),
    ) -> _Prepared:
        unread: list[Fetched] = []

        def readable() -> Iterator[Fetched]:
            for one in self.source.fetch(refs):
                if one.data is None:
                    logger.error("%s", one.error)
                    unread.append(one)
                # Overwritten since it was listed, by content that somebody else has read already.
                elif (one.ref.key, one.ref.etag) not in known:
                    yield one

        decoded = decode_objects(stream, readable(), self.clock())
        return _Prepared(refs, decoded, tuple(unread))

    def _settle(self, stream: Stream, prepared: _Prepared) -> Outcome:
        for _ in range(MAX_CONFLICTS):
            if not prepared.decoded.objects:
                return Outcome(None, prepared.unread)
            head = self.ledger.head(stream)
            batch = settle(prepared.decoded, head, self.ledger, self.lake, self.rules)
            try:
                self.ledger.commit(batch)
            except LedgerConflict as conflict:
                logger.info("%s The batch is worked out again.", conflict)
                known = self.ledger.read_objects(stream, None)
                left = [ref for ref in prepared.refs if (ref.key, ref.etag) not in known]
                prepared = self._prepare(stream, left, known)
            else:
                return Outcome(batch, prepared.unread)
        raise LedgerConflict(
            f"Stream {stream} was changed by others {MAX_CONFLICTS} times while one batch was "
            "being settled: stop the other processes that sync it and try again."
        )
