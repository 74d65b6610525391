"""The event log's bucket, with what archiving needs besides reading it."""

import re
from typing import Any

from openpool_management.adapters.s3_client import (
    S3_ERRORS,
    error_code,
    error_status,
    explain,
    plain_etag,
)
from openpool_management.adapters.s3_source import S3Source
from openpool_management.services.ports import ObjectRef
from openpool_management.services.ports.archive import StoredOriginal

_MD5 = re.compile(r"[0-9a-f]{32}")
_GONE = (404,)
_OTHER_CONTENT = (409, 412)


class S3EventLog(S3Source):
    """Implements the EventLogStore port over one bucket."""

    def stored(self, ref: ObjectRef) -> StoredOriginal | None:
        """See the port."""
        self._count()
        try:
            answer = self._client.head_object(
                Bucket=self._bucket, Key=ref.key, **_version(ref.version_id)
            )
        except S3_ERRORS as error:
            # A version ID that the bucket never gave is answered with 400.
            if error_status(error) in (*_GONE, 400):
                return None
            raise self._refusal(ref, "looked at", "s3:GetObject", error) from error
        etag = plain_etag(answer["ETag"])
        encryption = str(answer.get("ServerSideEncryption", ""))
        opaque = encryption.startswith("aws:kms") or "SSECustomerAlgorithm" in answer
        return StoredOriginal(etag, bool(_MD5.fullmatch(etag)) and not opaque)

    def delete(self, ref: ObjectRef) -> None:
        """See the port.

        A version is deleted by its ID: its content is fixed. Where the bucket keeps none, a key may
        be written between two requests, so the store is asked to compare the ETag as it deletes.
        """
        version, condition = self._deletable(ref)
        self._count()
        try:
            self._client.delete_object(
                Bucket=self._bucket, Key=ref.key, **_version(version), **condition
            )
        except S3_ERRORS as error:
            status = error_status(error)
            if status in _GONE:
                return
            if status in _OTHER_CONTENT:
                raise _other_content(ref) from error
            right = "s3:DeleteObjectVersion" if version else "s3:DeleteObject"
            raise self._refusal(ref, "deleted", right, error) from error

    def _deletable(self, ref: ObjectRef) -> tuple[str | None, dict[str, Any]]:
        """The version ID to delete, or the condition under which a key may be."""
        match self.versioning().status:
            case "Enabled":
                return ref.version_id or "null", {}
            case "Suspended" if ref.version_id not in (None, "null"):
                return ref.version_id, {}
            case "Suspended":
                raise ConnectionError(
                    f"{self.name}/{ref.key} is archived, but not deleted: versioning is suspended, "
                    "so it could be overwritten as it is deleted. Switch versioning on."
                )
            case "Off":
                stored = self.stored(ref)
                if stored is not None and stored.etag != ref.etag:
                    raise _other_content(ref)
                return None, {"IfMatch": f'"{ref.etag}"'}
            case _:
                raise PermissionError(
                    f"Nothing is deleted from {self.name}, since it does not say whether it keeps "
                    "versions: allow s3:GetBucketVersioning, or archive without --delete."
                )

    def _refusal(self, ref: ObjectRef, what: str, right: str, error: Exception) -> OSError:
        told = f"{self.name}/{ref.key} could not be {what}"
        if error_status(error) == 403:
            return PermissionError(
                f"{told} ({error_code(error)}, HTTP 403): allow {right} on {self.name}. "
                "What is copied stays in the archive."
            )
        return ConnectionError(f"{told}: {explain(error, self._client)}")


def _version(version_id: str | None) -> dict[str, Any]:
    return {} if version_id is None else {"VersionId": version_id}


def _other_content(ref: ObjectRef) -> OSError:
    return ConnectionError(
        f"{ref.key} is not deleted: it was overwritten since it was read. Sync, then archive again."
    )
