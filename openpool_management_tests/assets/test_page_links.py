"""Links to the pages, and that none is made up where it is not known where the pages are."""

import pytest

from openpool_management_tests.assets.payout_bench import PayoutBench, shown
from openpool_management_tests.assets.workbench import Workbench

BASE = "https://pool.example/sub"


@pytest.mark.parametrize("url", [None, f"{BASE}/"])
def test_what_is_read_leads_to_the_pages(real_bench: Workbench, url: str | None) -> None:
    bench = real_bench.with_options(pages_url=url)
    result = bench.run("transcode|oceania")
    pages = {
        name: shown(result, name).get("page")
        for name in ("worker_fees", "worker_balances", "worker_connections")
    }
    assert set(pages.values()) == {f"{BASE}/workers" if url else None}


def test_performance_exports_and_payouts_lead_to_the_pages(
    pays: PayoutBench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    paying = pays.with_options(pages_url=BASE, metrics_dir=tmp_path_factory.mktemp("published"))
    bench = paying.dagster
    found = {"worker_payouts": shown(paying.pay(), "worker_payouts")["page"]}
    for job, name in (
        ("performance_job", "worker_performance"),
        ("publish_job", "published_exports"),
    ):
        result = bench.defs.resolve_job_def(job).execute_in_process(instance=bench.instance)
        found[name] = shown(result, name)["page"]
    assert found == {
        "worker_payouts": f"{BASE}/payouts",
        "worker_performance": f"{BASE}/ranking",
        "published_exports": f"{BASE}/",
    }
