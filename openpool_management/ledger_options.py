"""The options of the event log, the ledger and Dagster; Settings is made of them."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from annotated_types import Interval
from pydantic import BaseModel, Field, SecretStr, model_validator

from openpool_management.option_checks import (
    Bucket,
    CommissionRate,
    Cron,
    Endpoint,
    EventsDir,
    Home,
    LakeUrl,
    LedgerUrl,
    MetricsDir,
    PagesUrl,
    Share,
    Webhook,
)
from openpool_management.options import Option


class LedgerOptions(BaseModel):
    """What is read, how it is settled, and where the books are. ledger_url may hold a password."""

    home: Annotated[
        Home,
        Option(
            "OPENPOOL_HOME",
            "path",
            "Folder of the ledger, the lake and other local state.",
            default_text=".openpool in the project",
        ),
    ] = Field(default=Path(".openpool"), validate_default=True)
    ledger_url: Annotated[
        LedgerUrl,
        Option(
            "OPENPOOL_LEDGER_URL",
            "URL",
            "Database of the ledger.",
            default_text="sqlite:///OPENPOOL_HOME/ledger.sqlite",
            shown="url",
        ),
    ] = Field(default_factory=lambda given: f"sqlite:///{given['home'] / 'ledger.sqlite'}")
    lake_url: Annotated[
        LakeUrl,
        Option(
            "OPENPOOL_LAKE_URL",
            "path or URL",
            "Where the Parquet files of the event lake go.",
            default_text="OPENPOOL_HOME/lake",
            shown="url",
        ),
    ] = Field(default_factory=lambda given: str(given["home"] / "lake"))
    events_dir: Annotated[
        EventsDir,
        Option("OPENPOOL_EVENTS_DIR", "path", "Directory laid out like a bucket, read instead."),
    ] = None
    s3_bucket: Annotated[Bucket, Option("S3_BUCKET", "name", "Bucket of the event log.")] = None
    s3_endpoint: Annotated[
        Endpoint,
        Option(
            "S3_ENDPOINT",
            "URL",
            "S3 server if it is not AWS; without a scheme, https:// is put before it.",
            shown="url",
        ),
    ] = None
    aws_access_key_id: Annotated[
        str | None,
        Option(
            "AWS_ACCESS_KEY_ID",
            "text",
            "Key for S3; without it, boto3 looks in its usual places.",
            shown="hidden",
        ),
    ] = None
    aws_secret_access_key: Annotated[
        SecretStr | None,
        Option("AWS_SECRET_ACCESS_KEY", "text", "Secret of that key.", shown="hidden"),
    ] = None
    aws_session_token: Annotated[
        SecretStr | None,
        Option("AWS_SESSION_TOKEN", "text", "Session token, for temporary keys.", shown="hidden"),
    ] = None
    aws_region: Annotated[str, Option("AWS_REGION", "name", "Region of the bucket.")] = "us-east-1"
    s3_metrics_bucket: Annotated[
        Bucket, Option("S3_METRICS_BUCKET", "name", "Bucket that documents are published in.")
    ] = None
    metrics_dir: Annotated[
        MetricsDir,
        Option("OPENPOOL_METRICS_DIR", "path", "Directory that they are published in instead."),
    ] = None
    pages_url: Annotated[
        PagesUrl,
        Option(
            "OPENPOOL_PAGES_URL",
            "URL",
            "Where people open the pages of openpool serve; Dagster's pages then link to them.",
            shown="url",
        ),
    ] = None
    s3_archive_bucket: Annotated[
        Bucket, Option("S3_ARCHIVE_BUCKET", "name", "Bucket for archived objects.")
    ] = None
    s3_archive_prefix: Annotated[
        str, Option("S3_ARCHIVE_PREFIX", "text", "Start of the keys in the archive bucket.")
    ] = ""
    archive_after_days: Annotated[
        int,
        Interval(ge=1, le=36_500),
        Option(
            "OPENPOOL_ARCHIVE_AFTER_DAYS",
            "days",
            "Age at which an object that was read is archived.",
        ),
    ] = 30
    pool_commission_rate: Annotated[
        CommissionRate,
        Option(
            "POOL_COMMISSION_RATE",
            "share",
            "Part of each fee that the pool keeps from when its ledger is opened.",
        ),
    ] = Decimal("0.25")
    max_files_per_batch: Annotated[
        int,
        Interval(ge=1, le=100_000),
        Option("MAX_FILES_PER_BATCH", "objects", "Objects that one batch reads at most."),
    ] = 250
    max_batch_mib: Annotated[
        int,
        Interval(ge=1, le=4096),
        Option(
            "OPENPOOL_MAX_BATCH_MIB", "MiB", "Size of the objects that one batch reads at most."
        ),
    ] = 64
    fetch_threads: Annotated[
        int,
        Interval(ge=1, le=256),
        Option("OPENPOOL_FETCH_THREADS", "threads", "Objects fetched at the same time."),
    ] = 16
    s3_sensor_interval_seconds: Annotated[
        int,
        Interval(ge=5, le=86_400),
        Option("S3_SENSOR_INTERVAL_SECONDS", "seconds", "Time between two looks at the event log."),
    ] = 30
    full_listing_cron: Annotated[
        Cron,
        Option(
            "OPENPOOL_FULL_LISTING_CRON",
            "cron, UTC",
            "When everything is listed, for objects later than the lateness window.",
        ),
    ] = "17 3 * * *"
    lateness_hours: Annotated[
        int,
        Interval(ge=1, le=8760),
        Option(
            "OPENPOOL_LATENESS_HOURS",
            "hours",
            "How far behind the newest key read each listing starts.",
        ),
    ] = 48
    pair_window_seconds: Annotated[
        int,
        Interval(ge=1, le=604_800),
        Option(
            "OPENPOOL_PAIR_WINDOW_SECONDS",
            "seconds",
            "Longest time from job-received to job-processed.",
        ),
    ] = 3600
    late_pair_days: Annotated[
        int,
        Interval(ge=0, le=365),
        Option(
            "OPENPOOL_LATE_PAIR_DAYS",
            "days",
            "How long an unattributed job waits for its job-received.",
        ),
    ] = 7
    unattributed_share: Annotated[
        Share,
        Option(
            "OPENPOOL_UNATTRIBUTED_SHARE",
            "share",
            "Part of the AI fees that may be unattributed before a check fails.",
        ),
    ] = Decimal("0.01")
    gap_factor: Annotated[
        int,
        Interval(ge=2, le=1000),
        Option(
            "OPENPOOL_GAP_FACTOR",
            "times",
            "A gap longer than this many times the median cadence of a stream fails a check.",
        ),
    ] = 5
    freshness_minutes: Annotated[
        int,
        Interval(ge=1, le=525_600),
        Option("OPENPOOL_FRESHNESS_MINUTES", "minutes", "Age at which a stream counts as stale."),
    ] = 60
    run_retention_days: Annotated[
        int,
        Interval(ge=1, le=3650),
        Option("OPENPOOL_RUN_RETENTION_DAYS", "days", "How long finished Dagster runs are kept."),
    ] = 30
    tick_retention_days: Annotated[
        int,
        Interval(ge=1, le=3650),
        Option(
            "OPENPOOL_TICK_RETENTION_DAYS",
            "days",
            "How long Dagster ticks are kept.",
        ),
    ] = 7
    alert_webhook_url: Annotated[
        Webhook,
        Option(
            "OPENPOOL_ALERT_WEBHOOK_URL", "URL", "Where failed runs are posted to.", shown="hidden"
        ),
    ] = None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.events_dir is not None and self.s3_bucket is not None:
            raise ValueError(
                f'OPENPOOL_EVENTS_DIR is "{self.events_dir}" and S3_BUCKET is "{self.s3_bucket}", '
                "but the event log has one source: unset one of the two."
            )
        if self.metrics_dir is not None and self.s3_metrics_bucket is not None:
            raise ValueError(
                f'OPENPOOL_METRICS_DIR is "{self.metrics_dir}" and S3_METRICS_BUCKET is '
                f'"{self.s3_metrics_bucket}", but documents are published in one place: unset one '
                "of the two."
            )
        if self.s3_archive_bucket is not None and self.s3_archive_bucket == self.s3_bucket:
            raise ValueError(
                f'S3_ARCHIVE_BUCKET and S3_BUCKET are both "{self.s3_bucket}", but an archive must '
                "outlive the event log: set S3_ARCHIVE_BUCKET to another bucket."
            )
        if (self.aws_access_key_id is None) != (self.aws_secret_access_key is None):
            raise ValueError(
                "Only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set: set both or none."
            )
        return self

    @property
    def publishes(self) -> bool:
        """Whether there is a place to publish documents in."""
        return self.metrics_dir is not None or self.s3_metrics_bucket is not None

    @property
    def fee_bps(self) -> int:
        """The commission rate in basis points."""
        return int(self.pool_commission_rate * 10_000)
