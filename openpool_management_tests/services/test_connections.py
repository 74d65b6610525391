"""Connections out of the ledger, on both databases, from a simulated pool and by hand."""

from openpool_management.adapters.sql.presence import SqlPresence
from openpool_management.domain.batch import PresenceKind
from openpool_management.domain.streams import Stream
from openpool_management.services.connections import connections, cut_off, presence_by_worker
from openpool_management.simulation import SimulationOptions, simulate
from openpool_management_tests.ledgers import MemorySource, ScratchLedger, Version
from openpool_management_tests.log_objects import (
    ALICE,
    BOB,
    TRANSCODE,
    Event,
    body,
    event,
    key,
    moment,
    transcoded,
)


def connected(worker: str, second: int, connection: str = "1.1.1.1:1") -> Event:
    return event(TRANSCODE, "worker-connected", second, ethAddress=worker, connection=connection)


def reset(second: int) -> Event:
    return event(TRANSCODE, "orchestrator-reset", second)


def source_of(*objects: list[Event]) -> MemorySource:
    return MemorySource(
        [Version(key(TRANSCODE, number * 60), body(one)) for number, one in enumerate(objects)]
    )


def test_the_database_gives_what_all_facts_add_up_to(scratch: ScratchLedger) -> None:
    streams = (Stream("ai", "us-central-1"), Stream("transcode", "oceania"))
    options = SimulationOptions(streams=streams, events=6_000, seed=3, jobs_per_second=0.25)
    source = MemorySource([Version(flush.key, flush.body) for flush in simulate(options)])
    scratch.sync(source, batch_objects=17)
    for stream in streams:
        intervals = connections(SqlPresence(scratch.engine), stream)
        assert intervals == scratch.connections(stream)
        # The simulation has all of these, or this test would show nothing.
        ends = {one.closed_by for one in intervals}
        assert {None, PresenceKind.RESET, PresenceKind.DISCONNECTED} <= ends
        assert any(one.last_proof_at > one.opened_at for one in intervals)


def test_keys_that_sort_by_code_point_alone_are_ordered_alike_everywhere(
    scratch: ScratchLedger,
) -> None:
    # Same start, ends "…Z" and "…9Z": a database that sorts by a language could swap them.
    stream = Stream("transcode", "Zürich-a_B")
    names = {"Region": stream.region}
    opened = connected(ALICE, 0) | names
    job = transcoded(ALICE, 1) | names
    versions = [
        Version(key(stream, 0, last), body([one]))
        for last, one in ((10, opened), (20, reset(2) | names), (30, job))
    ]
    scratch.sync(MemorySource(versions[::-1]), batch_objects=1)
    (interval,) = connections(SqlPresence(scratch.engine), stream)
    assert interval.closed_at is None and interval.last_proof_at == moment(1)


def test_two_contents_of_one_key_keep_their_places(scratch: ScratchLedger) -> None:
    versions = [
        Version(key(TRANSCODE), body([connected(ALICE, 0), transcoded(ALICE, 5)])),
        Version(key(TRANSCODE), body([connected(BOB, 1), transcoded(BOB, 7)])),
    ]
    scratch.sync(MemorySource(versions))
    intervals = connections(SqlPresence(scratch.engine), TRANSCODE)
    assert intervals == scratch.connections(TRANSCODE)
    assert {one.worker: one.last_proof_at for one in intervals} == {
        ALICE: moment(5),
        BOB: moment(7),
    }


def test_inactive_workers_keep_their_history(scratch: ScratchLedger) -> None:
    scratch.sync(
        source_of(
            [connected(ALICE, 0), connected(BOB, 1, "2.2.2.2:2"), transcoded(ALICE, 30)],
            [reset(60), transcoded(BOB, 70)],
            [connected(ALICE, 120, "1.1.1.1:9")],
            [reset(180), transcoded(BOB, 190)],
        )
    )
    intervals = connections(SqlPresence(scratch.engine), TRANSCODE)
    rows = {one.worker: one for one in presence_by_worker(intervals)}
    assert (rows[ALICE].open_connections, rows[ALICE].connections) == (0, 2)
    assert rows[ALICE].first_seen_at == moment(0) and rows[ALICE].last_proof_at == moment(120)
    assert (rows[BOB].open_connections, rows[BOB].last_proof_at) == (1, moment(190))
    assert [one.closed_at for one in cut_off(intervals)] == [moment(60), moment(180)]


def test_a_stream_that_is_not_there_has_no_connections(scratch: ScratchLedger) -> None:
    assert connections(SqlPresence(scratch.engine), Stream("ai", "nowhere")) == []
