"""Tickets are collected once, whatever is read how often in which order, and checked to the end."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.holds import SqlHolds
from openpool_management.adapters.sql.tickets import SqlTickets
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.streams import Stream
from openpool_management.domain.tickets import MAX_FACE_VALUE_WEI, Redeemed, TicketOutcome
from openpool_management.services.holds import open_holds, release
from openpool_management.services.ports.chain import ChainUnavailable
from openpool_management.services.tickets import (
    HASHES_AT_ONCE,
    NO_CHAIN,
    check_tickets,
    collect_tickets,
    look_at_tickets,
    redeemed_revenue,
)
from openpool_management.simulation import Simulation, SimulationOptions
from openpool_management_tests.ledgers import (
    Log,
    MemorySource,
    ScratchLedger,
    Version,
    sync_in_turns,
)
from openpool_management_tests.log_objects import AI, NOW, TRANSCODE, body, key, moment
from openpool_management_tests.services.ticket_events import (
    CHAIN_ID,
    ToldChain,
    revenue_of,
    sums,
    ticket,
    told_sums,
    tx_hash,
)

LATER = moment(7_200)


@pytest.fixture
def log(scratch: ScratchLedger) -> Log:
    """An empty log that is read into the empty ledger object by object."""
    return Log(scratch)


def test_tickets_of_all_streams_count_once_each(scratch: ScratchLedger, log: Log) -> None:
    log.read(AI, 0, ticket(AI, 1, tx=1, wei=2**63 + 1), ticket(AI, 2, tx=0, wei=9))
    assert sums(revenue_of(scratch)) == {"unverified": 2**63 + 1}
    log.read(TRANSCODE, 0, ticket(TRANSCODE, 3, tx=1, wei=2**63 + 1))
    log.read(AI, 60, ticket(AI, 61, tx=2, wei=2**130), ticket(AI, 62, tx=1, wei=2**63 + 1))
    revenue = revenue_of(scratch)
    assert sums(revenue) == {"unverified": 2**63 + 1 + 2**130}
    assert [one.told for one in revenue.redemptions] == [3, 1]
    assert revenue.without_transaction == 1


def test_objects_read_again_tell_nothing_new(scratch: ScratchLedger, log: Log) -> None:
    events = [ticket(AI, 1, no=1), ticket(AI, 2, no=2, tx=2)]
    log.read(AI, 0, *events)
    tickets = SqlTickets(scratch.engine)
    assert collect_tickets(tickets, scratch.lake) == 2
    log.source.add([Version(key(AI, 0), body(events) + b"\n")])
    scratch.sync(log.source, full=True)
    assert collect_tickets(tickets, scratch.lake) == 0
    assert sums(redeemed_revenue(tickets)) == {"unverified": 10}


def test_contradictions_and_impossible_values_are_doubtful(
    scratch: ScratchLedger, log: Log
) -> None:
    log.read(
        AI,
        0,
        ticket(AI, 1, tx=1, wei=5),
        ticket(AI, 2, tx=1, wei=6),
        ticket(AI, 3, tx=2, wei=MAX_FACE_VALUE_WEI),
        ticket(AI, 4, tx=3, wei=10**100),
        ticket(AI, 5, txHash="0x12"),
    )
    revenue = revenue_of(scratch)
    assert sums(revenue) == {"unverified": MAX_FACE_VALUE_WEI, "doubtful": 6 + 0 + 5}
    assert len(revenue.doubts) == 3


def test_a_released_ticket_counts(scratch: ScratchLedger, log: Log) -> None:
    log.read(AI, 0, ticket(AI, 1, tx=1) | {"Region": "elsewhere"})
    assert revenue_of(scratch).redemptions == ()
    holds = SqlHolds(scratch.engine)
    (item,) = open_holds(holds)
    release(holds, scratch.ledger, scratch.lake, PairRules(), item.id, "seen on the chain", NOW)
    assert sums(revenue_of(scratch)) == {"unverified": 5}


def test_collectors_at_once_collect_each_ticket_once(scratch: ScratchLedger, log: Log) -> None:
    for number in range(6):
        stream = (AI, TRANSCODE)[number % 2]
        log.read(stream, number * 60, ticket(stream, number * 60, tx=number + 1))
    url = scratch.engine.url.render_as_string(hide_password=False)

    def collect(_: int) -> int:
        engine = ledger_engine(url)
        try:
            return collect_tickets(SqlTickets(engine), scratch.lake)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(collect, range(4))) == 6
    revenue = redeemed_revenue(SqlTickets(scratch.engine))
    assert sums(revenue) == {"unverified": 30}
    assert [one.told for one in revenue.redemptions] == [1] * 6


@st.composite
def ticket_logs(draw: st.DrawFn) -> list[Version]:
    """Objects of two streams with few transactions, so that they repeat and contradict."""
    versions = []
    for place in range(draw(st.integers(1, 5))):
        stream = draw(st.sampled_from([AI, TRANSCODE]))
        events = [
            ticket(
                stream,
                60 * place + draw(st.integers(0, 2)),
                no=100 * place + number,
                tx=draw(st.integers(0, 4)),
                wei=draw(st.sampled_from([5, 5, 5, 2**63 + 1])),
            )
            for number in range(1, draw(st.integers(0, 4)) + 1)
        ]
        versions.append(Version(key(stream, 60 * place), body(events)))
    return versions


def read_in_turns(
    turns: Sequence[Sequence[Version]], *, batch_objects: int = 250, each_turn: bool = False
) -> Redeemed:
    with TemporaryDirectory() as directory, ScratchLedger.in_directory(Path(directory)) as scratch:
        source = MemorySource()
        for versions in turns:
            source.add(versions)
            scratch.sync(source, full=True, batch_objects=batch_objects)
            if each_turn:
                revenue_of(scratch)
        return revenue_of(scratch)


@settings(max_examples=20, deadline=None)
@given(ticket_logs(), st.data())
def test_split_order_and_repetition_change_nothing(
    versions: list[Version], data: st.DataObject
) -> None:
    again = [Version(one.key, one.data + b"\n") for one in versions[:2]]
    shuffled = data.draw(st.permutations([*versions, *again]))
    cuts = data.draw(st.sets(st.integers(1, len(shuffled)), max_size=3))
    turns = [shuffled[lo:hi] for lo, hi in pairwise([0, *sorted(cuts), len(shuffled)])]
    split = read_in_turns(
        turns,
        batch_objects=data.draw(st.sampled_from([1, 250])),
        each_turn=data.draw(st.booleans()),
    )
    assert split == read_in_turns([versions])


def test_a_simulated_log_adds_up_in_any_order(ledger_url: str, tmp_path: Path) -> None:
    simulation = Simulation(
        SimulationOptions(
            streams=(Stream("ai", "us-central-1"), Stream("transcode", "oceania")),
            workers=4,
            events=2_500,
            seed=4,
            late_share=0.2,
            collision_share=0.3,
            flush_seconds=20,
        )
    )
    flushes = list(simulation.run())
    payloads: list[dict[str, Any]] = [
        one["Payload"]
        for flush in flushes
        for one in json.loads(flush.body) or []
        if one["EventType"] == "ticket-redeemed"
    ]
    truth = simulation.expected_ledger()["streams"].values()
    assert len(payloads) == sum(stream["events"]["ticket-redeemed"] for stream in truth) > 10
    assert len({one["txHash"] for one in payloads}) < len(payloads)
    versions = [Version(flush.key, flush.body) for flush in flushes]
    shuffled = Random(4).sample(versions, len(versions))
    with ScratchLedger(ledger_url, tmp_path / "lake") as scratch:
        turns = [shuffled[place : place + 40] for place in range(0, len(shuffled), 40)]
        sync_in_turns(scratch, turns)
        revenue = revenue_of(scratch)
    assert sums(revenue) == told_sums(payloads)
    told = revenue.without_transaction + sum(one.told for one in revenue.redemptions)
    assert told == len(payloads)


def test_each_transaction_is_asked_for_until_its_outcome_is_final(
    scratch: ScratchLedger, log: Log
) -> None:
    log.read(AI, 0, *(ticket(AI, 1, tx=number, wei=10**number) for number in range(5)))
    log.read(TRANSCODE, 0, ticket(TRANSCODE, 1, tx=1, wei=10))
    tickets, chain = SqlTickets(scratch.engine), ToldChain(moment(60), finalized=100)
    collect_tickets(tickets, scratch.lake)
    chain.hold(1, block=100)
    chain.hold(2, block=99, succeeded=False)
    chain.hold(3, block=101)
    assert check_tickets(tickets, chain, CHAIN_ID, NOW) == 2
    assert sums(redeemed_revenue(tickets)) == {
        "verified": 10,
        "failed": 100,
        "unverified": 1_000 + 10_000,
    }
    chain.at, chain.head = LATER, 101
    chain.asked.clear()
    assert check_tickets(tickets, chain, CHAIN_ID, NOW) == 2
    assert [set(one) for one in chain.asked] == [{tx_hash(3), tx_hash(4)}]
    assert sums(redeemed_revenue(tickets)) == {
        "verified": 10 + 1_000,
        "failed": 100,
        "doubtful": 10_000,
    }


def test_a_missing_transaction_is_asked_for_again_after_a_day(
    scratch: ScratchLedger, log: Log
) -> None:
    log.read(AI, 0, ticket(AI, 1))
    tickets, chain = SqlTickets(scratch.engine), ToldChain(LATER)
    collect_tickets(tickets, scratch.lake)
    assert check_tickets(tickets, chain, CHAIN_ID, NOW) == 1
    assert [one.outcome for one in tickets.checks()] == [TicketOutcome.MISSING]
    assert "The chain holds no such transaction" in redeemed_revenue(tickets).doubts[0]
    chain.hold(1)
    assert check_tickets(tickets, chain, CHAIN_ID, NOW + timedelta(hours=23)) == 0
    assert check_tickets(tickets, chain, CHAIN_ID, NOW + timedelta(hours=25)) == 1
    assert sums(redeemed_revenue(tickets)) == {"verified": 5}
    chain.asked.clear()
    assert check_tickets(tickets, chain, CHAIN_ID, NOW + timedelta(days=9)) == 0
    assert chain.asked == []


def test_many_are_asked_for_in_portions(scratch: ScratchLedger, log: Log) -> None:
    number = 2 * HASHES_AT_ONCE + 1
    log.read(AI, 0, *(ticket(AI, 1, tx=one + 1) for one in range(number)))
    tickets, chain = SqlTickets(scratch.engine), ToldChain(LATER)
    collect_tickets(tickets, scratch.lake)
    for one in range(number):
        chain.hold(one + 1)
    assert check_tickets(tickets, chain, CHAIN_ID, NOW) == number
    assert [len(one) for one in chain.asked] == [HASHES_AT_ONCE, HASHES_AT_ONCE, 1]
    assert sums(redeemed_revenue(tickets)) == {"verified": 5 * number}


def test_a_node_of_another_chain_is_not_believed(scratch: ScratchLedger, log: Log) -> None:
    log.read(AI, 0, ticket(AI, 1))
    tickets, chain = SqlTickets(scratch.engine), ToldChain(LATER, chain_id=1)
    collect_tickets(tickets, scratch.lake)
    with pytest.raises(ChainUnavailable, match=r"on chain 1, but CHAIN_ID is 42161: set"):
        check_tickets(tickets, chain, CHAIN_ID, NOW)
    assert tickets.checks() == []


def test_a_node_that_is_down_stops_nothing(scratch: ScratchLedger, log: Log) -> None:
    log.read(AI, 0, ticket(AI, 1))
    tickets, chain = SqlTickets(scratch.engine), ToldChain(LATER)
    chain.hold(1)
    look = look_at_tickets(tickets, scratch.lake, None, CHAIN_ID, NOW)
    assert (look.collected, look.checked, look.problem) == (1, 0, NO_CHAIN)
    chain.down = True
    look = look_at_tickets(tickets, scratch.lake, chain, CHAIN_ID, NOW)
    assert (look.checked, look.problem) == (0, "the told chain does not answer: start it.")
    assert sums(look.revenue) == {"unverified": 5}
    chain.down = False
    look = look_at_tickets(tickets, scratch.lake, chain, CHAIN_ID, NOW)
    assert (look.collected, look.checked, look.problem) == (0, 1, None)
    assert sums(look.revenue) == {"verified": 5}
