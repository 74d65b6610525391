"""What is found in data that is held, nobody's, missing, rewritten, repeated or out of balance."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openpool_management.adapters.sql.holds import SqlHolds
from openpool_management.adapters.sql.presence import SqlPresence
from openpool_management.adapters.sql.quality import SqlRewrittenKeys
from openpool_management.adapters.sql.totals import SqlTotals
from openpool_management.services.findings import Finding, Level
from openpool_management.services.quality import (
    balance_findings,
    cut_off_findings,
    gap_findings,
    held_findings,
    repeat_findings,
    rewritten_findings,
    unattributed_findings,
)
from openpool_management_tests.ledgers import MemorySource, ScratchLedger, Version
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    NOW,
    TRANSCODE,
    body,
    event,
    key,
    moment,
    processed,
    received,
    transcoded,
)


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    assert bool(finding.remedy) == (finding.level is not Level.OK)
    return finding


def flush(second: int, last: int | None = None) -> Version:
    return Version(key(TRANSCODE, second, last), body([transcoded(ALICE, second)]))


def test_held_items_are_counted_by_reason(scratch: ScratchLedger) -> None:
    holds = SqlHolds(scratch.engine)
    assert only(held_findings(holds.items(decided=False))).level is Level.OK
    events = [
        transcoded(ALICE, 1, fees=36),
        transcoded(ALICE, 2, fees=37),
        transcoded("nonsense", 3),
    ]
    scratch.sync(MemorySource([Version(key(TRANSCODE), body(events))]))
    items = holds.items(decided=False)
    mismatch, address = held_findings(items)
    assert mismatch.level is address.level is Level.WARNING
    assert "2 held items" in mismatch.sentence and "fee-mismatch" in mismatch.sentence
    assert "1 held item waits" in address.sentence and "bad-address" in address.sentence
    assert items[2].id in address.remedy


def test_unattributed_fees_are_held_against_a_share(scratch: ScratchLedger) -> None:
    events = [received(ALICE, 1), processed(2), processed(3, request="ffffffff")]
    scratch.sync(MemorySource([Version(key(AI), body(events))]))
    standings = scratch.books.standings()
    assert only(unattributed_findings(standings, Decimal("0.5"))).level is Level.OK
    finding = only(unattributed_findings(standings, Decimal("0.4999")))
    assert finding.level is Level.WARNING
    assert "35 wei is unattributed" in finding.sentence and str(AI) in finding.sentence
    assert "openpool unattributed assign" in finding.remedy


def test_a_gap_is_told_by_the_streams_own_cadence(scratch: ScratchLedger) -> None:
    source = MemorySource([flush(60 * n) for n in range(10)])
    # A second orchestrator that covers the time between must hide no gap and make none.
    source.add([flush(60 * n + 20, 60 * n + 79) for n in range(5)])
    scratch.sync(source)
    assert only(gap_findings(scratch.ledger, TRANSCODE, NOW, 5)).level is Level.OK
    source.add([flush(1200)])
    scratch.sync(source)
    finding = only(gap_findings(scratch.ledger, TRANSCODE, NOW, 5))
    assert finding.level is Level.WARNING
    assert "00:09:59" in finding.sentence and "00:20:00" in finding.sentence


def test_versions_behind_a_key_are_told_from_what_may_be_lost(scratch: ScratchLedger) -> None:
    keys = SqlRewrittenKeys(scratch.engine)
    source = MemorySource([flush(0)])
    scratch.sync(source)
    assert only(rewritten_findings(keys, TRANSCODE)).level is Level.OK
    # The memory source gives every content a version of its own.
    source.add([Version(key(TRANSCODE), body([transcoded(BOB, 3)]))])
    scratch.sync(source)
    kept = only(rewritten_findings(keys, TRANSCODE))
    assert kept.level is Level.WARNING
    assert "1 of its keys have 1 older versions" in kept.sentence


@pytest.mark.parametrize(("version_id", "level"), [("", Level.ERROR), ("null", Level.ERROR)])
def test_a_key_rewritten_without_versions_is_an_error(
    scratch: ScratchLedger, version_id: str, level: Level
) -> None:
    source = MemorySource([flush(0), Version(key(TRANSCODE), body([transcoded(BOB, 3)]))])
    scratch.sync(source)
    with scratch.engine.begin() as connection:
        # As a store without versions would have been read: rows copied, since none are changed.
        connection.execute(
            text(
                "INSERT INTO object_version (batch_id, object_no, stream_id, key, version_id, etag,"
                " size_bytes, last_modified, starts_at, ends_at, events) SELECT batch_id, "
                "object_no + 2, stream_id, 'other-key', :version, etag, size_bytes, last_modified, "
                "starts_at, ends_at, events FROM object_version"
            ),
            {"version": version_id},
        )
    finding = only(rewritten_findings(SqlRewrittenKeys(scratch.engine), TRANSCODE))
    assert finding.level is level
    assert "other-key" in finding.sentence and "versioning" in finding.remedy


def test_resets_that_cut_connections_off_are_counted(scratch: ScratchLedger) -> None:
    presence = SqlPresence(scratch.engine)
    address: dict[str, Any] = {"ethAddress": ALICE, "connection": "1.1.1.1:1"}
    quiet = [
        event(TRANSCODE, "worker-connected", 0, **address),
        event(TRANSCODE, "worker-disconnected", 1, **address),
        event(TRANSCODE, "orchestrator-reset", 2),
    ]
    source = MemorySource([Version(key(TRANSCODE), body(quiet))])
    scratch.sync(source)
    assert "No reset" in only(cut_off_findings(presence, TRANSCODE)).sentence
    sudden = [
        event(TRANSCODE, "worker-connected", 60, **address),
        event(TRANSCODE, "orchestrator-reset", 62),
    ]
    source.add([Version(key(TRANSCODE, 60), body(sudden))])
    scratch.sync(source)
    sentence = only(cut_off_findings(presence, TRANSCODE)).sentence
    assert "1 resets" in sentence and "00:01:02" in sentence


def test_an_event_that_is_in_the_lake_twice_is_an_error(
    scratch: ScratchLedger, tmp_path: Path
) -> None:
    scratch.sync(MemorySource([flush(0), flush(60)]))
    span = (moment(0), moment(100))
    once = repeat_findings(scratch.ledger, scratch.lake, TRANSCODE, *span)
    assert only(once).level is Level.OK
    (file,) = scratch.lake_files(TRANSCODE)
    rows = scratch.lake.scan([file]).collect()
    rows.head(1).extend(rows.head(1)).write_parquet(tmp_path / "lake" / file.name)
    twice = only(repeat_findings(scratch.ledger, scratch.lake, TRANSCODE, *span))
    assert twice.level is Level.ERROR and "1 event IDs more than once" in twice.sentence
    elsewhere = (moment(0) - timedelta(days=2), moment(0) - timedelta(days=1))
    assert (
        only(repeat_findings(scratch.ledger, scratch.lake, TRANSCODE, *elsewhere)).level is Level.OK
    )


def test_balances_are_added_up_again(scratch: ScratchLedger) -> None:
    scratch.sync(MemorySource([flush(0), flush(60)]), batch_objects=1)
    totals = SqlTotals(scratch.engine)
    standings = scratch.books.standings()
    assert only(balance_findings(standings, totals)).level is Level.OK
    broken = balance_findings(standings[1:], totals)
    assert {finding.level for finding in broken} == {Level.ERROR}
    assert any("trial balance" in finding.sentence for finding in broken)
