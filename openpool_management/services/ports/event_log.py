"""The event log, as the services need it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openpool_management.domain.streams import Stream


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One version of one object of the event log, as its source lists it.

    version_id is None where the source keeps no versions. etag changes whenever the content does.
    """

    key: str
    version_id: str | None
    etag: str
    size_bytes: int
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of reading one object: its bytes, or the sentence that says why there are none.

    ref names what was really read: an object that was overwritten after it was listed
    comes back with the etag and version of the content in data.
    """

    ref: ObjectRef
    data: bytes | None
    error: str | None = None


class EventSource(Protocol):
    """Where the event log is read from."""

    @property
    def name(self) -> str:
        """How messages call it, such as ``s3://my-bucket``."""
        ...

    def streams(self) -> list[Stream]:
        """The streams that have objects, sorted."""
        ...

    def objects(self, stream: Stream, since: datetime | None) -> Iterator[ObjectRef]:
        """Object versions of a stream in key order, those whose key starts before since left out.

        Every version behind a key is listed where the source keeps versions. Lazy: what is not
        consumed costs no request. Keys that do not end in ``.json`` are not listed.
        """
        ...

    def fetch(self, refs: Sequence[ObjectRef]) -> Iterator[Fetched]:
        """Read objects, several at once, in the order of refs; never raises for one object."""
        ...
