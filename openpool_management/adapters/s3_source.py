"""The event log in a bucket of any S3-compatible store."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from urllib3.exceptions import HTTPError

from openpool_management.adapters.s3_client import error_code, error_status, explain, plain_etag
from openpool_management.domain.streams import NODE_TYPES, Stream, stream_of_key
from openpool_management.services.ports import Fetched, ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BODY_ATTEMPTS = 3

_BODY_ERRORS = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, HTTPError)
_ERRORS = (BotoCoreError, ClientError, HTTPError, OSError)
# What stores answer that have no versioning, or credentials that may not ask for it.
_UNANSWERED_STATUS = (400, 403, 405, 501)


@dataclass(frozen=True, slots=True)
class Versioning:
    """Whether a bucket keeps what is overwritten: Enabled, Suspended, Off or Unknown.

    reason is the sentence that says why it is Unknown. Unknown is read as if it were Off.
    """

    status: str
    reason: str | None = None

    @property
    def keeps_versions(self) -> bool:
        """Whether older versions may lie behind a key."""
        return self.status in ("Enabled", "Suspended")


class S3Source:
    """An EventSource over one bucket.

    ``requests`` counts the calls made through it, a call that botocore retried counting once.
    Listing raises FileNotFoundError for a missing bucket, PermissionError for refused credentials
    and ConnectionError for all else, so OSError covers it; each carries a sentence with a remedy.
    """

    def __init__(
        self, client: "S3Client", bucket: str, *, threads: int = 16, page_size: int = 1000
    ) -> None:
        """Read bucket through client, threads objects at once, page_size keys a listing page."""
        self.requests = 0
        self._client = client
        self._bucket = bucket
        self._threads = threads
        self._page_size = page_size
        self._versioning: Versioning | None = None
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"S3Source({self.name!r})"

    @property
    def name(self) -> str:
        """``s3://`` and the bucket."""
        return f"s3://{self._bucket}"

    def versioning(self) -> Versioning:
        """Whether the bucket keeps versions; asked once. Raises OSError as listing does."""
        if self._versioning is None:
            self._versioning = self._ask_versioning()
        return self._versioning

    def streams(self) -> list[Stream]:
        """The streams that have objects, sorted. One request for the bucket, one for each region.

        Where versions are kept, a stream counts though all its objects were deleted.
        """
        return sorted(
            Stream(node_type, region)
            for region in self._folders("")
            if region
            for node_type in self._folders(f"{region}/")
            if node_type in NODE_TYPES
        )

    def objects(self, stream: Stream, since: datetime | None) -> Iterator[ObjectRef]:
        """Object versions of stream in key order, the oldest version of a key first.

        since (UTC) leaves out keys that state an earlier start. Delete markers are passed over.
        """
        after = stream.key_at(since) if since is not None else None
        keeps_versions = self.versioning().keeps_versions
        refs = self._versions if keeps_versions else self._latest
        for ref in refs(stream.prefix, after):
            if ref.key.endswith(".json") and stream_of_key(ref.key) == stream:
                yield ref

    def fetch(self, refs: Sequence[ObjectRef]) -> Iterator[Fetched]:
        """Read objects in parallel, in the order of refs; at most 2 x threads wait in memory."""
        pending: deque[Future[Fetched]] = deque()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="s3-get") as pool:
            for ref in refs:
                if len(pending) == 2 * self._threads:
                    yield pending.popleft().result()
                pending.append(pool.submit(self._get, ref))
            while pending:
                yield pending.popleft().result()

    def _count(self) -> None:
        with self._lock:
            self.requests += 1

    def _ask_versioning(self) -> Versioning:
        self._count()
        try:
            answer = self._client.get_bucket_versioning(Bucket=self._bucket)
        except ClientError as error:
            if error_status(error) in _UNANSWERED_STATUS:
                return Versioning(
                    "Unknown",
                    f"{self.name} did not say whether it keeps versions "
                    f"({error_code(error)}, HTTP {error_status(error)}), so only the latest "
                    "version of each object is read: allow s3:GetBucketVersioning, or use a "
                    "region name of its own for each orchestrator.",
                )
            raise self._listing_error(error) from error
        except _ERRORS as error:
            raise self._listing_error(error) from error
        return Versioning(answer.get("Status", "Off"))

    def _folders(self, prefix: str) -> Iterator[str]:
        request = {"Prefix": prefix, "Delimiter": "/"}
        keeps_versions = self.versioning().keeps_versions
        pages = self._version_pages(request) if keeps_versions else self._latest_pages(request)
        for page in pages:
            for common in page.get("CommonPrefixes", []):
                yield common["Prefix"][len(prefix) :].removesuffix("/")

    def _latest(self, prefix: str, after: str | None) -> Iterator[ObjectRef]:
        request = {"Prefix": prefix} | ({"StartAfter": after} if after else {})
        for page in self._latest_pages(request):
            for item in page.get("Contents", []):
                yield _ref(item, None)

    def _versions(self, prefix: str, after: str | None) -> Iterator[ObjectRef]:
        request = {"Prefix": prefix} | ({"KeyMarker": after} if after else {})
        newest_first: list[ObjectRef] = []
        for page in self._version_pages(request):
            for item in page.get("Versions", []):
                if newest_first and newest_first[0].key != item["Key"]:
                    yield from reversed(newest_first)
                    newest_first = []
                newest_first.append(_ref(item, item["VersionId"]))
        yield from reversed(newest_first)

    def _latest_pages(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            page = self._list("list_objects_v2", request)
            yield page
            if not page.get("IsTruncated"):
                return
            request = request | {"ContinuationToken": page["NextContinuationToken"]}

    def _version_pages(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            page = self._list("list_object_versions", request)
            yield page
            if not page.get("IsTruncated"):
                return
            request = request | {"KeyMarker": page["NextKeyMarker"]}
            request.pop("VersionIdMarker", None)
            if page.get("NextVersionIdMarker"):
                request["VersionIdMarker"] = page["NextVersionIdMarker"]

    def _list(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self._count()
        call = getattr(self._client, operation)
        try:
            page: dict[str, Any] = call(Bucket=self._bucket, MaxKeys=self._page_size, **request)
        except _ERRORS as error:
            raise self._listing_error(error) from error
        return page

    def _listing_error(self, error: Exception) -> OSError:
        sentence = f"{self.name} could not be listed: {explain(error, self._client)}"
        status = error_status(error)
        if status == 404:
            return FileNotFoundError(sentence)
        if status in (401, 403):
            return PermissionError(sentence)
        return ConnectionError(sentence)

    def _get(self, ref: ObjectRef) -> Fetched:
        # botocore retries requests, but not a body that breaks off while it is read.
        for _ in range(BODY_ATTEMPTS - 1):
            try:
                return self._get_once(ref)
            except _BODY_ERRORS:
                continue
            except _ERRORS as error:
                return self._failed(ref, error)
        try:
            return self._get_once(ref)
        except _ERRORS as error:
            return self._failed(ref, error)

    def _get_once(self, ref: ObjectRef) -> Fetched:
        self._count()
        version: dict[str, Any] = {}
        if ref.version_id is not None:
            version["VersionId"] = ref.version_id
        response = self._client.get_object(Bucket=self._bucket, Key=ref.key, **version)
        data = response["Body"].read()
        read = replace(
            ref,
            version_id=response.get("VersionId", ref.version_id),
            etag=plain_etag(response["ETag"]),
            size_bytes=len(data),
            last_modified=response["LastModified"],
        )
        return Fetched(read, data)

    def _failed(self, ref: ObjectRef, error: Exception) -> Fetched:
        version = f" (version {ref.version_id})" if ref.version_id is not None else ""
        return Fetched(
            ref,
            None,
            f"{self.name}/{ref.key}{version} could not be read: {explain(error, self._client)}",
        )


def _ref(item: dict[str, Any], version_id: str | None) -> ObjectRef:
    return ObjectRef(
        key=item["Key"],
        version_id=version_id,
        etag=plain_etag(item["ETag"]),
        size_bytes=item["Size"],
        last_modified=item["LastModified"],
    )
