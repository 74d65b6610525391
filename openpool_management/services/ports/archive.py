"""The archive of the event log, as the services need it."""

from dataclasses import dataclass
from typing import Protocol

from openpool_management.domain.streams import Stream
from openpool_management.services.ports.event_log import EventSource, Fetched, ObjectRef


@dataclass(frozen=True, slots=True)
class ListedCopy:
    """A copy as the archive lists it. etag is the archive's own."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredOriginal:
    """What the event log says of an object version. etag_is_md5: the ETag proves the content."""

    etag: str
    etag_is_md5: bool


class Archive(Protocol):
    """Copies of object versions, each called by copy_name. Its errors are OSErrors that say why.

    PermissionError and FileNotFoundError (of the bucket) concern every object.
    """

    @property
    def name(self) -> str:
        """How messages call it, such as ``s3://my-archive``."""
        ...

    def place(self, ref: ObjectRef) -> str:
        """Where the copy of an object version is or would be."""
        ...

    def copies(self, stream: Stream) -> dict[str, ListedCopy]:
        """The copies of a stream by name. Raises OSError."""
        ...

    def holds(self, ref: ObjectRef) -> bool:
        """Whether there is a copy of an object version. Raises OSError."""
        ...

    def holds_any(self) -> bool:
        """Whether there is any copy at all. Raises OSError."""
        ...

    def put(self, ref: ObjectRef, data: bytes) -> None:
        """Write the copy of an object version, over what is there. Raises OSError."""
        ...

    def fetch(self, ref: ObjectRef) -> Fetched:
        """Read a copy; the bytes are proven by a digest. Never raises."""
        ...


class EventLogStore(EventSource, Protocol):
    """An event log whose object versions can be looked at and deleted one by one."""

    def stored(self, ref: ObjectRef) -> StoredOriginal | None:
        """What is stored of an object version, None where it is gone. Raises OSError."""
        ...

    def delete(self, ref: ObjectRef) -> None:
        """Delete exactly this version with this content, for ever; nothing where it is gone.

        Raises PermissionError where no object may be deleted, OSError where this one can't be.
        """
        ...
