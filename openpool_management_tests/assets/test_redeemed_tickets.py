"""The asset of redeemed tickets: what it shows, and that it counts nothing twice."""

from typing import Any

import dagster as dg

from openpool_management_tests.assets.workbench import Workbench
from openpool_management_tests.log_objects import AI, TRANSCODE, Event, body, key
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.services.ticket_events import ticket


def write(bench: Workbench, *objects: tuple[str, list[Event]]) -> None:
    """Let objects appear in the event log."""
    assert bench.settings.events_dir
    for name, events in objects:
        path = bench.settings.events_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body(events))


def shown(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Metadata of the asset's materialization."""
    (event,) = result.asset_materializations_for_node("redeemed_tickets")
    return {
        name: [record.data for record in value.records]
        if isinstance(value, dg.TableMetadataValue)
        else value.value
        for name, value in event.metadata.items()
    }


def test_every_run_shows_all_streams(bench: Workbench) -> None:
    write(
        bench,
        (key(AI), [ticket(AI, 1, tx=1, wei=2**63 + 1), ticket(AI, 2, tx=0)]),
        (key(TRANSCODE), [ticket(TRANSCODE, 3, tx=1, wei=2**63 + 1), ticket(TRANSCODE, 4, tx=2)]),
    )
    first = shown(bench.run(str(AI)))
    assert (first["tickets collected"], first["redeemed_wei"]) == (2, str(2**63 + 1))
    second = shown(bench.run(str(TRANSCODE)))
    assert second["tickets collected"] == 2
    assert second["redeemed_wei"] == second["unverified_wei"] == str(2**63 + 6)
    assert (second["unverified"], second["failed without a transaction"]) == (2, 1)
    assert second["chain"].startswith("No node of the chain is named")
    newest, oldest = second["newest redemptions"]
    assert (newest["face_value_wei"], newest["told"]) == ("5", 1)
    assert (oldest["face_value_wei"], oldest["told"]) == (str(2**63 + 1), 2)
    again = shown(bench.run(str(TRANSCODE)))
    assert again == second | {"tickets collected": 0}


def test_a_node_is_asked(bench: Workbench, anvil: AnvilServer) -> None:
    paid = anvil.send(anvil.transfer(anvil.account(), anvil.account().address, 1))
    anvil.finalize()
    write(
        bench,
        (key(AI), [ticket(AI, 1, txHash=paid, wei=2**70), ticket(AI, 2, tx=2, wei=9)]),
    )
    asked = bench.with_options(eth_rpc_endpoint=anvil.url)
    metadata = shown(asked.run(str(AI)))
    assert metadata["verified_wei"] == metadata["redeemed_wei"] == str(2**70)
    assert (metadata["tickets checked"], metadata["doubtful"], metadata["doubtful_wei"]) == (
        2,
        1,
        "9",
    )
    assert "The chain holds no such transaction" in metadata["doubts"][0]
    assert "chain" not in metadata
