"""The archive in a bucket of any S3-compatible store."""

from base64 import b64encode
from dataclasses import replace
from hashlib import md5
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from openpool_management.adapters.s3_client import (
    S3_ERRORS,
    error_code,
    error_status,
    explain,
    plain_etag,
)
from openpool_management.domain.archived_copy import copy_name, is_whole, sha256_of
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import Fetched, ObjectRef
from openpool_management.services.ports.archive import ListedCopy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BODY_ATTEMPTS = 3


class S3Archive:
    """Implements the Archive port: copies in one bucket, their keys after a prefix."""

    def __init__(self, client: "S3Client", bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def __repr__(self) -> str:
        return f"S3Archive({self.name!r})"

    @property
    def name(self) -> str:
        """``s3://``, the bucket and the prefix."""
        return f"s3://{self._bucket}" + (f"/{self._prefix}" if self._prefix else "")

    def place(self, ref: ObjectRef) -> str:
        """See the port."""
        return f"s3://{self._bucket}/{self._key(ref)}"

    def copies(self, stream: Stream) -> dict[str, ListedCopy]:
        """See the port."""
        pages = self._client.get_paginator("list_objects_v2")
        found: dict[str, ListedCopy] = {}
        try:
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + stream.prefix):
                for item in page.get("Contents", []):
                    name = item["Key"].removeprefix(self._prefix)
                    found[name] = ListedCopy(plain_etag(item["ETag"]), item["Size"])
        except S3_ERRORS as error:
            raise self._failure("could not be listed", "s3:ListBucket", error) from error
        return found

    def holds(self, ref: ObjectRef) -> bool:
        """See the port."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=self._key(ref))
        except S3_ERRORS as error:
            if error_status(error) == 404:
                return False
            raise self._failure("could not be asked", "s3:GetObject", error) from error
        return True

    def holds_any(self) -> bool:
        """See the port."""
        try:
            answer = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1
            )
        except S3_ERRORS as error:
            raise self._failure("could not be listed", "s3:ListBucket", error) from error
        return bool(answer.get("Contents"))

    def put(self, ref: ObjectRef, data: bytes) -> None:
        """See the port. The store is told the MD5, so that it takes no damaged content."""
        digest = md5(data, usedforsecurity=False).digest()
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(ref),
                Body=data,
                ContentMD5=b64encode(digest).decode(),
                ContentType="application/json",
                Metadata={
                    "sha256": sha256_of(data),
                    "version-id": ref.version_id or "null",
                    "last-modified": ref.last_modified.isoformat(),
                },
            )
        except S3_ERRORS as error:
            raise self._failure(f"took no copy of {ref.key}", "s3:PutObject", error) from error

    def fetch(self, ref: ObjectRef) -> Fetched:
        """See the port."""
        failure = "it can't be read."
        for _ in range(BODY_ATTEMPTS):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(ref))
                data = answer["Body"].read()
            except ClientError as error:
                return Fetched(ref, None, self._unread(ref, error))
            except S3_ERRORS as error:
                failure = self._unread(ref, error)
                continue
            if is_whole(data, ref.etag, answer["Metadata"].get("sha256")):
                return Fetched(replace(ref, size_bytes=len(data)), data)
            failure = (
                f"The copy {self.place(ref)} is damaged, its content is not what its digest states:"
                " archive it again while the original is there, else restore it from a backup."
            )
        return Fetched(ref, None, failure)

    def _key(self, ref: ObjectRef) -> str:
        return self._prefix + copy_name(ref.key, ref.etag)

    def _unread(self, ref: ObjectRef, error: Exception) -> str:
        if error_code(error) == "NoSuchKey":
            return f"Nor is it in the archive, as {self.place(ref)}."
        if error_status(error) == 403 or error_code(error) == "NoSuchBucket":
            return str(self._failure("could not be read", "s3:GetObject", error))
        return f"Its copy {self.place(ref)} could not be read: {explain(error, self._client)}"

    def _failure(self, what: str, right: str, error: Exception) -> OSError:
        status = error_status(error)
        told = f"The archive {self.name} {what}"
        if status == 403:
            return PermissionError(
                f"{told} ({error_code(error)}, HTTP 403): allow {right} on {self.name}."
            )
        if error_code(error) == "NoSuchBucket":
            return FileNotFoundError(
                f"{told}: there is no such bucket; make it, or correct S3_ARCHIVE_BUCKET."
            )
        return ConnectionError(f"{told}: {explain(error, self._client)}")
