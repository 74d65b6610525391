"""The document that ``openpool ledger --json`` prints."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from openpool_management.domain.accounts import Account, AccountKind, Standing
from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.services.ledger_report import worker_balances
from openpool_management_tests.ledgers import MemorySource, ScratchLedger, Version
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    TRANSCODE,
    body,
    event,
    key,
    processed,
    received,
    transcoded,
)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[ScratchLedger]:
    with ScratchLedger.in_directory(tmp_path) as ledger:
        yield ledger


def test_empty_ledger(scratch: ScratchLedger) -> None:
    assert scratch.document() == {"streams": {}, "balances": {}, "held": 0}


def test_document(scratch: ScratchLedger) -> None:
    ai = [
        received(ALICE, 0, request="01"),
        processed(1, request="01", units=3, price=2**70),
        received(ALICE, 0, request="02", pipeline="llm"),
        processed(1, request="02", pipeline="llm", units=1, price=1),
        processed(2, request="ffffffff", units=1, price=11),
        processed(2, fees=0),
        event(AI, "gateway-reset", 3),
    ]
    transcode = [transcoded(ALICE), transcoded(BOB, price=0), transcoded(ZERO_ADDRESS)]
    scratch.sync(
        MemorySource([Version(key(AI), body(ai)), Version(key(TRANSCODE), body(transcode))])
    )
    gross, net = 3 * 2**70 + 1, 3 * 2**70 * 3 // 4
    document = scratch.document()
    assert json.loads(json.dumps(document)) == document
    assert document == {
        "streams": {
            "ai|us-central": {
                "events": {"gateway-reset": 1, "job-processed": 3, "job-received": 2},
                "unattributed": {"jobs": 1, "gross_wei": "11"},
                "workers": {
                    ALICE: {
                        "jobs": 2,
                        "compute_units": {"llm": 1, "upscale": 3},
                        "gross_wei": str(gross),
                        "net_wei": str(net),
                        "commission_wei": str(gross - net),
                    }
                },
            },
            "transcode|oceania": {
                "events": {"job-processed": 3},
                "unattributed": {"jobs": 0, "gross_wei": "0"},
                "held": {"jobs": 1, "gross_wei": "35"},
                "workers": {
                    ALICE: {
                        "jobs": 1,
                        "compute_units": {"transcode": 5},
                        "gross_wei": "35",
                        "net_wei": "26",
                        "commission_wei": "9",
                    },
                    BOB: {
                        "jobs": 1,
                        "compute_units": {"transcode": 5},
                        "gross_wei": "0",
                        "net_wei": "0",
                        "commission_wei": "0",
                    },
                },
            },
        },
        "balances": {
            ALICE: {
                "earned_wei": str(net + 26),
                "paid_wei": "0",
                "in_payout_wei": "0",
                "payable_wei": str(net + 26),
            },
            BOB: {
                "earned_wei": "0",
                "paid_wei": "0",
                "in_payout_wei": "0",
                "payable_wei": "0",
            },
        },
        "held": 1,
    }


def test_worker_whose_only_job_moved_away_leaves_no_trace(scratch: ScratchLedger) -> None:
    scratch.sync(
        MemorySource(
            [
                Version(key(AI, 0), body([received(ALICE, 0)])),
                Version(key(AI, 120), body([processed(121)])),
            ]
        )
    )
    assert list(scratch.document()["balances"]) == [ALICE]
    scratch.sync(MemorySource([Version(key(AI, 60), body([received(BOB, 60)]))]))
    document = scratch.document()
    assert list(document["streams"][str(AI)]["workers"]) == list(document["balances"]) == [BOB]


def test_what_is_set_aside_is_neither_paid_nor_payable() -> None:
    earned = Account(AccountKind.PAYABLE, "ai|us-east", ALICE, "llm", "m1")
    taken = Account(AccountKind.PAYABLE, worker=ALICE)
    set_aside = Account(AccountKind.IN_PAYOUT, worker=ALICE)
    assert worker_balances(
        [Standing(earned, 100), Standing(taken, -40), Standing(set_aside, 15)]
    ) == {
        ALICE: {
            "earned_wei": "100",
            "paid_wei": "25",
            "in_payout_wei": "15",
            "payable_wei": "60",
        }
    }
