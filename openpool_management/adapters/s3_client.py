"""The boto3 client for any S3-compatible store, and plain sentences for its errors."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60
DEFAULT_REGION = "us-east-1"

S3_ERRORS = (BotoCoreError, ClientError, HTTPError, OSError)
"""What a request can fail with, the reading of its answer's body included."""

_REMEDIES = {
    "NoSuchKey": "it was deleted after it was listed; restore it from a backup or an older version",
    "NoSuchVersion": "that version was deleted after it was listed; restore it from a backup",
    "NoSuchBucket": "there is no such bucket; check S3_BUCKET and S3_ENDPOINT",
    "AccessDenied": "allow these credentials to list and read the bucket and its versions",
    "InvalidAccessKeyId": "the store does not know the key; check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret does not fit the key; check AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the session has ended; renew the credentials",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it by NTP",
    "InvalidObjectState": "it lies in an archive storage class; restore it to a readable one",
}
_REMEDY_BY_STATUS = {
    403: "allow these credentials to list and read the bucket and its versions",
    404: "it is not there any more; restore it from a backup or an older version",
}
_TRY_AGAIN = "the store failed after all retries; look at its status and read again"


def s3_client(
    *,
    endpoint_url: str | None = None,
    region_name: str | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    threads: int = 16,
    max_attempts: int = 5,
) -> "S3Client":
    """A client that may be shared by as many threads as stated.

    Without an endpoint it talks to AWS. Without keys boto3 looks for them in its own places:
    environment, shared files, instance role. max_attempts counts the first call.
    Raises ValueError if one half of the credentials is missing.
    """
    if (access_key_id is None) != (secret_access_key is None):
        missing = "AWS_ACCESS_KEY_ID" if access_key_id is None else "AWS_SECRET_ACCESS_KEY"
        raise ValueError(
            f"{missing} is not set, but its other half is: set both, or neither to use "
            "the credentials of the machine."
        )
    config = Config(
        retries={"mode": "standard", "total_max_attempts": max_attempts},
        max_pool_connections=threads,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
    )
    if endpoint_url is not None:
        # Stores other than AWS often have no certificate for bucket.host names, and some refuse
        # the checksum trailers that botocore adds to uploads by default.
        config = config.merge(
            Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            )
        )
        region_name = region_name or DEFAULT_REGION
    # The default session is shared by the whole process and is not safe to use from threads.
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=region_name,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        aws_session_token=session_token,
        config=config,
    )


def plain_etag(text: str) -> str:
    """An ETag without quotes, and without the mark that a compressing proxy adds to it."""
    return text.removeprefix("W/").strip('"')


def error_code(error: Exception) -> str:
    """The store's code for an error, such as ``NoSuchKey``; else the name of the exception."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def error_status(error: Exception) -> int | None:
    """The HTTP status of an answer that was an error; None when there was no answer."""
    if isinstance(error, ClientError):
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return None


def explain(error: Exception, client: "S3Client") -> str:
    """What went wrong and what to do about it, without the error's own text.

    That text may quote what was sent, so only the code, the status and the host are named.
    """
    if isinstance(error, ClientError):
        code, status = error_code(error), error_status(error)
        remedy = _REMEDIES.get(code) or _REMEDY_BY_STATUS.get(status or 0, _TRY_AGAIN)
        return f"{code} (HTTP {status}): {remedy}."
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or give the machine a role."
        )
    host = urlsplit(client.meta.endpoint_url)
    place = f"{host.scheme}://{host.hostname}" + (f":{host.port}" if host.port else "")
    return (
        f"{type(error).__name__} while talking to {place}: check that S3_ENDPOINT is right "
        "and that the store can be reached from here, then read again."
    )
