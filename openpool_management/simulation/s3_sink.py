"""Simulated objects in a bucket."""

from botocore.exceptions import BotoCoreError, ClientError

from openpool_management.adapters.s3_client import explain, s3_client
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
        region_name: str | None = None,
    ) -> None:
        self._bucket = bucket
        self._client = s3_client(
            endpoint_url=endpoint_url,
            region_name=region_name,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
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
                f"Object {flush.key} can't be put into bucket {self._bucket}: "
                f"{explain(error, self._client)} These credentials must be allowed to write."
            ) from error
        return flush.key
