"""Solvency adds up what the ledger, the tickets and the chain say, to the wei."""

from dataclasses import replace

import pytest

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.adapters.sql.tickets import SqlTickets
from openpool_management.domain.accounts import Account, AccountKind, Standing
from openpool_management.domain.payouts.payout import (
    Attempt,
    Event,
    Intent,
    Mark,
    Payout,
    Purpose,
    Slot,
)
from openpool_management.domain.payouts.transactions import SignedTransfer, Transfer
from openpool_management.domain.tickets import Redeemed
from openpool_management.services.solvency import (
    Solvency,
    SolvencyReport,
    WalletLook,
    solvency,
    solvency_report,
)
from openpool_management.services.tickets import NO_CHAIN
from openpool_management_tests.ledgers import Log, ScratchLedger
from openpool_management_tests.log_objects import (
    ALICE,
    NOW,
    TRANSCODE,
    moment,
    transcoded,
)
from openpool_management_tests.services.ticket_events import CHAIN_ID, ToldChain, ticket

WALLET = "0x000000000000000000000000000000000000bEEF"
NOTHING = Redeemed((), 0)
EARNED_WEI, PAID_WEI, RESERVED_WEI, GAS_WEI, FUNDED_WEI = 2**64, 1_000, 500, 30, 2**65


def standing(
    kind: AccountKind, balance_wei: int, *, stream: str = "", worker: str = ""
) -> Standing:
    return Standing(Account(kind, stream, worker), balance_wei)


def books_after_payouts() -> list[Standing]:
    """A worker earned, was paid, and has a payout under way; it all sums to zero."""
    stream = str(TRANSCODE)
    return [
        standing(AccountKind.REVENUE, -EARNED_WEI - 9 - 7 - 3, stream=stream),
        standing(AccountKind.PAYABLE, EARNED_WEI, stream=stream, worker=ALICE),
        standing(AccountKind.COMMISSION, 9, stream=stream, worker=ALICE),
        standing(AccountKind.UNATTRIBUTED, 7, stream=stream),
        standing(AccountKind.HELD, 3, stream=stream),
        standing(AccountKind.PAYABLE, -PAID_WEI - RESERVED_WEI, worker=ALICE),
        standing(AccountKind.IN_PAYOUT, RESERVED_WEI, worker=ALICE),
        standing(AccountKind.GAS, -GAS_WEI, worker=WALLET),
        standing(AccountKind.FUNDING, FUNDED_WEI, worker=WALLET),
        standing(AccountKind.WALLET, PAID_WEI + GAS_WEI - FUNDED_WEI, worker=WALLET),
    ]


def test_every_line_is_where_it_belongs() -> None:
    books = books_after_payouts()
    assert sum(one.balance_wei for one in books) == 0
    assert solvency(books, NOTHING, None) == Solvency(
        fees_wei=EARNED_WEI + 19,
        earned_wei=EARNED_WEI,
        commission_wei=9,
        unattributed_wei=7,
        held_wei=3,
        redeemed_wei=0,
        verified_wei=0,
        unverified_wei=0,
        doubtful_wei=0,
        paid_wei=PAID_WEI,
        in_payout_wei=RESERVED_WEI,
        sent_wei=0,
        payable_wei=EARNED_WEI - PAID_WEI - RESERVED_WEI,
        owed_wei=EARNED_WEI - PAID_WEI,
        gas_wei=GAS_WEI,
        funding_wei=FUNDED_WEI,
        unexplained_wei=0,
        wallet_wei=FUNDED_WEI - PAID_WEI - GAS_WEI,
        chain_wei=None,
        chain_block=None,
    )


def with_wallet(wallet_wei: int | None, chain_wei: int | None, sent_wei: int = 40) -> Solvency:
    """100 wei owed, 40 of it set aside, and signed unless a test says less."""
    return replace(
        solvency([], NOTHING, None),
        owed_wei=100,
        payable_wei=60,
        in_payout_wei=40,
        sent_wei=sent_wei,
        wallet_wei=wallet_wei,
        chain_wei=chain_wei,
    )


@pytest.mark.parametrize(
    ("wallet_wei", "chain_wei", "shortfall_wei"),
    [
        (None, None, None),
        (100, None, 0),
        (99, None, 1),
        (None, 100, 0),
        (None, 99, 1),
        (100, 100, 0),
        # A payout of 40 left the wallet, and the ledger doesn't know yet.
        (100, 60, 0),
        # It paid 5 for gas, too, and nobody knows of that.
        (100, 55, 5),
        # Somebody emptied it.
        (100, 0, 60),
        (1_000, 0, 60),
        # Money came in that is not posted.
        (0, 100, 0),
        (0, 99, 1),
    ],
)
def test_the_wallet_covers_what_is_owed_or_lacks_so_much(
    wallet_wei: int | None, chain_wei: int | None, shortfall_wei: int | None
) -> None:
    result = with_wallet(wallet_wei, chain_wei)
    assert result.shortfall_wei == shortfall_wei
    assert result.covered == (None if shortfall_wei is None else shortfall_wei == 0)


def test_what_is_set_aside_and_not_signed_has_not_left() -> None:
    assert with_wallet(100, 60, sent_wei=0).shortfall_wei == 40
    assert with_wallet(100, 60, sent_wei=30).shortfall_wei == 10


def payout(*events: Event, signed: Purpose | None = Purpose.PAYOUT) -> Payout:
    """Of 40 wei, with a nonce and what is signed for it."""
    transfer = Transfer(CHAIN_ID, 7, ALICE, 40, 21_000, 1, 0)
    whole = SignedTransfer("0x07", WALLET, transfer, b"")
    attempts = () if signed is None else (Attempt(whole, signed, NOW),)
    intent = Intent("id", "2026-11-23", ALICE, ALICE, 40, CHAIN_ID, WALLET, NOW)
    return Payout(intent, (Slot(1, 7, attempts),), events)


def sighting(mark: Mark, block: int | None = None) -> Event:
    return Event(mark, NOW, 1, "0x07", block)


@pytest.mark.parametrize(
    ("open_payout", "sent_wei"),
    [
        (Payout(payout().intent), 0),
        (payout(signed=None), 0),
        (payout(), 40),
        (payout(sighting(Mark.SEEN, 9)), 40),
        (payout(sighting(Mark.SEEN, 10)), 0),
        (payout(sighting(Mark.SEEN, 10), sighting(Mark.LOST)), 40),
        (payout(sighting(Mark.FOREIGN)), 0),
        (payout(signed=Purpose.CANCEL), 0),
    ],
    ids=["reserved", "slotted", "signed", "seen", "seen later", "lost", "foreign", "cancelled"],
)
def test_what_may_have_left_the_wallet_by_a_block(open_payout: Payout, sent_wei: int) -> None:
    found = solvency([], NOTHING, WalletLook(0, 9), [open_payout])
    assert found.sent_wei == sent_wei


def test_sentences_say_what_to_do() -> None:
    owed = "0.0000000000000001 ETH"
    assert with_wallet(100, None).sentence.startswith(f"The wallet covers the {owed} that is owed")
    assert with_wallet(99, None).sentence == (
        f"The wallet does not cover the {owed} that is owed: "
        "send it 0.000000000000000001 ETH, and some more for gas."
    )
    assert "is not known: ETH_RPC_ENDPOINT" in with_wallet(None, None).sentence


@pytest.fixture
def filled(scratch: ScratchLedger) -> ScratchLedger:
    """A worker is owed 26 wei of 35; a ticket of 2^63 + 1 wei was redeemed, and one of 7."""
    Log(scratch).read(
        TRANSCODE,
        0,
        transcoded(ALICE),
        ticket(TRANSCODE, 1, tx=1, wei=2**63 + 1),
        ticket(TRANSCODE, 2, tx=2, wei=7),
    )
    return scratch


def report(
    scratch: ScratchLedger, chain: ToldChain | RpcChain | None, sender: str | None = WALLET
) -> SolvencyReport:
    return solvency_report(
        scratch.books,
        SqlTickets(scratch.engine),
        scratch.lake,
        chain,
        CHAIN_ID,
        sender,
        [],
        NOW,
    )


def test_a_report_without_a_chain(filled: ScratchLedger) -> None:
    found = report(filled, None)
    assert (found.covered, found.shortfall_wei, found.problem) == (None, None, NO_CHAIN)
    assert found.solvency.fees_wei == 35
    assert found.solvency.owed_wei == found.solvency.earned_wei == 26
    assert found.solvency.redeemed_wei == found.solvency.unverified_wei == 2**63 + 8
    assert found.tickets == {"verified": 0, "unverified": 2, "doubtful": 0, "failed": 0}


def test_a_report_with_a_chain(filled: ScratchLedger) -> None:
    chain = ToldChain(moment(7_200), finalized=9)
    chain.hold(1)
    chain.hold(2, succeeded=False)
    chain.balances_wei[WALLET] = 25
    found = report(filled, chain)
    assert (found.covered, found.shortfall_wei, found.problem) == (False, 1, None)
    assert (found.solvency.chain_wei, found.solvency.chain_block) == (25, 9)
    assert found.solvency.redeemed_wei == found.solvency.verified_wei == 2**63 + 1
    assert found.tickets == {"verified": 1, "unverified": 0, "doubtful": 0, "failed": 1}
    chain.balances_wei[WALLET] = 26
    assert report(filled, chain).covered is True


def test_a_report_without_a_wallet_asks_for_none(filled: ScratchLedger) -> None:
    found = report(filled, ToldChain(moment(7_200)), sender=None)
    assert (found.solvency.chain_wei, found.covered, found.problem) == (None, None, None)
    assert len(found.doubts) == found.tickets["doubtful"] == 2


def test_a_report_when_the_node_is_down_or_of_another_chain(filled: ScratchLedger) -> None:
    chain = ToldChain(moment(7_200))
    chain.down = True
    assert report(filled, chain).problem == "the told chain does not answer: start it."
    other = ToldChain(moment(7_200), chain_id=5)
    assert "the told chain is on chain 5" in (report(filled, other).problem or "")
    assert report(filled, other).solvency.chain_wei is None
