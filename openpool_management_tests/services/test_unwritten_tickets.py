"""Tickets in a process that only reads: the same sums as where they are written, nothing twice."""

from openpool_management.adapters.sql.engine import ledger_engine
from openpool_management.adapters.sql.tickets import SqlTickets
from openpool_management.services.tickets import look_at_tickets
from openpool_management.services.unwritten_tickets import Unwritten, UnwrittenTickets
from openpool_management_tests.ledgers import Log, ScratchLedger
from openpool_management_tests.log_objects import AI, TRANSCODE, moment
from openpool_management_tests.services.ticket_events import (
    CHAIN_ID,
    ToldChain,
    revenue_of,
    sums,
    ticket,
    tx_hash,
)

LATER = moment(7_200)


def test_a_look_that_writes_nothing_sees_the_same(scratch: ScratchLedger, ledger_url: str) -> None:
    log, chain, own = Log(scratch), ToldChain(LATER), Unwritten()
    reading = ledger_engine(ledger_url, read_only=True)
    tickets = UnwrittenTickets(SqlTickets(reading), own)

    def look() -> dict[str, int]:
        return sums(look_at_tickets(tickets, scratch.lake, chain, CHAIN_ID, LATER).revenue)

    log.read(AI, 0, ticket(AI, 1, tx=1, wei=2**63 + 1), ticket(AI, 2, tx=2, wei=5))
    chain.hold(1)
    assert look() == {"verified": 2**63 + 1, "doubtful": 5}
    assert chain.asked == [[tx_hash(1), tx_hash(2)]]
    assert look() == {"verified": 2**63 + 1, "doubtful": 5} and len(chain.asked) == 1
    assert SqlTickets(scratch.engine).told() == []
    log.read(TRANSCODE, 0, ticket(TRANSCODE, 3, tx=3, wei=7))
    assert look() == {"verified": 2**63 + 1, "doubtful": 12}
    assert chain.asked[1:] == [[tx_hash(3)]]
    # What another process collects meanwhile is the same, and counts once.
    assert sums(revenue_of(scratch)) == {"unverified": 2**63 + 1 + 5 + 7}
    assert look() == {"verified": 2**63 + 1, "doubtful": 12} and len(chain.asked) == 2
    assert len(tickets.told()) == len(own.told) == 3
    reading.dispose()
