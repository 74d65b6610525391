import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openpool_management.cli import output
from openpool_management_tests.cli.conftest import CHECKOUT, Command, clean_environment


def test_the_real_log_adds_up_to_the_expected_ledger(
    tmp_path: Path, real_events_dir: Path, expected_ledger: dict[str, Any]
) -> None:
    """In processes of their own, as an operator runs it."""
    environment = clean_environment(tmp_path, {"OPENPOOL_EVENTS_DIR": real_events_dir})

    def openpool(*arguments: str) -> str:
        command = [sys.executable, "-m", "openpool_management.cli", *arguments]
        ran = subprocess.run(
            command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=True
        )
        assert ran.stderr == ""
        return ran.stdout

    openpool("sync")
    document = json.loads(openpool("ledger", "--json"))
    assert set(document) == {"streams", "balances", "held"}
    assert document["streams"] == expected_ledger
    assert document["held"] == 0
    workers = [stream["workers"] for stream in expected_ledger.values()]
    for address, balance in document["balances"].items():
        earned_wei = sum(int(of[address]["net_wei"]) for of in workers if address in of)
        assert balance == {
            "earned_wei": str(earned_wei),
            "paid_wei": "0",
            "in_payout_wei": "0",
            "payable_wei": str(earned_wei),
        }


def test_the_tables_show_exact_amounts(
    openpool: Command, real_events_dir: Path, expected_ledger: dict[str, Any]
) -> None:
    openpool("sync", OPENPOOL_EVENTS_DIR=real_events_dir)
    workers = expected_ledger["ai|us-central"]["workers"]
    in_eth, in_wei = openpool("ledger"), openpool("ledger", "--wei")
    assert in_eth.code == in_wei.code == 0
    for address, worker in workers.items():
        for ran in (in_eth, in_wei):
            assert address in ran.stdout
        assert worker["net_wei"] in in_wei.stdout
        assert "0." + worker["net_wei"].zfill(18).rstrip("0") in in_eth.stdout
        assert f"{worker['compute_units']['llm']:,}" in in_eth.stdout
        assert f"{address[:6]}…{address[-4:]}" in in_eth.stdout
    assert in_eth.stdout.startswith("Balances in ETH")


def test_at_80_columns_addresses_stay_whole(
    openpool: Command,
    real_events_dir: Path,
    expected_ledger: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    openpool("sync", OPENPOOL_EVENTS_DIR=real_events_dir)
    monkeypatch.setattr(output, "PIPE_COLUMNS", 80)
    lines = openpool("ledger").stdout.splitlines()
    assert max(map(len, lines)) == 80
    shown = "\n".join(lines)
    for name, stream in expected_ledger.items():
        assert f"Work of {name}" in shown
        for address, worker in stream["workers"].items():
            assert address in shown
            for units in worker["compute_units"].values():
                assert f"{units:,}" in shown


def test_an_empty_ledger_says_what_to_do(openpool: Command) -> None:
    ran = openpool("ledger")
    assert ran.code == 0
    assert "openpool sync" in ran.stdout
    assert openpool("ledger", "--json").json == {"streams": {}, "balances": {}, "held": 0}


def test_an_unreachable_database_is_a_sentence_without_its_password(openpool: Command) -> None:
    url = "postgresql+psycopg://pool:hush-hush@127.0.0.1:9/ledger"
    ran = openpool("ledger", "--json", OPENPOOL_LEDGER_URL=url)
    assert ran.code == 4
    assert ran.stdout == ""
    assert "OPENPOOL_LEDGER_URL" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "hush-hush" not in ran.stderr


def test_a_file_that_is_no_database_is_a_sentence(openpool: Command, tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(b"this is a letter, not a ledger\n" * 100)
    ran = openpool("ledger", OPENPOOL_LEDGER_URL=f"sqlite:///{file}")
    assert ran.code == 4
    assert "not a database" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_home_that_cannot_be_made_is_a_sentence(openpool: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = openpool("ledger", OPENPOOL_HOME=tmp_path / "file" / "home")
    assert ran.code == 4
    assert str(tmp_path / "file") in ran.stderr
