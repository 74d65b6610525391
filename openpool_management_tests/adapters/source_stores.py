"""What the source tests write to: a bucket or a directory behind the same few calls."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.adapters.s3_source import S3Source
from openpool_management.domain.streams import KEY_TIME_FORMAT, Stream
from openpool_management.services.ports import EventSource, ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

START = datetime(2026, 3, 1, tzinfo=UTC)
AI = Stream("ai", "us-central")


def key_of(stream: Stream, minute: int) -> str:
    """The key of an object that starts so many minutes after START and lasts one."""
    start = START + timedelta(minutes=minute)
    end = start + timedelta(seconds=59)
    return (
        f"{stream.prefix}{stream.region}-{stream.node_type}-"
        f"{start.strftime(KEY_TIME_FORMAT)}_{end.strftime(KEY_TIME_FORMAT)}.json"
    )


class Store(ABC):
    """Where a test puts objects."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Write an object, over what is there."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete an object."""

    @abstractmethod
    def source(self) -> EventSource:
        """A fresh source over the store."""

    def listed(self, stream: Stream, since: datetime | None = None) -> list[ObjectRef]:
        """All that a fresh source lists of a stream."""
        return list(self.source().objects(stream, since))

    def keys(self, stream: Stream, since: datetime | None = None) -> list[str]:
        """The keys that a fresh source lists of a stream."""
        return [ref.key for ref in self.listed(stream, since)]


class DirectoryStore(Store):
    """A directory."""

    def __init__(self, directory: Path) -> None:
        """Write below directory."""
        self.directory = directory

    def put(self, key: str, data: bytes) -> None:
        """Write a file under a hidden name, then rename it."""
        path = self.directory / key
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.tmp")
        draft.write_bytes(data)
        draft.replace(path)

    def delete(self, key: str) -> None:
        """Remove a file."""
        (self.directory / key).unlink()

    def source(self) -> DirectorySource:
        """A source over the directory."""
        return DirectorySource(self.directory)


class BucketStore(Store):
    """A bucket."""

    def __init__(self, client: "S3Client", bucket: str, page_size: int = 1000) -> None:
        """Write to bucket; sources list page_size keys at once."""
        self.client = client
        self.bucket = bucket
        self.page_size = page_size

    def put(self, key: str, data: bytes) -> None:
        """Put an object."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def delete(self, key: str) -> None:
        """Delete an object; where versions are kept, hide it behind a delete marker."""
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def source(self) -> S3Source:
        """A source over the bucket."""
        return S3Source(self.client, self.bucket, threads=4, page_size=self.page_size)
