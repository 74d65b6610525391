from pathlib import Path

from openpool_management_tests.cli.conftest import Command


def test_a_pool_in_order_has_no_error(openpool: Command, real_events_dir: Path) -> None:
    openpool("sync", OPENPOOL_EVENTS_DIR=real_events_dir)
    ran = openpool("doctor", "--json", OPENPOOL_EVENTS_DIR=real_events_dir)
    assert ran.code == 0
    subjects = {finding["subject"] for finding in ran.json}
    assert {"settings", "event log", "versioning", "clock", "ledger", "lake"} <= subjects
    assert "error" not in {finding["level"] for finding in ran.json}
    for finding in ran.json:
        assert finding["remedy"] or finding["level"] == "ok"


def test_a_bucket_without_versions_is_a_warning(
    openpool: Command, moto_endpoint: str, bucket: str
) -> None:
    ran = openpool(
        "doctor",
        "--json",
        S3_BUCKET=bucket,
        S3_ENDPOINT=moto_endpoint,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
    )
    assert ran.code == 0
    (versioning,) = [finding for finding in ran.json if finding["subject"] == "versioning"]
    assert versioning["level"] == "warning"
    assert versioning["remedy"]


def test_what_does_not_work_is_an_error_with_a_remedy(openpool: Command) -> None:
    url = "postgresql+psycopg://pool:hush-hush@127.0.0.1:9/ledger"
    for arguments in (("doctor", "--json"), ("doctor",)):
        ran = openpool(*arguments, OPENPOOL_LEDGER_URL=url)
        assert ran.code == 1
        assert "S3_BUCKET" in ran.stdout
        assert "OPENPOOL_LEDGER_URL" in ran.stdout
        assert "hush-hush" not in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr


def test_wrong_settings_are_told_first(openpool: Command) -> None:
    ran = openpool("doctor", "--json", MAX_FILES_PER_BATCH="many")
    assert ran.code == 2
    assert ran.stdout == ""
    assert "MAX_FILES_PER_BATCH" in ran.stderr
