"""Redemptions and wallets are looked at on a real chain, and only what is final counts."""

import pytest

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.adapters.sql.tickets import SqlTickets
from openpool_management.services.solvency import solvency_report
from openpool_management.services.tickets import (
    check_tickets,
    collect_tickets,
    redeemed_revenue,
)
from openpool_management_tests.ledgers import Log, ScratchLedger
from openpool_management_tests.log_objects import ALICE, BOB, NOW, TRANSCODE, transcoded
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.services.ticket_events import CHAIN_ID, sums, ticket

CONTRACT = "0x00000000000000000000000000000000000cA11E"
WALLET = "0x000000000000000000000000000000000000bEEF"


@pytest.fixture
def chain(anvil: AnvilServer) -> RpcChain:
    """The node as the code asks it."""
    return RpcChain(anvil.url)


def redeem(anvil: AnvilServer, to: str = BOB) -> str:
    """A transaction of an orchestrator's; its hash."""
    return anvil.send(anvil.transfer(anvil.account(), to, 1, gas=60_000))


def test_redemptions_are_verified_once_they_are_final(
    scratch: ScratchLedger, anvil: AnvilServer, chain: RpcChain
) -> None:
    anvil.refuse_payments(CONTRACT)
    good, bad, made_up = redeem(anvil), redeem(anvil, CONTRACT), "0x" + "ab" * 32
    Log(scratch).read(
        TRANSCODE,
        0,
        ticket(TRANSCODE, 1, txHash=good, wei=2**63 + 1),
        ticket(TRANSCODE, 2, txHash=good.upper().replace("X", "x"), wei=2**63 + 1),
        ticket(TRANSCODE, 3, txHash=bad, wei=70),
        ticket(TRANSCODE, 4, txHash=made_up, wei=900),
        ticket(TRANSCODE, 5, tx=0, wei=4_000),
    )
    tickets = SqlTickets(scratch.engine)
    collect_tickets(tickets, scratch.lake)
    check_tickets(tickets, chain, CHAIN_ID, NOW)
    before = {"unverified": 2**63 + 71, "doubtful": 900}
    assert sums(redeemed_revenue(tickets)) == before
    anvil.finalize()
    assert check_tickets(tickets, chain, CHAIN_ID, NOW) == 2
    after = {"verified": 2**63 + 1, "failed": 70, "doubtful": 900}
    assert sums(redeemed_revenue(tickets)) == after
    assert check_tickets(tickets, chain, CHAIN_ID, NOW) == 0


def test_a_redemption_that_a_reorganization_took_back_is_doubtful(
    scratch: ScratchLedger, anvil: AnvilServer, chain: RpcChain
) -> None:
    anvil.mine(3)
    Log(scratch).read(TRANSCODE, 0, ticket(TRANSCODE, 1, txHash=redeem(anvil)))
    tickets = SqlTickets(scratch.engine)
    collect_tickets(tickets, scratch.lake)
    assert check_tickets(tickets, chain, CHAIN_ID, NOW) == 0
    anvil.rpc("anvil_reorg", 1, [])
    anvil.rpc("anvil_dropAllTransactions")
    anvil.finalize()
    assert check_tickets(tickets, chain, CHAIN_ID, NOW) == 1
    assert sums(redeemed_revenue(tickets)) == {"doubtful": 5}


def test_the_wallet_counts_by_the_finalized_block(
    scratch: ScratchLedger, anvil: AnvilServer, chain: RpcChain
) -> None:
    Log(scratch).read(TRANSCODE, 0, transcoded(ALICE))
    donor = anvil.account()

    def shortfall_wei() -> int | None:
        tickets = SqlTickets(scratch.engine)
        return solvency_report(
            scratch.books, tickets, scratch.lake, chain, CHAIN_ID, WALLET, [], NOW
        ).shortfall_wei

    assert shortfall_wei() == 26
    anvil.send(anvil.transfer(donor, WALLET, 25))
    assert shortfall_wei() == 26
    anvil.finalize()
    assert shortfall_wei() == 1
    anvil.send(anvil.transfer(donor, WALLET, 2**64))
    anvil.finalize()
    assert shortfall_wei() == 0
