"""Redeemed tickets: collected from the event lake, checked on the chain, and added up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from openpool_management.domain.event_ids import decode_id
from openpool_management.domain.payouts.chain import Block
from openpool_management.domain.tickets import (
    Redeemed,
    Redemption,
    TicketCheck,
    TicketOutcome,
    TicketState,
    redeemed,
    told_ticket,
)
from openpool_management.services.ports import Lake, LedgerConflict
from openpool_management.services.ports.chain import Chain, ChainUnavailable
from openpool_management.services.ports.tickets import CollectedTicket, Stretch, Tickets

TICKET_EVENT = "ticket-redeemed"
HASHES_AT_ONCE = 100
NO_CHAIN = "No node of the chain is named: set ETH_RPC_ENDPOINT to check redemptions there."
MISSING_AFTER = timedelta(hours=1)
"""So much younger than the finalized block a transaction is not missed: clocks differ."""

MISSING_AGAIN = timedelta(days=1)
"""How long a missing transaction is not asked for again."""


@dataclass(frozen=True, slots=True)
class TicketLook:
    """What a look brought: tickets collected, answers of the chain, the ledger as it then stands.

    problem is the sentence that says why the chain could not be asked, None when it was.
    """

    collected: int
    checked: int
    problem: str | None
    revenue: Redeemed


def look_at_tickets(
    tickets: Tickets, lake: Lake, chain: Chain | None, chain_id: int, now: datetime
) -> TicketLook:
    """Collect tickets, check them where there is a node of the chain, and add them up.

    A node that can't be asked stops nothing: its tickets stay unverified.
    """
    collected = collect_tickets(tickets, lake)
    checked, problem = 0, None
    if chain is None:
        problem = NO_CHAIN
    else:
        try:
            checked = check_tickets(tickets, chain, chain_id, now)
        except ChainUnavailable as error:
            problem = str(error)
    return TicketLook(collected, checked, problem, redeemed_revenue(tickets))


def collect_tickets(tickets: Tickets, lake: Lake) -> int:
    """Take over the tickets of all batches that were committed since; how many they were.

    Safe to call at any time and from many processes at once: each ticket is collected once.
    """
    collected = 0
    while stretches := tickets.uncollected():
        for stretch in stretches:
            found = list(_tickets_of(stretch, lake))
            try:
                tickets.collect(stretch, found)
            except LedgerConflict:
                # Another process was faster; the next look finds what it left.
                continue
            collected += len(found)
    return collected


def redeemed_revenue(tickets: Tickets) -> Redeemed:
    """The redeemed-revenue ledger as it stands."""
    return redeemed(tickets.told(), tickets.checks())


def check_tickets(tickets: Tickets, chain: Chain, chain_id: int, now: datetime) -> int:
    """Ask the chain for transactions whose outcome is not known; how many answers were recorded.

    An answer is recorded once it is final, so an outcome is asked for until then and never again.
    Success is checked, not the face value: that stays the orchestrator's word.
    Raises ChainUnavailable, also for a node of another chain; what was answered until then is kept.
    """
    open_ones = _to_be_asked(redeemed_revenue(tickets), tickets.checks(), now)
    if not open_ones:
        return 0
    require_chain(chain, chain_id)
    # Asked for before the receipts: a receipt in a block up to this one can't be taken back.
    finalized = chain.finalized()
    recorded = 0
    for start in range(0, len(open_ones), HASHES_AT_ONCE):
        chunk = open_ones[start : start + HASHES_AT_ONCE]
        answers = list(_answers(chain, chunk, finalized, now))
        tickets.record(answers)
        recorded += len(answers)
    return recorded


def require_chain(chain: Chain, chain_id: int) -> None:
    """Raises ChainUnavailable for a node that is on another chain than CHAIN_ID says."""
    stated = chain.chain_id()
    if stated != chain_id:
        raise ChainUnavailable(
            f"{chain.name} is on chain {stated}, but CHAIN_ID is {chain_id}: "
            "set ETH_RPC_ENDPOINT to a node of that chain, or correct CHAIN_ID."
        )


def _tickets_of(stretch: Stretch, lake: Lake) -> Iterator[CollectedTicket]:
    for batch in stretch.batches:
        rows = (
            lake.scan([batch.file])
            .select("event_type", "event_id", "dt", "payload")
            .with_row_index("lake_row")
            .filter(pl.col("event_type") == TICKET_EVENT)
            .collect()
        )
        for row in rows.iter_rows(named=True):
            event_id = decode_id(row["event_id"])
            ticket = told_ticket(str(stretch.stream), event_id, row["dt"], row["payload"])
            yield CollectedTicket(batch.number, row["lake_row"], ticket)


def _to_be_asked(revenue: Redeemed, checks: list[TicketCheck], now: datetime) -> list[Redemption]:
    settled = {check.tx_hash for check in checks if check.outcome is not TicketOutcome.MISSING}
    lately = {check.tx_hash for check in checks if now - check.checked_at < MISSING_AGAIN}
    return [
        one
        for one in revenue.redemptions
        if one.tx_hash
        and one.state is not TicketState.FAILED
        and one.tx_hash not in settled | lately
    ]


def _answers(
    chain: Chain, chunk: list[Redemption], finalized: Block, now: datetime
) -> Iterator[TicketCheck]:
    receipts = {one.tx_hash: one for one in chain.receipts([one.tx_hash for one in chunk])}
    for one in chunk:
        receipt = receipts.get(one.tx_hash)
        if receipt is None:
            age_s = finalized.timestamp_s - one.dt.timestamp()
            if age_s >= MISSING_AFTER.total_seconds():
                yield TicketCheck(one.tx_hash, TicketOutcome.MISSING, finalized.number, now)
        elif receipt.block_number <= finalized.number:
            outcome = TicketOutcome.SUCCEEDED if receipt.succeeded else TicketOutcome.REVERTED
            yield TicketCheck(one.tx_hash, outcome, receipt.block_number, now)
