"""Every figure for Prometheus, against the published documents."""

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from openpool_management.domain.holds import HoldReason
from openpool_management.export_desk import ExportDesk
from openpool_management.payout_desk import PayoutDesk
from openpool_management.pool import Pool
from openpool_management.server.metrics import PoolFigures, wallet_days
from openpool_management.server.snapshots import Snapshots
from openpool_management.services.exports.material import StreamQuality
from openpool_management.services.payouts.wallet_report import report_wallet
from openpool_management_tests.cli.conftest import CHECKOUT
from openpool_management_tests.log_objects import AI
from openpool_management_tests.server.apps import NOW, client_of, nothing_at
from openpool_management_tests.server.conftest import PaidPool, Served
from openpool_management_tests.server.test_http import in_process

Samples = dict[tuple[str, str], float]


def samples(text: str) -> Samples:
    """Values by name and label. Each metric is described, and no label tells a worker."""
    found: Samples = {}
    for family in parsed(text):
        assert family.documentation and family.type == "gauge"
        assert ("rounded" in family.documentation) == family.name.endswith("_wei")
        for one in family.samples:
            assert one.labels.keys() <= {"stream", "reason"}
            [label] = one.labels.values() or [""]
            found[one.name, label] = one.value
    return found


def seconds_since(text: str | None) -> float:
    assert text is not None
    return (datetime.now().astimezone() - datetime.fromisoformat(text)).total_seconds()


def test_figures_are_those_of_the_documents(server: Served, published: dict[str, bytes]) -> None:
    answer = server.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.text)
    pool: Any = json.loads(published["pool.json"])
    quality: Any = json.loads(published["quality.json"])
    payouts: Any = json.loads(published["payouts.json"])["payouts"]
    expected: Samples = {
        (f"openpool_{name}_wei", ""): float(pool["money"][f"{name}_wei"])
        for name in ("earned", "paid", "owed", "in_payout", "wallet")
    }
    assert all(expected.values())
    held = dict.fromkeys((one.value for one in HoldReason), 0) | {
        one["reason"]: one["items"] for one in quality["held"]
    }
    expected |= {("openpool_held_items", reason): items for reason, items in held.items()}
    ages: Samples = {}
    for one in quality["streams"]:
        name = one["stream"]
        expected["openpool_unattributed_jobs", name] = one["unattributed_jobs"]
        expected["openpool_unattributed_wei", name] = float(one["unattributed_wei"])
        ages["openpool_read_age_seconds", name] = seconds_since(one["read_at"])
        ages["openpool_ingest_lag_seconds", name] = seconds_since(one["newest_object_at"])
    [in_flight] = [one for one in payouts if not one["final"]]
    expected["openpool_payouts_in_flight", ""] = 1
    ages["openpool_payout_in_flight_oldest_seconds", ""] = seconds_since(in_flight["created_at"])
    exported = server.json("/api/v1/status")["export_timestamp"]
    ages["openpool_snapshot_age_seconds", ""] = seconds_since(exported)
    expected["openpool_snapshot_failing", ""] = 0
    expected["openpool_workers_online", ""] = pool["workers_online"]
    days = found.pop(("openpool_wallet_days", ""))
    assert days > 0 and days == int(days)
    assert {key: value for key, value in found.items() if key not in ages} == expected
    for key, age in ages.items():
        # The documents were asked for after the figures.
        assert age - 120 < found.pop(key) <= age, key


def test_the_days_of_the_wallet_are_those_of_its_asset(paid_pool: PaidPool) -> None:
    pool = Pool(paid_pool.settings, read_only=True)
    desk = PayoutDesk(pool)
    made = ExportDesk(desk).publication()
    reserve_wei = paid_pool.settings.wallet_reserve_wei
    report = report_wallet(desk.planner, desk.sender(), None, 42161, made.material.made_at)
    assert report.ledger_wei is not None and report.month_wei
    solvency = made.material.solvency
    assert solvency.chain_wei is not None
    assert (
        wallet_days(made.material, reserve_wei)
        == max(solvency.chain_wei - report.in_payout_wei - reserve_wei, 0) * 30 // report.month_wei
    )
    pool.engine.dispose()


def test_what_is_not_known_has_no_sample() -> None:
    [answer] = in_process(client_of(), "/metrics")
    found = samples(answer.text)
    assert ("openpool_wallet_wei", "") not in found and ("openpool_wallet_days", "") not in found
    assert found["openpool_earned_wei", ""] == found["openpool_payouts_in_flight", ""] == 0


def test_ages_go_on_after_the_documents_were_made() -> None:
    material = nothing_at(NOW).material
    material.ledger.read_at[AI] = NOW - timedelta(seconds=5)
    material.quality[AI] = StreamQuality(NOW - timedelta(seconds=9), (), ())
    later = NOW + timedelta(seconds=100)
    figures = PoolFigures(Snapshots(lambda: nothing_at(NOW), 60), material, 0, later)
    found = {one.name: one.samples[0].value for one in figures.collect() if one.samples}
    assert found["openpool_snapshot_age_seconds"] == 100
    assert found["openpool_read_age_seconds"] == 105
    assert found["openpool_ingest_lag_seconds"] == 109


def test_a_label_may_hold_anything() -> None:
    publication = nothing_at(NOW)
    odd = 'a"b\\c\nd'
    publication.material.held[odd] = 3
    [answer] = in_process(client_of(lambda: publication), "/metrics")
    assert samples(answer.text)["openpool_held_items", odd] == 3


def test_the_scrape_of_a_pool_without_a_ledger_says_that_it_fails(server: Served) -> None:
    def names(text: str) -> Iterable[str]:
        return [family.name for family in parsed(text)]

    figures = PoolFigures(Snapshots(lambda: nothing_at(NOW), 60), None, 0, NOW)
    assert [(one.name, one.samples[0].value) for one in figures.collect()] == [
        ("openpool_snapshot_failing", 1.0)
    ]
    assert "openpool_snapshot_failing" in names(server.get("/metrics").text)


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=1.0.0", "*/*"])
def test_both_forms_that_prometheus_reads(server: Served, accept: str) -> None:
    answer = server.get("/metrics", headers={"Accept": accept})
    openmetrics = accept.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n") is openmetrics


def test_the_document_lists_every_figure(server: Served) -> None:
    text = (CHECKOUT / "docs" / "api.md").read_text(encoding="utf-8")
    table = text.split("## Metrics")[1].split("```")[0]
    listed = set(re.findall(r"`(openpool_\w+)", table))
    assert listed == {family.name for family in parsed(server.get("/metrics").text)}
