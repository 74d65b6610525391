"""Connection intervals, against a model that replays a stream's events one by one."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.batch import PresenceKind
from openpool_management.domain.event_frame import EVENT_SCHEMA
from openpool_management.domain.presence import (
    ConnectionInterval,
    PlacedFact,
    Position,
    intervals_of,
    presence_of,
    proof_spans,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
WORKER, OTHER = "0x" + "A" * 40, "0x" + "B" * 40

# (event type, worker, connection); an object is a list of them, a stream a list of objects.
Event = tuple[str, str, str]
Objects = list[list[Event]]

CONNECTED = ("worker-connected", WORKER, "1.1.1.1:1")
ELSEWHERE = ("worker-connected", WORKER, "2.2.2.2:2")
DISCONNECTED = ("worker-disconnected", WORKER, "1.1.1.1:1")
JOB = ("job-received", WORKER, "")
RESET = ("orchestrator-reset", "", "")

connection_events = st.tuples(
    st.sampled_from(["worker-connected", "worker-disconnected"]),
    st.sampled_from([WORKER, OTHER]),
    st.sampled_from(["1.1.1.1:1", "2.2.2.2:2", "unknown"]),
)
job_events = st.tuples(
    st.sampled_from(["job-received", "job-processed"]),
    st.sampled_from([WORKER, OTHER]),
    st.just(""),
)
resets = st.sampled_from([("node-reset", "", ""), RESET])
streams = st.lists(
    st.lists(connection_events | job_events | resets, max_size=6), min_size=1, max_size=8
)


def place(object_no: int, index: int) -> Position:
    return Position(START + timedelta(minutes=object_no // 2), f"k{object_no}", "e", index)


def moment(object_no: int, index: int) -> datetime:
    return START + timedelta(minutes=object_no // 2, seconds=index)


def facts_of(objects: Objects, numbers: list[int]) -> list[PlacedFact]:
    """The facts of one batch, which reads the objects of some numbers."""
    rows = [
        {
            "object_no": batch_no,
            "object_index": index,
            "dt": moment(number, index),
            "event_type": event_type,
            "worker": worker or None,
            "connection": connection or None,
        }
        for batch_no, number in enumerate(numbers)
        for index, (event_type, worker, connection) in enumerate(objects[number])
    ]
    frame = pl.DataFrame(
        [[row.get(name) for name in EVENT_SCHEMA] for row in rows],
        schema=EVENT_SCHEMA,
        orient="row",
    )
    return [
        PlacedFact(
            place(numbers[fact.object_no], fact.object_index),
            fact.dt,
            fact.kind,
            fact.worker,
            fact.connection,
        )
        for fact in presence_of(frame)
    ]


def replayed(objects: Objects) -> list[ConnectionInterval]:
    """Each connection followed through all later events, one after the other."""
    log = [
        (moment(number, index), *event)
        for number, events in enumerate(objects)
        for index, event in enumerate(events)
    ]
    intervals = []
    for opened, (opened_at, event_type, worker, connection) in enumerate(log):
        if event_type != "worker-connected":
            continue
        proof_at = opened_at
        reset_at: datetime | None = None
        end: tuple[datetime, PresenceKind] | None = None
        only_connection = True
        for at, kind, who, where in log[opened + 1 :]:
            same = (who, where) == (worker, connection)
            if kind == "worker-disconnected" and same:
                end = (at, PresenceKind.DISCONNECTED)
                break
            if kind == "worker-connected" and same:
                end = None if reset_at else (at, PresenceKind.CONNECTED)
                break
            if kind == "worker-connected" and who == worker:
                only_connection = False
            if kind.startswith("job") and who == worker and only_connection:
                proof_at, reset_at = at, None
            if kind.endswith("reset") and reset_at is None:
                reset_at = at
        if end is None and reset_at:
            end = (reset_at, PresenceKind.RESET)
        proof_at = max(proof_at, opened_at)
        intervals.append(
            ConnectionInterval(
                worker,
                connection,
                opened_at,
                max(end[0], proof_at) if end else None,
                end[1] if end else None,
                proof_at,
            )
        )
    return sorted(intervals, key=lambda one: (one.opened_at, one.worker, one.connection))


def as_set(intervals: list[ConnectionInterval]) -> list[tuple[str, ...]]:
    return sorted(
        tuple(
            str(getattr(one, name))
            for name in (
                "worker",
                "connection",
                "opened_at",
                "closed_at",
                "closed_by",
                "last_proof_at",
            )
        )
        for one in intervals
    )


@given(streams, st.data())
def test_any_split_and_order_of_objects_gives_what_a_replay_gives(
    objects: Objects, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(objects))))
    cuts = data.draw(st.sets(st.integers(1, len(objects))))
    facts: list[PlacedFact] = []
    batch: list[int] = []
    for read, number in enumerate(order, 1):
        batch.append(number)
        if read in cuts or read == len(objects):
            facts += facts_of(objects, sorted(batch))
            batch = []
    assert as_set(intervals_of(facts)) == as_set(replayed(objects))


@given(streams)
def test_the_last_proof_of_each_span_is_all_that_is_needed(objects: Objects) -> None:
    facts = facts_of(objects, list(range(len(objects))))
    changes = [fact for fact in facts if fact.kind is not PresenceKind.ALIVE]
    proofs = []
    for span in proof_spans(changes):
        inside = [
            fact
            for fact in facts
            if fact.kind is PresenceKind.ALIVE
            and fact.worker == span.worker
            and span.after < fact.position
            and (span.before is None or fact.position < span.before)
        ]
        proofs += sorted(inside, key=lambda fact: fact.position)[-1:]
    assert intervals_of([*changes, *proofs]) == intervals_of(facts)


def the_interval(*events: Event) -> ConnectionInterval:
    first, *_ = intervals_of(facts_of([list(events)], [0]))
    return first


def test_a_connection_without_an_end_is_open() -> None:
    interval = the_interval(CONNECTED, JOB)
    assert interval.closed_at is None and interval.closed_by is None
    assert interval.last_proof_at == moment(0, 1)


def test_a_reset_closes_what_was_open_before_it() -> None:
    interval = the_interval(CONNECTED, JOB, RESET)
    assert (interval.closed_by, interval.closed_at) == (PresenceKind.RESET, moment(0, 2))


def test_a_job_after_a_reset_proves_the_worker_still_there_until_the_next_reset() -> None:
    assert the_interval(CONNECTED, RESET, JOB).closed_at is None
    assert the_interval(CONNECTED, RESET, JOB, RESET).closed_at == moment(0, 3)


def test_a_job_of_a_later_connection_proves_nothing_of_an_earlier_one() -> None:
    interval = the_interval(CONNECTED, RESET, ELSEWHERE, JOB)
    assert (interval.closed_by, interval.closed_at) == (PresenceKind.RESET, moment(0, 1))


def test_a_disconnect_counts_more_than_a_reset_before_it() -> None:
    interval = the_interval(CONNECTED, RESET, DISCONNECTED)
    assert (interval.closed_by, interval.closed_at) == (PresenceKind.DISCONNECTED, moment(0, 2))


def test_the_same_connection_opened_again_ends_the_one_before() -> None:
    interval = the_interval(CONNECTED, JOB, CONNECTED, RESET)
    assert (interval.closed_by, interval.closed_at) == (PresenceKind.CONNECTED, moment(0, 2))


def test_workers_without_an_address_leave_no_facts() -> None:
    nobody = ("worker-connected", ZERO_ADDRESS, "1.1.1.1:1")
    assert facts_of([[nobody, ("job-received", ZERO_ADDRESS, "")]], [0]) == []


def test_an_object_leaves_one_fact_for_a_run_of_jobs() -> None:
    facts = facts_of([[JOB] * 50 + [RESET] + [JOB] * 50], [0])
    assert [(fact.kind, fact.position.object_index) for fact in facts] == [
        (PresenceKind.RESET, 50),
        (PresenceKind.ALIVE, 49),
        (PresenceKind.ALIVE, 100),
    ]
