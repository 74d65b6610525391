"""``openpool solvency``: the numbers, the sentence and the exit code."""

import json
from pathlib import Path
from typing import Any

import pytest

from openpool_management_tests.cli.conftest import Command
from openpool_management_tests.log_objects import ALICE, TRANSCODE, body, key, transcoded
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.services.ticket_events import ticket

WALLET = "0x000000000000000000000000000000000000bEEF"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A worker is owed 26 of 35 wei; 2^63 + 1 wei were redeemed, and a hash is told in two ways."""
    path = tmp_path / "events" / key(TRANSCODE)
    path.parent.mkdir(parents=True)
    path.write_bytes(
        body(
            [
                transcoded(ALICE),
                ticket(TRANSCODE, 1, tx=1, wei=2**63 + 1),
                ticket(TRANSCODE, 2, tx=1, wei=2**63 + 1),
                ticket(TRANSCODE, 3, tx=2, wei=5),
                ticket(TRANSCODE, 4, tx=2, wei=7),
                ticket(TRANSCODE, 5, tx=0, wei=9),
            ]
        )
    )
    return tmp_path / "events"


@pytest.fixture
def read(openpool: Command, log: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, the log being read, and no node named."""
    for name in ("ETH_RPC_ENDPOINT", "CHAIN_ID"):
        monkeypatch.delenv(name, raising=False)
    assert openpool("sync", OPENPOOL_EVENTS_DIR=log).code == 0
    return openpool


def test_without_a_node_nothing_is_known_of_the_wallet(read: Command) -> None:
    ran = read("solvency", "--json")
    assert (ran.code, ran.stderr) == (0, "")
    document: dict[str, Any] = ran.json
    amounts = {name: value for name, value in document.items() if name.endswith("_wei")}
    assert all(isinstance(value, str) for value in amounts.values() if value is not None)
    assert {name: int(value) for name, value in amounts.items() if value not in (None, "0")} == {
        "fees_wei": 35,
        "earned_wei": 26,
        "commission_wei": 9,
        "redeemed_wei": 2**63 + 1,
        "unverified_wei": 2**63 + 1,
        "doubtful_wei": 7,
        "payable_wei": 26,
        "owed_wei": 26,
    }
    assert document["tickets"] == {"verified": 0, "unverified": 1, "doubtful": 1, "failed": 0}
    assert document["without_transaction"] == 1
    assert (document["covered"], document["shortfall_wei"]) == (None, None)
    assert document["problem"].startswith("No node of the chain is named: set ETH_RPC_ENDPOINT")
    assert read("solvency", "--json").json == document


def test_people_read_exact_amounts_and_sentences(read: Command) -> None:
    in_eth, in_wei = read("solvency"), read("solvency", "--wei")
    assert in_eth.code == in_wei.code == 0
    assert "9.223372036854775809" in in_eth.stdout
    assert str(2**63 + 1) in in_wei.stdout
    assert "different face values of 5, 7 wei" in in_eth.stdout
    assert "1 failed before they had a transaction" in in_eth.stdout
    assert in_eth.stdout.splitlines()[-1].startswith("0.000000000000000026 ETH is owed.")
    assert in_eth.stderr.startswith("No node of the chain is named")


def test_a_wallet_that_does_not_cover_is_a_finding(read: Command, anvil: AnvilServer) -> None:
    options = {"ETH_RPC_ENDPOINT": anvil.url, "OPENPOOL_PAYOUT_SENDER": WALLET}
    anvil.fund(WALLET, 25)
    anvil.finalize()
    ran = read("solvency", "--json", **options)
    assert (ran.code, ran.stderr) == (1, "")
    document = ran.json
    assert (document["covered"], document["shortfall_wei"], document["chain_wei"]) == (
        False,
        "1",
        "25",
    )
    # These transactions are on no chain.
    assert document["tickets"] == {"verified": 0, "unverified": 0, "doubtful": 2, "failed": 0}
    assert document["redeemed_wei"] == "0"
    anvil.fund(WALLET, 26)
    anvil.finalize()
    ran = read("solvency", **options)
    assert ran.code == 0
    assert "The wallet covers the 0.000000000000000026 ETH that is owed" in ran.stdout


def test_a_node_that_does_not_answer_stops_nothing(read: Command) -> None:
    ran = read("solvency", "--json", ETH_RPC_ENDPOINT="http://user:secret@127.0.0.1:9")
    assert ran.code == 0
    assert "127.0.0.1:9 gave no answer" in ran.json["problem"]
    assert "secret" not in json.dumps(ran.json) + ran.stderr
