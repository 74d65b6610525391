"""Links of a server and of files."""

from pathlib import PurePosixPath

from openpool_management.pages.links import FileLinks, ServerLinks

ADDRESS = "0x507f77B60F7B39029eD850c5F1718194908dBa77"


def test_files_lead_to_each_other_from_any_depth() -> None:
    for depth, here in enumerate(("", "workers/", f"workers/{ADDRESS}/")):
        links = FileLinks(depth, {7: "7-ab"})
        found = {
            "index.html": links.overview(),
            "workers.html": links.workers(),
            "workers-2.html": links.workers(2),
            f"workers/{ADDRESS}.html": links.worker(ADDRESS),
            f"workers/{ADDRESS}/7-ab.html": links.entry(ADDRESS, 7),
            "ranking-7d.html": links.ranking("7d"),
            "payouts.html": links.payouts(),
            "payouts-3.html": links.payouts(3),
            "quality.html": links.quality(),
            f"statements/{ADDRESS}/2026-11.csv": links.statement(ADDRESS, "2026-11", "csv"),
            "pool.json": links.document("pool", "workers"),
            "ranking.json": links.document("ranking", "7d"),
            "pages/pages.css": links.asset("pages.css"),
        }
        for key, link in found.items():
            assert link is not None
            steps: list[str] = []
            for part in PurePosixPath(here + link).parts:
                if part == "..":
                    steps.pop()
                else:
                    steps.append(part)
            assert "/".join(steps) == key
        assert links.entry(ADDRESS, 8) is None and links.entry(ADDRESS, 7, 2) is None


def test_a_server_leads_to_its_own_paths() -> None:
    links = ServerLinks()
    assert (links.workers(), links.workers(2)) == ("/workers", "/workers?page=2")
    assert links.entry(ADDRESS, 7, 3) == f"/workers/{ADDRESS}/entries/7?page=3"
    documents = [("pool", ""), ("quality", ""), ("pool", "workers"), ("ranking", "7d")]
    assert [links.document(*one) for one in documents] == [
        "/api/v1/status",
        "/api/v1/quality",
        "/api/v1/workers",
        "/api/v1/ranking?window=7d",
    ]
