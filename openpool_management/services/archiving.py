"""Archiving: copies of what the ledger has read, and only behind them, deletion of the originals.

What is archived is asked of the archive: the name of a copy follows from what the ledger keeps of
an object. So there is nothing to record, and a run that was killed is taken up by the next.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from openpool_management.domain.archived_copy import copy_name, md5_of
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import Fetched, LedgerRecord, ObjectRef
from openpool_management.services.ports.archive import Archive, EventLogStore, ListedCopy


@dataclass(slots=True)
class ArchiveReport:
    """What was done, or in a dry run would be, with the objects of a stream that are old enough.

    archived: copied. already: had a copy. deleted: originals. failed: a sentence for each object
    that could not be archived, or not deleted.
    """

    archived: int = 0
    archived_bytes: int = 0
    already: int = 0
    deleted: int = 0
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Task:
    """An object version of the ledger; how to read it, and which version to delete, if any."""

    ref: ObjectRef
    readable: ObjectRef
    doomed: ObjectRef | None
    copy: ListedCopy | None

    @property
    def is_copied(self) -> bool:
        """Whether the listing alone proves the copy: the archive made the same ETag of it."""
        return self.copy == ListedCopy(self.ref.etag, self.ref.size_bytes)


@dataclass(frozen=True, slots=True)
class _Done:
    copied: bool
    deleted: bool = False
    failed: str | None = None


class Archiver:
    """Copies what a ledger has read from an event log into an archive."""

    def __init__(
        self, record: LedgerRecord, log: EventLogStore, archive: Archive, *, threads: int = 16
    ) -> None:
        self.record = record
        self.log = log
        self.archive = archive
        self.threads = threads

    def archive_stream(
        self,
        stream: Stream,
        before: datetime,
        *,
        delete: bool = False,
        dry_run: bool = False,
        progress: Callable[[int], None] = lambda objects: None,
    ) -> ArchiveReport:
        """Archive the objects of a stream that were written before a moment and read.

        With delete, an original goes when its copy was read back whole. Raises OSError for what
        concerns every object: a bucket that is not there, a right that is missing.
        """
        report = ArchiveReport()
        tasks = self._tasks(stream, before, delete=delete)
        if dry_run:
            for task in tasks:
                _count(report, task, _Done(task.copy is None, task.doomed is not None))
            return report
        with ThreadPoolExecutor(self.threads, thread_name_prefix="archive") as pool:
            for number, (task, done) in enumerate(
                zip(tasks, pool.map(self._carry_out, tasks), strict=True), 1
            ):
                _count(report, task, done)
                progress(number)
        return report

    def _tasks(self, stream: Stream, before: datetime, *, delete: bool) -> list[_Task]:
        read = [
            ref
            for batch in self.record.batches(stream)
            for ref in batch.objects
            if ref.last_modified < before
        ]
        if not read:
            return []
        copies = self.archive.copies(stream)
        contents = {(ref.key, ref.etag) for ref in read}
        listed: dict[tuple[str, str], dict[str, ObjectRef]] = {}
        for ref in self.log.objects(stream, None):
            if (ref.key, ref.etag) in contents:
                listed.setdefault((ref.key, ref.etag), {})[_version(ref)] = ref
        tasks = []
        for ref in read:
            versions = listed.get((ref.key, ref.etag), {})
            same = versions.get(_version(ref))
            readable = same or next(iter(versions.values()), ref)
            copy = copies.get(copy_name(ref.key, ref.etag))
            tasks.append(_Task(ref, readable, same if delete else None, copy))
        return tasks

    def _carry_out(self, task: _Task) -> _Done:
        copied = False
        try:
            if not self._has_copy(task):
                failure = self._copy(task)
                # Another run may have copied it, and deleted the original, since the listing.
                if failure and not _is(task.ref, self.archive.fetch(task.ref)):
                    return _Done(False, failed=failure)
                copied = failure is None
            if task.doomed is not None:
                self.log.delete(task.doomed)
        except (PermissionError, FileNotFoundError):
            raise
        except OSError as error:
            return _Done(copied, failed=str(error))
        return _Done(copied, deleted=task.doomed is not None)

    def _has_copy(self, task: _Task) -> bool:
        if task.copy is None:
            return False
        # Nothing is deleted on the word of a listing.
        if task.is_copied and task.doomed is None:
            return True
        return _is(task.ref, self.archive.fetch(task.ref))

    def _copy(self, task: _Task) -> str | None:
        """Copy an original and read the copy back; a sentence where that did not work."""
        [found] = self.log.fetch([task.readable])
        if found.data is None:
            return found.error or f"{task.ref.key} can't be read."
        if not _is(task.ref, found):
            return (
                f"{task.ref.key} is not what was read: its etag is {found.ref.etag} and its size "
                f"{found.ref.size_bytes} bytes instead of {task.ref.etag} and "
                f"{task.ref.size_bytes}. What was read is gone unless a backup has it."
            )
        if not self._is_proven(task.readable, found.data):
            return (
                f"{task.ref.key} came with other bytes than its ETag {task.ref.etag} states: look "
                "at what stands between here and the store, then archive again."
            )
        self.archive.put(task.ref, found.data)
        back = self.archive.fetch(task.ref)
        if back.data != found.data:
            return (
                back.error
                or f"{self.archive.place(task.ref)} was read back as something else: archive again."
            )
        return None

    def _is_proven(self, readable: ObjectRef, data: bytes) -> bool:
        if md5_of(data) == readable.etag:
            return True
        # Some ETags are no digest: those of multipart uploads, and of keys that the store manages.
        stored = self.log.stored(readable)
        if stored is None or stored.etag_is_md5:
            return False
        [again] = self.log.fetch([readable])
        return again.data == data


def _is(ref: ObjectRef, found: Fetched) -> bool:
    whole = found.data is not None and len(found.data) == ref.size_bytes
    return whole and found.ref.etag == ref.etag


def _version(ref: ObjectRef) -> str:
    # What was written before versions were kept is the version "null" since then.
    return ref.version_id or "null"


def _count(report: ArchiveReport, task: _Task, done: _Done) -> None:
    if done.failed is not None:
        report.failed.append(done.failed)
    if done.copied:
        report.archived += 1
        report.archived_bytes += task.ref.size_bytes
    elif done.failed is None:
        report.already += 1
    report.deleted += done.deleted
