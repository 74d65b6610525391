"""worker_summary and pool_report: the same wei as the ledger, its documents and the chain."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.assets.charts import LONGEST_BYTES, days_chart
from openpool_management.assets.worker_summary import TOTALS
from openpool_management.domain.money import format_eth
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.assets.payout_bench import PayoutBench, shown
from openpool_management_tests.assets.workbench import Workbench
from openpool_management_tests.conftest import DATA
from openpool_management_tests.payout_rig import DAY

CAP_WEI = 2 * 10**15
BALANCE = ("earned_wei", "paid_wei", "in_payout_wei", "payable_wei")
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")


@pytest.fixture
def paying(pays: PayoutBench, tmp_path: Path) -> PayoutBench:
    """Real events and simulated ones; most workers were paid, of some it is not final."""
    pays.rig.scratch.sync(DirectorySource(DATA / "events"))
    bench = pays.with_options(
        payment_threshold_wei=CAP_WEI,
        payout_max_wei=CAP_WEI,
        metrics_dir=tmp_path / "published",
        pages_url="https://pool.example/",
    ).at_time(DAY)
    assert bench.pay().success
    bench.anvil.finalize()
    assert bench.settle().success
    bench.rig.next_day()
    # Not the period of today, whatever day it is.
    bench.rig.pay("2020-01-01")
    assert set(bench.rig.states()) == {PayoutState.SETTLED, PayoutState.SEEN}
    return bench


def analytics(bench: Workbench) -> dict[str, dict[str, Any]]:
    """The metadata of both assets."""
    result = bench.defs.resolve_job_def("performance_job").execute_in_process(
        instance=bench.instance
    )
    assert result.success
    return {name: shown(result, name) for name in ("worker_summary", "pool_report")}


def published(bench: Workbench) -> dict[str, Any]:
    """The documents that published_exports writes, by key."""
    assert bench.defs.resolve_job_def("publish_job").execute_in_process(instance=bench.instance)
    root = bench.settings.metrics_dir
    assert root is not None
    return {
        path.relative_to(root).as_posix(): json.loads(path.read_text())
        for path in root.rglob("*.json")
    }


def assert_small_picture(markdown: str) -> None:
    text = markdown.partition("base64,")[2].rstrip(")")
    assert 0 < len(text) <= LONGEST_BYTES
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        assert image.format == "PNG" and image.width > 300


def test_every_worker_states_what_ledger_documents_and_chain_state(paying: PayoutBench) -> None:
    bench = paying.dagster
    summary, ledger, files = analytics(bench)["worker_summary"], bench.document(), published(bench)
    rows = {row["worker"]: row for row in summary["workers by what they earned"]}
    documents = {one["address"]: one for key, one in files.items() if key.startswith("workers/")}
    assert rows.keys() == documents.keys() >= ledger["balances"].keys()
    for worker, row in rows.items():
        own, said = documents[worker], ledger["balances"].get(worker, dict.fromkeys(BALANCE, "0"))
        assert {name: row[name] for name in BALANCE} == said == own["balance"]
        assert (row["verdict"], row["reason"]) == (
            own["next_payment"]["verdict"],
            own["next_payment"]["reason"],
        )
        streams = [
            one["workers"][worker] for one in ledger["streams"].values() if worker in one["workers"]
        ]
        assert row["jobs"] == sum(one["jobs"] for one in streams)
        for name, part in (("fees_wei", "gross_wei"), ("commission_wei", "commission_wei")):
            assert int(row[name]) == sum(int(one[part]) for one in streams)
        units: dict[str, int] = {}
        for one in streams:
            for pipeline, some in one["compute_units"].items():
                units[pipeline] = units.get(pipeline, 0) + some
        assert json.loads(row["compute_units"]) == {name: str(n) for name, n in units.items()}
        # The chain is ahead of the ledger by what is in a block and not final.
        held_wei = paying.anvil.balance_wei(worker)
        assert held_wei == int(row["paid_wei"]) + int(row["in_payout_wei"])
        assert (row["last_payment_at"] is None) == (row["paid_wei"] == "0")
    for name in TOTALS:
        assert int(summary[name]) == sum(int(row[name]) for row in rows.values())
    assert int(summary["fees_wei"]) == int(summary["commission_wei"]) + int(summary["earned_wei"])
    assert "in-flight" in {row["verdict"] for row in rows.values()}
    assert summary["page"] == "https://pool.example/workers"
    assert_small_picture(summary["paid and owed"])


def test_the_pool_states_what_its_document_states(paying: PayoutBench) -> None:
    bench = paying.dagster
    found = analytics(bench)
    report, summary, pool = (
        found["pool_report"],
        found["worker_summary"],
        published(bench)["pool.json"],
    )
    assert {row["amount"]: row["wei"] or None for row in report["money"]} == pool["money"]
    for row in report["money"]:
        assert row["ETH"] == (format_eth(int(row["wei"])) if row["wei"] else "")
    assert report["solvency"] == pool["solvency"]["sentence"]
    names = list(report["streams"][0])
    assert report["streams"] == [{name: one[name] for name in names} for one in pool["streams"]]
    assert len(report["streams"]) == 3
    assert sum(int(one["earned_wei"]) for one in report["streams"]) == int(summary["earned_wei"])
    assert sum(int(one["paid_wei"]) for one in report["streams"]) == int(summary["paid_wei"]) > 0
    states = paying.rig.states()
    assert report["payouts made"] == states.count(PayoutState.SETTLED)
    assert report["payouts under way"] == states.count(PayoutState.SEEN)
    assert (report["payouts"], report["payouts paused"]) == ("live", False)
    assert report["workers online"] == pool["workers_online"] == summary["workers online"] > 0
    days = report["fees of the last 30 days"]
    assert sum(int(one["fees_wei"]) for one in days) == int(summary["fees_wei"])
    assert {one["stream"] for one in days} == {one["stream"] for one in report["streams"]}
    assert report["page"] == "https://pool.example/"
    assert report["page of the data quality"] == "https://pool.example/quality"
    assert_small_picture(report["fees by day"])


def test_no_connection_s_address_is_in_any_metadata(real_bench: Workbench) -> None:
    real_bench.run_until_quiet()
    text = json.dumps(analytics(real_bench))
    with real_bench.pool() as pool:
        addresses = {
            fact.connection
            for stream in pool.books.event_totals()
            for fact in pool.presence.changes(stream)
        } - {""}
    assert addresses and not [one for one in addresses if one in text]
    assert _IP.findall(text) == []
    assert "page" not in json.loads(text)["worker_summary"]


def test_an_empty_ledger_has_both_pages(bench: Workbench) -> None:
    found = analytics(bench)
    assert found["worker_summary"]["workers"] == 0
    assert found["worker_summary"]["earned_wei"] == "0"
    assert found["pool_report"]["streams"] == []
    assert "fees by day" not in found["pool_report"]


def test_days_and_many_streams_make_a_small_picture() -> None:
    import pandas as pd

    rows = [
        (f"2026-11-{day + 1:02}", f"ai|region-$-{stream}", str((day * stream - 9) * 10**18))
        for day in range(30)
        for stream in range(40)
    ]
    assert_small_picture(days_chart(pd.DataFrame(rows, columns=["date", "stream", "fees_wei"])))
