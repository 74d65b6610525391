"""The event log in a directory that is laid out like the bucket."""

import os
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from openpool_management.domain.streams import NODE_TYPES, Stream, stream_of_key
from openpool_management.services.ports import Fetched, ObjectRef

READ_ATTEMPTS = 3


class DirectorySource:
    """An EventSource over ``{directory}/{region}/{nodeType}/*.json``.

    Regular files only: hidden names, links and folders that are no stream's are passed over.
    The etag is size and modification time, so a file rewritten to the same size within one tick of
    the file system's clock looks unchanged. Listing raises FileNotFoundError, NotADirectoryError
    or PermissionError, so OSError covers it; each carries a sentence with a remedy.
    """

    def __init__(self, directory: Path) -> None:
        """Read directory, which need not exist before the first listing."""
        self._directory = directory

    def __repr__(self) -> str:
        return f"DirectorySource({self.name!r})"

    @property
    def name(self) -> str:
        """The path of the directory."""
        return str(self._directory)

    def streams(self) -> list[Stream]:
        """The streams that have objects, sorted."""
        candidates = (
            Stream(node_type, region)
            for region in self._names(self._directory)
            if _is_folder(self._directory / region)
            for node_type in NODE_TYPES
            if _is_folder(self._directory / region / node_type)
        )
        return sorted(
            stream for stream in candidates if next(self.objects(stream, None), None) is not None
        )

    def objects(self, stream: Stream, since: datetime | None) -> Iterator[ObjectRef]:
        """Files of stream in key order; since (UTC) leaves out keys that state an earlier start."""
        after = stream.key_at(since) if since is not None else ""
        folder = self._directory / stream.region / stream.node_type
        if not (_is_folder(folder.parent) and _is_folder(folder)):
            # A stream without a folder is empty, but a missing root is an error.
            self._names(self._directory)
            return
        keys = (f"{stream.prefix}{name}" for name in self._names(folder) if name.endswith(".json"))
        for key in sorted(key for key in keys if key > after):
            try:
                status = (self._directory / key).lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield _ref(key, status)

    def fetch(self, refs: Sequence[ObjectRef]) -> Iterator[Fetched]:
        """Read files one after the other, in the order of refs."""
        return (self._read(ref) for ref in refs)

    def _names(self, folder: Path) -> list[str]:
        try:
            names = [path.name for path in folder.iterdir()]
        except OSError as error:
            raise type(error)(
                f"{folder} could not be listed ({error.strerror}): create it, make it readable, "
                "or set OPENPOOL_EVENTS_DIR to the directory that holds the regions."
            ) from error
        return [name for name in names if not name.startswith(".") and _is_text(name)]

    def _read(self, ref: ObjectRef) -> Fetched:
        if stream_of_key(ref.key) is None or ".." in ref.key.split("/"):
            return Fetched(ref, None, f"{ref.key!r} is no key of an event object: dismiss it.")
        path = self._directory / ref.key
        try:
            for _ in range(READ_ATTEMPTS):
                with path.open("rb") as file:
                    before = _ref(ref.key, os.fstat(file.fileno()))
                    data = file.read()
                    after = _ref(ref.key, os.fstat(file.fileno()))
                if before == after and len(data) == after.size_bytes:
                    return Fetched(after, data)
        except OSError as error:
            return Fetched(
                ref,
                None,
                f"{path} could not be read ({error.strerror}): restore it or make it readable.",
            )
        return Fetched(
            ref,
            None,
            f"{path} was being written each of {READ_ATTEMPTS} times it was read: "
            "write it under a hidden name first and rename it when it is complete.",
        )


def _ref(key: str, status: os.stat_result) -> ObjectRef:
    return ObjectRef(
        key=key,
        version_id=None,
        etag=f"{status.st_size}-{status.st_mtime_ns}",
        size_bytes=status.st_size,
        last_modified=datetime.fromtimestamp(status.st_mtime_ns // 1_000_000_000, UTC),
    )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_text(name: str) -> bool:
    # A name that is no UTF-8 reaches Python with lone surrogates, which no ledger can store.
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
