"""What time an S3-compatible store thinks it is."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from openpool_management.adapters.s3_client import explain

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def server_time(client: "S3Client", bucket: str) -> datetime | None:
    """The Date of the store's answer (UTC, whole seconds), None when it bears none.

    A refusal tells the time too. Raises ConnectionError when there is no answer.
    """
    answer: Any
    try:
        answer = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    except BotoCoreError as error:
        raise ConnectionError(f"s3://{bucket} did not answer: {explain(error, client)}") from error
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return None if date is None else parsedate_to_datetime(date)
