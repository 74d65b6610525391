"""What is held can be released or dismissed, once; a release posts what its object would have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openpool_management.adapters.sql.holds import SqlHolds
from openpool_management.adapters.sql.ledger import SqlLedger
from openpool_management.domain.batch import Batch, BatchKind, Decision
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.holds import WAIVABLE, WHOLE_OBJECT, HoldReason
from openpool_management.services.decisions import DecisionRefused
from openpool_management.services.holds import dismiss, held_item, open_holds, release
from openpool_management_tests.ledgers import MemorySource, ScratchLedger, Version, balances_wei
from openpool_management_tests.log_objects import (
    AI,
    ALICE,
    BOB,
    NOW,
    TRANSCODE,
    Event,
    body,
    event,
    event_id,
    key,
    processed,
    received,
    transcoded,
)

LATER = NOW + timedelta(days=30)


def read(scratch: ScratchLedger, *objects: tuple[str, list[Event]]) -> None:
    scratch.sync(MemorySource([Version(name, body(events)) for name, events in objects]))


def holds(scratch: ScratchLedger) -> SqlHolds:
    return SqlHolds(scratch.engine)


def only_hold(scratch: ScratchLedger) -> str:
    (item,) = open_holds(holds(scratch))
    return item.id


def let_go(
    scratch: ScratchLedger,
    held_id: str,
    reason: str = "checked",
    now: datetime | None = None,
    **more: Any,
) -> Batch:
    parts = (holds(scratch), scratch.ledger, scratch.lake, PairRules())
    return release(*parts, held_id, reason, now or LATER, **more)


def changed(one: Event, **fields: Any) -> Event:
    return {**one, **fields}


def test_fee_mismatch_is_shown_and_pays_its_fees_as_stated(scratch: ScratchLedger) -> None:
    odd = transcoded(ALICE, 3, units=5, price=7, fees=1_001)
    read(scratch, (key(TRANSCODE), [transcoded(BOB, 2), odd]))
    assert balances_wei(scratch) == {
        "revenue:transcode|oceania": -35,
        f"payable:transcode|oceania:{BOB}:transcode": 26,
        f"commission:transcode|oceania:{BOB}:transcode": 9,
    }
    (item,) = open_holds(holds(scratch))
    assert (item.stream, item.reason) == (TRANSCODE, HoldReason.FEE_MISMATCH)
    assert item.detail == "fees is 1001 wei, which is not 7 × 5."
    assert (item.object_key, item.object_version, item.event_index) == (key(TRANSCODE), "0", 1)
    assert (item.event_id, item.event_type) == (odd["ID"], "job-processed")
    assert item.raw is not None and '"fees": 1001' in item.raw
    assert (item.read_at, item.decision) == (NOW, None)

    batch = let_go(scratch, item.id, " stated by the gateway ")
    assert (batch.kind, batch.released, batch.subject) == (BatchKind.RELEASE, item.id, item.id)
    # A quarter of 1,001 is 250.25: the worker's 750.75 is rounded down.
    assert balances_wei(scratch) == {
        "revenue:transcode|oceania": -1_036,
        f"payable:transcode|oceania:{BOB}:transcode": 26,
        f"commission:transcode|oceania:{BOB}:transcode": 9,
        f"payable:transcode|oceania:{ALICE}:transcode": 750,
        f"commission:transcode|oceania:{ALICE}:transcode": 251,
    }
    document = scratch.document()
    assert document["held"] == 0
    assert document["streams"]["transcode|oceania"]["events"] == {"job-processed": 2}
    assert document["streams"]["transcode|oceania"]["workers"][ALICE]["compute_units"] == {
        "transcode": 5
    }
    row = scratch.events(TRANSCODE).row(1, named=True)
    assert (row["object_key"], row["object_version"], row["object_index"]) == (
        key(TRANSCODE),
        "0",
        1,
    )
    assert (row["read_at"], row["fees_wei"], row["fee_bps"]) == (NOW, 1_001, 2_500)
    assert open_holds(holds(scratch)) == []
    (decided,) = open_holds(holds(scratch), decided=True)
    assert decided.decision is not None
    assert (decided.decision.decision, decided.decision.reason, decided.decision.decided_at) == (
        "release",
        "stated by the gateway",
        LATER,
    )


@pytest.mark.parametrize("doubt", [{"Version": 2}, {"Region": "mars"}, {"NodeType": "transcode"}])
def test_released_job_received_claims_an_unattributed_job(
    scratch: ScratchLedger, doubt: dict[str, Any]
) -> None:
    read(
        scratch,
        (key(AI), [changed(received(ALICE, 1), **doubt), processed(2, units=1_000, price=3)]),
    )
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -3_000,
        "unattributed:ai|us-central::upscale:m1": 3_000,
    }
    # The release comes after the late window; what counts is when the object was read.
    batch = let_go(scratch, only_hold(scratch))
    assert [one.worker for one in batch.attributions] == [ALICE]
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -3_000,
        f"payable:ai|us-central:{ALICE}:upscale:m1": 2_250,
        f"commission:ai|us-central:{ALICE}:upscale:m1": 750,
    }
    stream = scratch.document()["streams"]["ai|us-central"]
    assert stream["events"] == {"job-processed": 1, "job-received": 1}
    assert stream["unattributed"] == {"jobs": 0, "gross_wei": "0"}


def test_released_ai_job_finds_its_worker(scratch: ScratchLedger) -> None:
    read(scratch, (key(AI), [received(ALICE, 1), processed(2, units=3, price=100, fees=999)]))
    let_go(scratch, only_hold(scratch))
    assert balances_wei(scratch) == {
        "revenue:ai|us-central": -999,
        f"payable:ai|us-central:{ALICE}:upscale:m1": 749,
        f"commission:ai|us-central:{ALICE}:upscale:m1": 250,
    }


def test_time_ahead_can_be_released_when_its_time_has_come(scratch: ScratchLedger) -> None:
    read(scratch, (key(TRANSCODE), [changed(transcoded(ALICE), DT="2030-01-01T00:00:00Z")]))
    held_id = only_hold(scratch)
    with pytest.raises(DecisionRefused, match="still more than a day ahead"):
        let_go(scratch, held_id)
    assert only_hold(scratch) == held_id
    let_go(scratch, held_id, now=datetime(2030, 1, 1, tzinfo=UTC))
    assert balances_wei(scratch)[f"payable:transcode|oceania:{ALICE}:transcode"] == 26


def test_released_connection_is_an_interval(scratch: ScratchLedger) -> None:
    opened = event(TRANSCODE, "worker-connected", 4, ethAddress=ALICE, connection="1.2.3.4:5")
    read(
        scratch, (key(TRANSCODE), [transcoded(BOB, 3), changed(opened, Version=7), transcoded(BOB)])
    )
    let_go(scratch, only_hold(scratch))
    (interval,) = scratch.connections(TRANSCODE)
    assert (interval.worker, interval.connection) == (ALICE, "1.2.3.4:5")


def test_event_in_two_kinds_of_doubt_is_released_when_both_are_named(
    scratch: ScratchLedger,
) -> None:
    read(scratch, (key(TRANSCODE), [changed(transcoded(ALICE, fees=100), Version=2)]))
    held_id = only_hold(scratch)
    with pytest.raises(DecisionRefused, match="also in doubt for fee-mismatch: fees is 100 wei"):
        let_go(scratch, held_id)
    assert only_hold(scratch) == held_id
    let_go(scratch, held_id, also=[HoldReason.FEE_MISMATCH])
    assert balances_wei(scratch)[f"payable:transcode|oceania:{ALICE}:transcode"] == 75


def test_waiving_more_than_is_in_doubt_changes_nothing(scratch: ScratchLedger) -> None:
    read(scratch, (key(TRANSCODE), [changed(transcoded(ALICE), Version=2)]))
    let_go(scratch, only_hold(scratch), also=WAIVABLE)
    assert balances_wei(scratch)[f"payable:transcode|oceania:{ALICE}:transcode"] == 26


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"[{", "invalid-json is no doubt that can be set aside"),
        (body([transcoded("0x12")]), "bad-address is no doubt that can be set aside"),
        (body([transcoded(ALICE, units=-1)]), "negative-number is no doubt"),
        (body([changed(transcoded(ALICE), Version=2, DT="soon")]), "also in doubt for bad-time"),
        (body([changed(processed(), Region="x")]), "also in doubt for missing-field"),
    ],
)
def test_what_is_not_sound_can_only_be_dismissed(
    scratch: ScratchLedger, data: bytes, sentence: str
) -> None:
    scratch.sync(MemorySource([Version(key(TRANSCODE), data)]))
    held_id = only_hold(scratch)
    with pytest.raises(DecisionRefused, match=sentence) as refused:
        let_go(scratch, held_id)
    assert f"openpool held dismiss {held_id}" in str(refused.value)
    item = dismiss(holds(scratch), held_id, "broken upload", LATER)
    assert item.decision is not None
    assert (item.decision.decision, item.decision.reason) == ("dismiss", "broken upload")
    assert scratch.document()["held"] == 0
    assert balances_wei(scratch) == {}


def test_whole_object_has_no_event_to_release(scratch: ScratchLedger) -> None:
    scratch.sync(MemorySource([Version(f"{TRANSCODE.prefix}strange.json", b"[]")]))
    (item,) = open_holds(holds(scratch))
    assert (item.reason, item.event_index, item.raw) == (HoldReason.BAD_KEY, WHOLE_OBJECT, None)
    with pytest.raises(DecisionRefused, match="bad-key is no doubt"):
        let_go(scratch, item.id)


def test_decision_is_final_and_has_a_reason(scratch: ScratchLedger) -> None:
    read(scratch, (key(TRANSCODE), [transcoded(ALICE, fees=1), transcoded(BOB, fees=1)]))
    first, second = (item.id for item in open_holds(holds(scratch)))
    for decide in (
        lambda: let_go(scratch, first, "  "),
        lambda: dismiss(holds(scratch), first, "", LATER),
    ):
        with pytest.raises(DecisionRefused, match="The reason is empty"):
            decide()
    let_go(scratch, first)
    dismiss(holds(scratch), second, "no", LATER)
    before = balances_wei(scratch)
    for held_id, word in ((first, "released"), (second, "dismissed")):
        for decide in (
            lambda: let_go(scratch, held_id),  # noqa: B023
            lambda: dismiss(holds(scratch), held_id, "again", LATER),  # noqa: B023
        ):
            with pytest.raises(DecisionRefused, match=f"{held_id} was {word} at .*is final"):
                decide()
    assert balances_wei(scratch) == before
    with pytest.raises(DecisionRefused, match="There is no held item H0"):
        held_item(holds(scratch), "H0")


def test_event_that_was_held_twice_is_paid_once(scratch: ScratchLedger) -> None:
    odd = transcoded(ALICE, fees=1_000)
    read(scratch, (key(TRANSCODE), [odd]), (key(TRANSCODE, 60), [odd]))
    first, second = (item.id for item in open_holds(holds(scratch)))
    assert let_go(scratch, first).duplicates == 0
    assert let_go(scratch, second).duplicates == 1
    assert balances_wei(scratch) == {
        "revenue:transcode|oceania": -1_000,
        f"payable:transcode|oceania:{ALICE}:transcode": 750,
        f"commission:transcode|oceania:{ALICE}:transcode": 250,
    }
    assert scratch.document()["streams"]["transcode|oceania"]["events"] == {"job-processed": 1}


def test_release_does_not_overrule_what_was_read_under_its_id(scratch: ScratchLedger) -> None:
    good = transcoded(ALICE, no=9)
    read(
        scratch, (key(TRANSCODE), [good]), (key(TRANSCODE, 60), [transcoded(ALICE, no=9, fees=99)])
    )
    held_id = only_hold(scratch)
    with pytest.raises(DecisionRefused, match=f"an event with ID {event_id(9)} and other content"):
        let_go(scratch, held_id)
    assert only_hold(scratch) == held_id
    assert balances_wei(scratch)[f"payable:transcode|oceania:{ALICE}:transcode"] == 26


class BeatenLedger(SqlLedger):
    """A ledger to whose stream or item something happens just before the first commit."""

    def __init__(self, scratch: ScratchLedger, held_id: str) -> None:
        super().__init__(scratch.engine)
        self.decision: Decision | None = Decision(held_id, "a copy of another", LATER)

    def commit(self, batch: Batch) -> None:
        """Dismiss first."""
        if self.decision is not None:
            SqlHolds(self.engine).dismiss(self.decision)
            self.decision = None
        super().commit(batch)


def test_release_that_a_dismissal_overtakes_posts_nothing(scratch: ScratchLedger) -> None:
    read(scratch, (key(TRANSCODE), [transcoded(ALICE, fees=1_000)]))
    held_id = only_hold(scratch)
    ledger = BeatenLedger(scratch, held_id)
    with pytest.raises(DecisionRefused, match=r"was dismissed at .*a copy of another"):
        release(holds(scratch), ledger, scratch.lake, PairRules(), held_id, "yes", LATER)
    assert balances_wei(scratch) == {}
    assert scratch.document()["streams"]["transcode|oceania"]["events"] == {}


class BusyLedger(SqlLedger):
    """A ledger whose head is the one before the last until it was asked for a second time."""

    asked = 0

    def head(self, stream: Any) -> Any:
        """Stale at first."""
        self.asked += 1
        head = super().head(stream)
        return replace(head, seq=head.seq - 1) if self.asked == 1 else head


def test_release_tries_again_when_the_stream_moves_on(scratch: ScratchLedger) -> None:
    read(scratch, (key(TRANSCODE), [transcoded(ALICE, fees=1_000)]))
    held_id = only_hold(scratch)
    ledger = BusyLedger(scratch.engine)
    release(holds(scratch), ledger, scratch.lake, PairRules(), held_id, "yes", LATER)
    assert ledger.asked == 2
    assert balances_wei(scratch)[f"payable:transcode|oceania:{ALICE}:transcode"] == 750


def test_same_decision_makes_the_same_batch(
    scratch: ScratchLedger, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def decided(other: ScratchLedger, at: datetime) -> str:
        read(other, (key(TRANSCODE), [transcoded(ALICE, no=4, fees=1_000)]))
        held_id = only_hold(other)
        return release(holds(other), other.ledger, other.lake, PairRules(), held_id, "yes", at).id

    with ScratchLedger.in_directory(tmp_path_factory.mktemp("other")) as other:
        assert decided(scratch, LATER) == decided(other, LATER + timedelta(days=1))
