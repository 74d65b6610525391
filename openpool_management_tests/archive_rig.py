"""A pool whose event log is a bucket with an archive beside it, and what tests look at."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from openpool_management.pool import Pool, utc_now
from openpool_management.scratch import verify_pool
from openpool_management.services.archiving import ArchiveReport
from openpool_management.settings import Settings
from openpool_management_tests.ledgers import ScratchLedger

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PREFIX = "old/"


@dataclass
class ArchiveRig:
    """Two buckets of one store, and pools over them with one ledger."""

    client: "S3Client"
    bucket: str
    archive_bucket: str
    home: Path
    endpoint_url: str
    pools: dict[str, Pool] = field(default_factory=dict)

    def pool(self, endpoint_url: str | None = None) -> Pool:
        """The pool over the ledger; through a proxy where its URL is given.

        What it keeps of the buckets is forgotten by forget.
        """
        url = endpoint_url or self.endpoint_url
        if url not in self.pools:
            self.home.mkdir(exist_ok=True)
            ScratchLedger.in_directory(self.home).close()
            settings = Settings(
                home=self.home,
                s3_bucket=self.bucket,
                s3_archive_bucket=self.archive_bucket,
                s3_archive_prefix=PREFIX,
                s3_endpoint=url,
                aws_access_key_id="test",
                aws_secret_access_key=SecretStr("test"),
                fetch_threads=4,
            )
            self.pools[url] = Pool(settings)
        return self.pools[url]

    def options(self, endpoint_url: str | None = None) -> dict[str, str]:
        """The same as variables of the environment."""
        return {
            "OPENPOOL_HOME": str(self.home),
            "S3_BUCKET": self.bucket,
            "S3_ARCHIVE_BUCKET": self.archive_bucket,
            "S3_ARCHIVE_PREFIX": PREFIX,
            "S3_ENDPOINT": endpoint_url or self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def forget(self) -> None:
        """Let go of the ledger and of what is known of the buckets."""
        for pool in self.pools.values():
            if "engine" in vars(pool):
                pool.engine.dispose()
        self.pools.clear()

    def put(self, key: str, data: bytes) -> None:
        """Write an object of the event log."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def sync(self, *, full: bool = True) -> int:
        """Read what is new; how many objects that were."""
        pool = self.pool()
        return sum(
            len(outcome.batch.objects)
            for stream in pool.source.streams()
            for outcome in pool.ingest.sync(stream, full=full)
            if outcome.batch is not None
        )

    def archive(
        self,
        *,
        delete: bool = False,
        dry_run: bool = False,
        endpoint_url: str | None = None,
        before: datetime | None = None,
    ) -> ArchiveReport:
        """Archive all streams of the ledger; the reports added up."""
        archiver = self.pool(endpoint_url).archiver
        total = ArchiveReport()
        for stream in archiver.record.streams():
            one = archiver.archive_stream(
                stream, before or utc_now() + timedelta(minutes=1), delete=delete, dry_run=dry_run
            )
            total.archived += one.archived
            total.archived_bytes += one.archived_bytes
            total.already += one.already
            total.deleted += one.deleted
            total.failed += one.failed
        return total

    def contents(self) -> list[tuple[str, bytes]]:
        """Every version that the event log's bucket holds, by key, the oldest first."""
        answer = self.client.list_object_versions(Bucket=self.bucket)
        versions = sorted(
            answer.get("Versions", []), key=lambda it: (it["Key"], it["LastModified"])
        )
        return [
            (
                it["Key"],
                self.client.get_object(
                    Bucket=self.bucket, Key=it["Key"], VersionId=it["VersionId"]
                )["Body"].read(),
            )
            for it in versions
        ]

    def copies(self) -> dict[str, bytes]:
        """Everything in the archive's bucket by key."""
        listed = self.client.list_objects_v2(Bucket=self.archive_bucket).get("Contents", [])
        return {
            it["Key"]: self.client.get_object(Bucket=self.archive_bucket, Key=it["Key"])[
                "Body"
            ].read()
            for it in listed
        }

    def balances_wei(self) -> dict[str, int]:
        """Balance of each account that is not at zero."""
        return {
            one.account.name: one.balance_wei
            for one in self.pool().books.standings()
            if one.balance_wei
        }

    def assert_proven(self, objects: int) -> None:
        """The ledger replays to the wei from so many objects, wherever they are."""
        report = verify_pool(self.pool())
        assert (report.gone, report.refused, report.differences) == ([], [], [])
        assert report.objects == objects
