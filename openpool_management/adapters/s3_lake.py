"""The event lake under a prefix of an S3-compatible store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl
from botocore.exceptions import BotoCoreError, ClientError

from openpool_management.adapters.directory_lake import lake_file, parquet_bytes, scan_files
from openpool_management.adapters.s3_client import explain
from openpool_management.domain.batch import LakeFile
from openpool_management.domain.streams import Stream

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class S3Lake:
    """Files below ``s3://bucket/prefix``, each put by one request."""

    def __init__(
        self,
        client: "S3Client",
        url: str,
        *,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
    ) -> None:
        """Write through client, scan with the same credentials.

        Without keys, scans look for them where boto3 does.
        """
        self.client = client
        self.bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        endpoint = client.meta.endpoint_url
        self._storage_options = {
            "aws_endpoint_url": endpoint,
            "aws_region": client.meta.region_name,
            "aws_allow_http": str(endpoint.startswith("http://")).lower(),
        }
        keys = {
            "aws_access_key_id": access_key_id,
            "aws_secret_access_key": secret_access_key,
            "aws_session_token": session_token,
        }
        self._storage_options |= {name: value for name, value in keys.items() if value}

    def __repr__(self) -> str:
        return f"S3Lake('s3://{self.bucket}/{self.prefix}')"

    def write(self, stream: Stream, batch_id: str, rows: pl.DataFrame) -> LakeFile:
        """See the port."""
        data = parquet_bytes(rows)
        file = lake_file(stream, batch_id, rows, data)
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + file.name, Body=data)
        return file

    def scan(self, files: Sequence[LakeFile], *, file_column: str | None = None) -> pl.LazyFrame:
        """See the port."""
        prefix = f"s3://{self.bucket}/{self.prefix}"
        return scan_files(files, prefix, file_column, self._storage_options)

    def missing(self, files: Sequence[LakeFile]) -> list[LakeFile]:
        """See the port. One listing a stream, since a request for each file would take long.

        Raises ConnectionError, as probe does.
        """
        folders = {file.name.rpartition("/")[0] for file in files}
        there: set[str] = set()
        pages = self.client.get_paginator("list_objects_v2")
        with self._explained("listed"):
            for folder in sorted(folders):
                for page in pages.paginate(Bucket=self.bucket, Prefix=f"{self.prefix}{folder}/"):
                    there |= {item["Key"] for item in page.get("Contents", [])}
        return [file for file in files if self.prefix + file.name not in there]

    def probe(self) -> None:
        """See the port."""
        key = f"{self.prefix}.probe"
        with self._explained("written"):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=b"")
            self.client.delete_object(Bucket=self.bucket, Key=key)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            place = f"s3://{self.bucket}/{self.prefix}"
            raise ConnectionError(
                f"The lake at {place} could not be {what}: {explain(error, self.client)}"
            ) from error
