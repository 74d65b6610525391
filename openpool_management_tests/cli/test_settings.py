from openpool_management.settings import Settings
from openpool_management_tests.cli.conftest import Command

SECRETS = {
    "OPENPOOL_LEDGER_URL": "postgresql+psycopg://pool:hush-ledger@127.0.0.1/ledger",
    "AWS_ACCESS_KEY_ID": "hush-key",
    "AWS_SECRET_ACCESS_KEY": "hush-secret",
    "AWS_SESSION_TOKEN": "hush-token",
    "OPENPOOL_ALERT_WEBHOOK_URL": "https://alerts.example/hush-hook",
}


def test_every_option_is_shown_and_no_secret(openpool: Command) -> None:
    as_json = openpool("settings", "--json", S3_BUCKET="pool-events", **SECRETS)
    as_table = openpool("settings", S3_BUCKET="pool-events", **SECRETS)
    assert as_json.code == as_table.code == 0
    rows = {row["name"]: row for row in as_json.json}
    assert len(rows) == len(Settings.model_fields)
    assert rows["S3_BUCKET"]["value"] == "pool-events"
    assert set(rows["S3_BUCKET"]) == {"name", "value", "default", "unit", "description"}
    assert "hush" not in as_json.stdout + as_table.stdout
    for name in rows:
        assert name in as_table.stdout


def test_wrong_settings_are_sentences(openpool: Command) -> None:
    ran = openpool(
        "settings", "--json", POOL_COMMISSION_RATE="25", OPENPOOL_HOMME="home", S3_BUCKET="pool"
    )
    assert ran.code == 2
    assert ran.stdout == ""
    lines = ran.stderr.splitlines()
    assert len(lines) == 2
    assert "OPENPOOL_HOMME is not an option; did you mean OPENPOOL_HOME?" in lines
    assert any('POOL_COMMISSION_RATE is "25"' in line for line in lines)
