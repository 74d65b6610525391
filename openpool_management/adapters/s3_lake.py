"""The event lake under a prefix of an S3-compatible store."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from openpool_management.adapters.directory_lake import lake_file, parquet_bytes
from openpool_management.domain.batch import LakeFile
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management.domain.streams import Stream

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class S3Lake:
    """Files below ``s3://bucket/prefix``, each put by one request."""

    def __init__(self, client: "S3Client", url: str) -> None:
        self.client = client
        self.bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def write(self, stream: Stream, batch_id: str, rows: pl.DataFrame) -> LakeFile:
        """See the port."""
        data = parquet_bytes(rows)
        file = lake_file(stream, batch_id, rows, data)
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + file.name, Body=data)
        return file

    def scan(self, files: Sequence[LakeFile]) -> pl.LazyFrame:
        """See the port."""
        urls = [f"s3://{self.bucket}/{self.prefix}{file.name}" for file in files]
        return pl.scan_parquet(
            urls, hive_partitioning=False, storage_options=self._storage_options()
        ).cast(dict(LAKE_SCHEMA))

    def _storage_options(self) -> dict[str, str]:
        """The client's endpoint and credentials in the words of Polars' own reader."""
        endpoint = self.client.meta.endpoint_url
        options = {
            "aws_endpoint_url": endpoint,
            "aws_region": self.client.meta.region_name,
            "aws_allow_http": str(endpoint.startswith("http://")).lower(),
        }
        credentials = self.client._request_signer._credentials  # type: ignore[attr-defined]
        if credentials is not None:
            frozen = credentials.get_frozen_credentials()
            options["aws_access_key_id"] = frozen.access_key
            options["aws_secret_access_key"] = frozen.secret_key
            if frozen.token:
                options["aws_session_token"] = frozen.token
        return options
