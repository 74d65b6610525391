"""An object that the store won't give out is left unread, told about, and read when it will."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from openpool_management.adapters.s3_client import s3_client
from openpool_management.adapters.s3_source import S3Source
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.servers.fault_proxy import Fault, FaultProxy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def test_object_refused_then_given(
    ledger_url: str,
    tmp_path: Path,
    real_events_dir: Path,
    moto_endpoint: str,
    moto_client: "S3Client",
    bucket: str,
    expected_ledger: dict[str, Any],
) -> None:
    paths = sorted(real_events_dir.rglob("*.json"))
    keys = [path.relative_to(real_events_dir).as_posix() for path in paths]
    for name, path in zip(keys, paths, strict=True):
        moto_client.put_object(Bucket=bucket, Key=name, Body=path.read_bytes())
    refused = {keys[1], keys[9], keys[10]}

    def choose(path: str) -> Fault | None:
        named = unquote(urlsplit(path).path).removeprefix(f"/{bucket}/")
        return Fault(status=403, code="AccessDenied") if named in refused else None

    with (
        FaultProxy(moto_endpoint, choose) as proxy,
        ScratchLedger(ledger_url, tmp_path / "lake") as scratch,
    ):
        client = s3_client(
            endpoint_url=proxy.endpoint_url, access_key_id="test", secret_access_key="test"
        )
        outcomes = scratch.sync(S3Source(client, bucket, threads=4), batch_objects=3)
        unread = [one for outcome in outcomes for one in outcome.unread]
        assert {one.ref.key for one in unread} == refused
        for one in unread:
            assert one.error is not None
            assert one.ref.key in one.error and "AccessDenied" in one.error
        assert scratch.picture().document["streams"] != expected_ledger

        again = scratch.sync(S3Source(client, bucket, threads=4))
        assert {one.ref.key for outcome in again for one in outcome.unread} == refused
        assert [outcome.batch for outcome in again] == [None] * len(again)

        refused.clear()
        later = scratch.sync(S3Source(client, bucket, threads=4))
        assert not any(outcome.unread for outcome in later)
        assert scratch.picture().document["streams"] == expected_ledger
        client.close()
