"""Documents in a bucket of an S3-compatible store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from openpool_management.adapters.s3_client import error_code, explain

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class S3Documents:
    """Objects of a bucket, each put by one request."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self.client = client
        self.bucket = bucket

    @property
    def name(self) -> str:
        """See the port."""
        return f"s3://{self.bucket}"

    def read(self, key: str) -> bytes | None:
        """See the port. Raises ConnectionError."""
        with self._explained(f"{key} could not be read"):
            try:
                return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error_code(error) != "NoSuchKey":
                    raise
        return None

    def write(self, key: str, content: bytes, content_type: str) -> None:
        """See the port. Raises ConnectionError."""
        with self._explained(f"{key} could not be written"):
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType=content_type
            )

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise ConnectionError(
                f"{what} in the bucket of metrics, {self.name}: {explain(error, self.client)}"
            ) from error
