"""The servers that other tests run on do what those tests trust them to do."""

import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from openpool_management_tests.servers.dagster_dev import DagsterDev
from openpool_management_tests.servers.process import ServerProcess

CODE = """
import dagster as dg

@dg.asset
def one() -> int:
    return 1

defs = dg.Definitions(assets=[one])
"""


def dagster_env(home: Path) -> dict[str, str]:
    """An environment with nothing in it but what a process needs, and DAGSTER_HOME."""
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }


def test_ledger_databases_are_empty_and_work(ledger_url: str) -> None:
    engine = sqlalchemy.create_engine(ledger_url)
    with engine.begin() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.execute(sqlalchemy.text("CREATE TABLE t (n INTEGER)"))
        connection.execute(sqlalchemy.text("INSERT INTO t VALUES (7)"))
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT n FROM t")).scalar_one() == 7
    engine.dispose()


def test_real_objects_and_what_they_add_up_to_belong_together(
    real_events_copy: Path, expected_ledger: dict[str, Any]
) -> None:
    folders = {
        f"{path.name}|{path.parent.name}" for path in real_events_copy.glob("*/*") if path.is_dir()
    }
    assert folders == set(expected_ledger)


def test_a_process_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no luck today'); raise SystemExit(3)"]
    process = ServerProcess(command, log=tmp_path / "log")
    with pytest.raises(RuntimeError, match=r"(?s)ended with code 3.*no luck today"):
        process.wait_ready(lambda: False, 30)


def test_stop_ends_grandchildren_and_those_that_ignore_it(tmp_path: Path) -> None:
    code = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = "import time; print('up', flush=True); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", child])
        time.sleep(600)
    """
    process = ServerProcess([sys.executable, "-c", textwrap.dedent(code)], log=tmp_path / "log")
    process.wait_ready(lambda: "up" in process.log_tail(), 30)
    process.stop(grace_seconds=0.2)
    process.wait_gone(30)


def test_dagster_dev_serves_its_code_and_ends_with_all_it_started(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(CODE)
    with DagsterDev(
        env=dagster_env(tmp_path / "home"),
        cwd=tmp_path,
        log=tmp_path / "log",
        arguments=["-f", "tiny.py"],
    ) as dagster:
        answer = dagster.graphql(
            "query($path: [String!]!) {"
            " assetNodes(assetKeys: [{path: $path}]) { assetKey { path } } }",
            {"path": ["one"]},
        )
        assert answer == {"assetNodes": [{"assetKey": {"path": ["one"]}}]}
        with pytest.raises(RuntimeError, match="GraphQL answered"):
            dagster.graphql("{ noSuchField }")
    dagster.process.wait_gone(30)


def test_code_that_does_not_load_stops_dagster_dev_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError('on purpose')")
    with pytest.raises(RuntimeError, match="on purpose"):
        DagsterDev(
            env=dagster_env(tmp_path / "home"),
            cwd=tmp_path,
            log=tmp_path / "log",
            arguments=["-f", "broken.py"],
        )
