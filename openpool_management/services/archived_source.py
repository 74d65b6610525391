"""The event log with its archive behind it."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from openpool_management.domain.streams import Stream
from openpool_management.services.ports import Fetched, ObjectRef
from openpool_management.services.ports.archive import Archive, EventLogStore


class ArchivedSource:
    """An EventSource that lists the event log alone, and fetches from the archive what it lost.

    A copy stands in for the content that was asked for, never for another one under the same key.
    """

    def __init__(self, log: EventLogStore, archive: Archive, *, threads: int = 16) -> None:
        self.log = log
        self.archive = archive
        self.threads = threads

    @property
    def name(self) -> str:
        """The event log's."""
        return self.log.name

    def streams(self) -> list[Stream]:
        """Those that the event log still has objects of."""
        return self.log.streams()

    def objects(self, stream: Stream, since: datetime | None) -> Iterator[ObjectRef]:
        """What the event log still has: what was archived was read, and is not listed again."""
        return self.log.objects(stream, since)

    def fetch(self, refs: Sequence[ObjectRef]) -> Iterator[Fetched]:
        """Read objects from the event log, those that it has not from the archive."""
        pending: deque[Future[Fetched]] = deque()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="archive-get") as pool:
            for ref, found in zip(refs, self.log.fetch(refs), strict=True):
                if len(pending) == 2 * self.threads:
                    yield pending.popleft().result()
                pending.append(pool.submit(self._whole, ref, found))
            while pending:
                yield pending.popleft().result()

    def place(self, ref: ObjectRef) -> str | None:
        """Where the content of an object version is, None where it is gone. Raises OSError."""
        # What was written before versions were kept is the version "null" since then.
        for version_id in (ref.version_id, "null") if ref.version_id is None else (ref.version_id,):
            stored = self.log.stored(replace(ref, version_id=version_id))
            if stored is not None and stored.etag == ref.etag:
                return f"{self.log.name}/{ref.key}"
        return self.archive.place(ref) if self.archive.holds(ref) else None

    def _whole(self, ref: ObjectRef, found: Fetched) -> Fetched:
        if found.data is not None and found.ref.etag == ref.etag:
            return found
        copy = self.archive.fetch(ref)
        if copy.data is not None:
            return copy
        if found.data is not None:
            return found
        return replace(found, error=f"{found.error} {copy.error}")
