"""Simulated objects in a bucket."""

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from openpool_management.simulation.flush import Flush, SinkError


class S3Sink:
    """Puts each object under its key; a colliding one becomes a version, or overwrites.

    Credentials come as arguments alone. endpoint_url is None for Amazon's own.
    """

    def __init__(
        self,
        bucket: str,
        *,
        access_key_id: str,
        secret_access_key: str,
        endpoint_url: str | None = None,
        region: str = "us-east-1",
    ) -> None:
        self._bucket = bucket
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            region_name=region,
            config=Config(
                s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 5}
            ),
        )

    def write(self, flush: Flush) -> str:
        """Put one object and return its key.

        Raises SinkError if S3 refuses it or can't be reached.
        """
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=flush.key,
                Body=flush.body,
                ContentType="application/json",
            )
        except (BotoCoreError, ClientError) as error:
            raise SinkError(
                f"Object {flush.key} can't be put into bucket {self._bucket}: {error}. "
                "Check that the bucket exists, its endpoint answers and the credentials may write."
            ) from error
        return flush.key
