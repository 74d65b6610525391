"""Ticket-redeemed events, a chain that knows what tests tell it, and what was redeemed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openpool_management.adapters.sql.tickets import SqlTickets
from openpool_management.domain.payouts.chain import Block, ChainTransaction, Receipt, SendReply
from openpool_management.domain.streams import Stream
from openpool_management.domain.tickets import NO_TRANSACTION, Redeemed, TicketState
from openpool_management.services.ports.chain import ChainUnavailable, Outlook
from openpool_management.services.tickets import collect_tickets, redeemed_revenue
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.log_objects import ALICE, BOB, Event, event

CHAIN_ID = 42161


def tx_hash(number: int) -> str:
    """A numbered transaction's hash; 0 is that of none."""
    return f"0x{number:064x}"


def ticket(
    stream: Stream, second: int = 0, /, *, no: int = 0, tx: int = 1, wei: int = 5, **more: Any
) -> Event:
    """A ticket-redeemed; tx numbers its transaction, 0 for none."""
    fields: dict[str, Any] = {
        "recipient": ALICE.lower(),
        "sender": BOB.lower(),
        "faceValue": wei,
        "winProb": 2**256 - 1,
        "pricePerPixel": "49/3",
        "creationRound": 3_900,
        "txHash": tx_hash(tx),
    }
    return event(stream, "ticket-redeemed", second, no=no, **(fields | more))


def revenue_of(scratch: ScratchLedger) -> Redeemed:
    """The redeemed-revenue ledger, brought up to date without a chain."""
    tickets = SqlTickets(scratch.engine)
    collect_tickets(tickets, scratch.lake)
    return redeemed_revenue(tickets)


def sums(revenue: Redeemed) -> dict[str, int]:
    """Wei in each state that has some."""
    return {state.value: revenue.wei(state) for state in TicketState if revenue.count(state)}


def told_sums(payloads: Sequence[dict[str, Any]]) -> dict[str, int]:
    """What payloads add up to when no two of them disagree, worked out in the plainest way."""
    paid = {one["txHash"]: one["faceValue"] for one in payloads if one["txHash"] != NO_TRANSACTION}
    return {"unverified": sum(paid.values())} if paid else {}


class ToldChain:
    """A Chain whose blocks, receipts and balances are what a test says; it sends nothing."""

    def __init__(self, at: datetime, *, finalized: int = 100, chain_id: int = CHAIN_ID) -> None:
        self.at = at
        self.head = finalized
        self.id = chain_id
        self.held: dict[str, Receipt] = {}
        self.balances_wei: dict[str, int] = {}
        self.asked: list[list[str]] = []
        self.down = False

    def hold(self, number: int, block: int = 1, *, succeeded: bool = True) -> None:
        """Let a block hold a numbered transaction."""
        name = tx_hash(number)
        self.held[name] = Receipt(name, block, tx_hash(10**6 + block), succeeded, 21_000, 10**7)

    @property
    def name(self) -> str:
        return "the told chain"

    def chain_id(self) -> int:
        if self.down:
            raise ChainUnavailable("the told chain does not answer: start it.")
        return self.id

    def latest(self) -> Block:
        return self.finalized()

    def finalized(self) -> Block:
        return Block(self.head, tx_hash(10**6 + self.head), int(self.at.timestamp()), 10**7)

    def block(self, number: int) -> Block | None:
        return None

    def nonce(self, address: str, block: int | None = None) -> int:
        return 0

    def balance_wei(self, address: str, block: int | None = None) -> int:
        assert block == self.head
        return self.balances_wei.get(address, 0)

    def code(self, address: str) -> bytes:
        return b""

    def outlook(self, sender: str, to: str, value_wei: int) -> Outlook:
        return Outlook(0, self.balances_wei.get(sender, 0), 10**7, 21_000)

    def priority_fee_wei(self) -> int:
        return 0

    def receipts(self, hashes: Sequence[str]) -> list[Receipt]:
        self.asked.append(list(hashes))
        return [self.held[one] for one in hashes if one in self.held]

    def transaction(self, tx_hash: str) -> ChainTransaction | None:
        return None

    def sent_in_block(self, sender: str, number: int) -> list[ChainTransaction]:
        return []

    def send(self, raw: bytes) -> SendReply:
        raise AssertionError("Nothing is sent to look at tickets.")
