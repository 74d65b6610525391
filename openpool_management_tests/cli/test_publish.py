"""``openpool publish`` on real objects and a real chain: every document, and that all agree."""

import csv
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.domain.money import format_eth
from openpool_management_tests.cli.conftest import Command
from openpool_management_tests.cli.payout_counter import Counter
from openpool_management_tests.payout_rig import worker_address
from openpool_management_tests.press import BOTH, Press
from openpool_management_tests.servers.anvil import AnvilServer

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

SCHEMAS = {
    "worker_summary": r"[^/]+/(ai|transcode)/worker_summary\.json",
    "worker_performance": r"[^/]+/(ai|transcode)/worker_performance\.json",
    "pool": r"pool\.json",
    "payouts": r"payouts\.json",
    "ranking": r"ranking\.json",
    "quality": r"quality\.json",
    "worker": r"workers/0x[0-9a-fA-F]{40}\.json",
    "statement": r"statements/0x[0-9a-fA-F]{40}/\d{4}-\d\d\.json",
}
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")


def documents(press: Press, name: str) -> dict[str, Any]:
    """The documents of a schema by key."""
    root = press.directory
    keys = (path.relative_to(root).as_posix() for path in root.rglob("*.json"))
    return {key: press.document(key) for key in keys if re.fullmatch(SCHEMAS[name], key)}


@pytest.fixture
def press(counter: Counter, anvil: AnvilServer, real_events_dir: Path, tmp_path: Path) -> Press:
    """Some payouts are final, some are in a block only, and something was earned since."""
    return Press.over(counter, anvil, real_events_dir, tmp_path / "published")


def test_every_document_fits_its_schema_and_none_has_an_address(press: Press) -> None:
    report = press.publish()
    found = {path.relative_to(press.directory).as_posix() for path in press.directory.rglob("*.*")}
    assert found == set(report["written"]) and report["kept"] == report["unchanged"] == []
    checked: set[str] = set()
    for name in SCHEMAS:
        schema = json.loads(
            (files("openpool_management") / "schemas" / f"{name}.schema.json").read_text()
        )
        Draft202012Validator.check_schema(schema)
        found_documents = documents(press, name)
        assert found_documents
        for key, document in found_documents.items():
            assert list(Draft202012Validator(schema).iter_errors(document)) == [], key
        checked |= found_documents.keys()
    assert {key for key in found if key.endswith(".json")} == checked
    for key in found:
        assert _IP.findall((press.directory / key).read_text()) == [], key


def test_all_documents_state_what_the_ledger_states(press: Press) -> None:
    press.publish()
    command = press.counter.command
    ledger = command("ledger", "--json").json
    solvency = command("solvency", "--json").json
    listed = {one["id"]: one for one in press.counter.json("list", "--limit", "99")["payouts"]}
    states = {one["state"] for one in listed.values()}
    assert states == {"settled", "seen"}
    pool, payouts = press.document("pool.json"), press.document("payouts.json")
    assert pool["money"] == {name: solvency[name] for name in pool["money"]}
    assert {one["address"]: _balance(one) for one in pool["workers"]} == ledger["balances"]
    for one in payouts["payouts"]:
        said = listed.pop(one["id"])
        assert (one["amount_wei"], one["state"]) == (said["amount_wei"], said["state"])
        assert one["transaction_hash"] == said["tx_hash"]
        assert one["explorer_url"] == f"https://arbiscan.io/tx/{said['tx_hash']}"
        assert one["final"] == (said["state"] == "settled")
        assert sum(int(share["amount_wei"]) for share in one["shares"]) == int(one["amount_wei"])
    assert listed == {}
    [over_both] = [one for one in payouts["payouts"] if len(one["shares"]) > 1]
    assert (over_both["worker"], over_both["state"]) == (BOTH, "seen")
    by_worker: dict[str, list[int]] = {}
    for key, summary in documents(press, "worker_summary").items():
        _check_summary(summary["data"], ledger["streams"], pool, by_worker)
        assert key.split("/")[:2] == [summary["data"]["region"], summary["data"]["node_type"]]
        performance = press.document(key.replace("summary", "performance"))
        _check_performance(performance, summary["data"]["workers"])
    for worker, balance in ledger["balances"].items():
        earned_wei, paid_wei, pending_wei = by_worker[worker]
        assert str(earned_wei) == balance["earned_wei"]
        assert str(paid_wei) == balance["paid_wei"]
        assert pending_wei == int(balance["payable_wei"]) + int(balance["in_payout_wei"])
        _check_worker(press, worker, balance)


def _balance(row: dict[str, Any]) -> dict[str, str]:
    return {name: row[name] for name in ("earned_wei", "paid_wei", "in_payout_wei", "payable_wei")}


def _check_summary(
    data: dict[str, Any], streams: Any, pool: Any, by_worker: dict[str, list[int]]
) -> None:
    """A summary against the ledger's stream; adds up what each worker has over all streams."""
    name = f"{data['node_type']}|{data['region']}"
    in_ledger, total = streams[name]["workers"], data["aggregates"]
    assert data["workers"].keys() == in_ledger.keys()
    for worker, row in data["workers"].items():
        said = in_ledger[worker]
        assert row["total_fees_wei"] == said["gross_wei"] == str(row["total_fees"])
        assert row["worker_earnings_wei"] == said["net_wei"]
        assert row["pool_commission_wei"] == said["commission_wei"]
        settled = [one for one in row["payment_history"] if one["status"] == "settled"]
        assert row["total_fees_paid"] == sum(one["amount"] for one in settled)
        assert row["pending_fees"] == row["worker_earnings"] - row["total_fees_paid"]
        assert row["pending_eth"] == format_eth(row["pending_fees"])
        assert row["payment_count"] == len(settled)
        sums = by_worker.setdefault(worker, [0, 0, 0])
        for place, part in enumerate(("worker_earnings", "total_fees_paid", "pending_fees")):
            sums[place] += row[part]
    [row] = [one for one in pool["streams"] if one["stream"] == name]
    for part, said in (
        ("fees_wei", "total_fees"),
        ("earned_wei", "total_worker_earnings"),
        ("commission_wei", "total_pool_commission"),
        ("paid_wei", "total_fees_paid"),
        ("owed_wei", "total_pending_fees"),
    ):
        assert row[part] == total[f"{said}_wei"] == str(total[said])
        of_workers = said.replace("total_", "", 1)
        names = {"fees": "total_fees", "fees_paid": "total_fees_paid"}
        column = names.get(of_workers, of_workers)
        assert total[said] == sum(worker[column] for worker in data["workers"].values())


def _check_performance(performance: dict[str, Any], workers: dict[str, Any]) -> None:
    """Fees and rankings of a stream's performance against its summary."""
    rows = performance[f"{performance['node_type']}_performance"]
    sums_wei: dict[str, int] = {}
    for row in rows:
        assert row["total_fees_wei"] == str(row["total_fees"])
        sums_wei[row["worker_address"]] = sums_wei.get(row["worker_address"], 0) + row["total_fees"]
    assert sums_wei == {worker: row["total_fees"] for worker, row in workers.items()}
    rankings = performance["ai_model_pipeline_rankings"]
    ranked = [row for ranking in rankings.values() for row in ranking]
    of_ai = rows if performance["node_type"] == "ai" else []
    assert sorted(ranked, key=_rank) == sorted(of_ai, key=_rank)
    for name, ranking in rankings.items():
        assert {row["model_pipeline"] for row in ranking} == {name}
        assert [row["rank"] for row in ranking] == sorted(row["rank"] for row in ranking)


def _rank(row: dict[str, Any]) -> tuple[str, int, str]:
    return row["model_pipeline"], row["rank"], row["worker_address"]


def _check_worker(press: Press, worker: str, balance: dict[str, str]) -> None:
    """A worker's page and its statements against the balance."""
    document = press.document(f"workers/{worker}.json")
    assert document["balance"] == balance
    assert sum(int(one["net_wei"]) for one in document["earnings"]) == int(balance["earned_wei"])
    assert document["next_payment"]["reason"]
    before = "0"
    for month in document["statements"]:
        key = f"statements/{worker}/{month}"
        statement = press.document(f"{key}.json")
        assert statement["opening_wei"] == before
        before = statement["closing_wei"]
        rows = list(csv.DictReader((press.directory / f"{key}.csv").read_text().splitlines()))
        amounts_wei = [int(row["amount_wei"]) for row in rows[1:-1]]
        assert int(rows[0]["balance_wei"]) + sum(amounts_wei) == int(before)
        assert rows[-2]["balance_wei"] == rows[-1]["balance_wei"] == before
    assert before == balance["payable_wei"]


@pytest.mark.usefixtures("one_day")
def test_only_what_changed_is_written_again(press: Press) -> None:
    first = press.publish()
    paid = press.document("payouts.json")
    # The wallet on the chain stands at its finalized block, so nothing moves by itself.
    assert _without_ranking(press.publish()["written"]) == []
    press.anvil.finalize()
    press.counter.json("settle")
    second = press.publish()
    assert "payouts.json" in second["written"] and second["unchanged"]
    assert len(second["written"]) + len(second["unchanged"]) == len(first["written"])
    written = {key for key in second["written"] if not key.endswith(".html")}
    kept = {key.split("/", 2)[2] for key in second["kept"]}
    assert kept - {"ranking.json"} == written - {"ranking.json"} < set(second["written"])
    [before] = [key for key in second["kept"] if key.endswith("/payouts.json")]
    assert press.document(before) == paid
    assert {one["state"] for one in press.document("payouts.json")["payouts"]} == {"settled"}


def test_who_is_due_and_waits_for_an_approval_is_told_so(press: Press) -> None:
    worker = worker_address(50)
    press.counter.earn(worker)
    press.counter.rig.scratch.sync(DirectorySource(press.counter.events), full=True)
    path = f"workers/{worker}.json"
    for limit_wei, told in ((0, "waits until the pool's operator has approved"), (10**30, "next")):
        press.counter.options["OPENPOOL_PAYOUT_APPROVAL_WEI"] = limit_wei
        press.publish()
        payment = press.document(path)["next_payment"]
        assert payment["verdict"] == "pay" and told in payment["reason"]


def test_people_see_what_was_written(
    openpool: Command, real_events_dir: Path, tmp_path: Path
) -> None:
    place = {"OPENPOOL_METRICS_DIR": tmp_path / "published"}
    openpool("sync", OPENPOOL_EVENTS_DIR=real_events_dir)
    told = openpool("publish", **place).stdout
    assert "oceania/transcode/worker_summary.json\n" in told and ", 0 unchanged." in told
    told = openpool("publish", **place).stdout
    assert "oceania" not in told and " documents written to " in told


def test_an_empty_pool_is_published(openpool: Command, tmp_path: Path) -> None:
    ran = openpool("publish", "--json", OPENPOOL_METRICS_DIR=tmp_path / "published")
    assert ran.json["written"] == [
        *("pool.json", "payouts.json", "ranking.json", "quality.json"),
        *("pages/pages.css", "pages/pages.js", "pages/icon.svg", "index.html", "quality.html"),
        *("ranking-24h.html", "ranking-7d.html", "ranking-30d.html", "ranking-all.html"),
        *("workers.html", "payouts.html"),
    ]


def test_without_a_place_it_says_what_to_set(openpool: Command, tmp_path: Path) -> None:
    ran = openpool("publish")
    assert ran.code == 2
    assert "set S3_METRICS_BUCKET to a bucket, or OPENPOOL_METRICS_DIR" in ran.stderr
    both = openpool("publish", OPENPOOL_METRICS_DIR=tmp_path, S3_METRICS_BUCKET="metrics")
    assert both.code == 2 and "unset one of the two" in both.stderr


@pytest.mark.usefixtures("one_day")
def test_a_bucket_holds_the_same_documents(
    openpool: Command,
    real_events_dir: Path,
    tmp_path: Path,
    moto_endpoint: str,
    moto_client: "S3Client",
    bucket: str,
) -> None:
    store = {
        "S3_METRICS_BUCKET": bucket,
        "S3_ENDPOINT": moto_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    openpool("sync", OPENPOOL_EVENTS_DIR=real_events_dir)
    written = openpool("publish", "--json", **store).json["written"]
    listed = moto_client.list_objects_v2(Bucket=bucket)["Contents"]
    assert sorted(written) == [one["Key"] for one in listed]
    openpool("publish", OPENPOOL_METRICS_DIR=tmp_path / "published")
    for key in _without_ranking(written):
        there = moto_client.get_object(Bucket=bucket, Key=key)["Body"].read()
        here = (tmp_path / "published" / key).read_bytes()
        assert _untimed(there) == _untimed(here)
    assert _without_ranking(openpool("publish", "--json", **store).json["written"]) == []
    wrong = openpool("publish", **(store | {"S3_METRICS_BUCKET": "not-there"}))
    assert wrong.code == 4 and "s3://not-there" in wrong.stderr


def _without_ranking(keys: list[str]) -> list[str]:
    """Keys without those of the ranking, in which a share of time moves with the clock."""
    return [key for key in keys if not key.startswith("ranking")]


def _untimed(content: bytes) -> bytes:
    return re.sub(rb'"export_timestamp": "[^"]*"|<span id="as-of">.*?</span>', b"", content)
