"""Solvency: what came in, what is owed, and whether the wallet covers it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from openpool_management.domain.accounts import AccountKind, Standing
from openpool_management.domain.money import format_eth
from openpool_management.domain.payouts.payout import Payout
from openpool_management.domain.tickets import Redeemed, TicketState
from openpool_management.services.ports import Books, Lake
from openpool_management.services.ports.chain import Chain, ChainUnavailable
from openpool_management.services.ports.tickets import Tickets
from openpool_management.services.tickets import look_at_tickets, require_chain


@dataclass(frozen=True, slots=True)
class WalletLook:
    """What the wallets hold on the chain at a finalized block."""

    balance_wei: int
    block_number: int


@dataclass(frozen=True, slots=True)
class Solvency:
    """The pool's money at a glance, over all streams, in wei.

    fees_wei is what the jobs earned: earned_wei by workers after commission, commission_wei,
    unattributed_wei and held_wei together. Of earned_wei, payable_wei is still owed,
    in_payout_wei is set aside for payouts that are not final, paid_wei was paid; owed_wei is the
    first two. Redeemed amounts are the face values of tickets. wallet_wei is what the ledger says
    the wallets hold, None without a wallet in it; chain_wei what the chain said at finalized block
    chain_block, None where it was not asked. sent_wei is the part of in_payout_wei that may have
    left the wallets by that block.
    """

    fees_wei: int
    earned_wei: int
    commission_wei: int
    unattributed_wei: int
    held_wei: int
    redeemed_wei: int
    verified_wei: int
    unverified_wei: int
    doubtful_wei: int
    paid_wei: int
    in_payout_wei: int
    sent_wei: int
    payable_wei: int
    owed_wei: int
    gas_wei: int
    funding_wei: int
    unexplained_wei: int
    wallet_wei: int | None
    chain_wei: int | None
    chain_block: int | None

    @property
    def shortfall_wei(self) -> int | None:
        """What the wallet lacks of what is owed, 0 if it covers it, None if its balance is unknown.

        The chain counts before the ledger. It may be ahead of it by payouts that left the wallet
        and are not settled: so much of what was sent is not owed a second time.
        """
        if self.chain_wei is None:
            return None if self.wallet_wei is None else max(self.owed_wei - self.wallet_wei, 0)
        left_wei = max((self.wallet_wei or 0) - self.chain_wei, 0)
        return max(self.owed_wei - min(left_wei, self.sent_wei) - self.chain_wei, 0)

    @property
    def covered(self) -> bool | None:
        """Whether the wallet covers what is owed, None if its balance is unknown."""
        return None if self.shortfall_wei is None else self.shortfall_wei == 0

    @property
    def sentence(self) -> str:
        """Whether the wallet covers what is owed, and what to do if not."""
        owed = f"{format_eth(self.owed_wei)} ETH"
        if self.shortfall_wei is None:
            return (
                f"{owed} is owed. What the wallet holds is not known: ETH_RPC_ENDPOINT has to name "
                "a node that answers, and OPENPOOL_PAYOUT_SENDER the wallet."
            )
        if self.covered:
            return f"The wallet covers the {owed} that is owed, the gas to pay it not counted."
        return (
            f"The wallet does not cover the {owed} that is owed: send it "
            f"{format_eth(self.shortfall_wei)} ETH, and some more for gas."
        )


@dataclass(frozen=True, slots=True)
class SolvencyReport:
    """The pool's money, what is to be said of it, and how many redemptions there are by state.

    without_transaction counts events of redemptions that failed before they had a transaction.
    doubts has a sentence for each doubtful redemption; problem says why the chain could not be
    asked, None when it was.
    """

    solvency: Solvency
    covered: bool | None
    shortfall_wei: int | None
    sentence: str
    tickets: dict[str, int]
    without_transaction: int
    doubts: tuple[str, ...]
    problem: str | None


def solvency_report(
    books: Books,
    tickets: Tickets,
    lake: Lake,
    chain: Chain | None,
    chain_id: int,
    sender: str | None,
    open_payouts: Iterable[Payout],
    now: datetime,
) -> SolvencyReport:
    """Collect and check tickets, look at the wallets, and put it all together.

    The wallets are those in the ledger, and the sender of payouts where there is one. A node that
    can't be asked stops nothing.
    """
    look = look_at_tickets(tickets, lake, chain, chain_id, now)
    standings = books.standings()
    wallets = wallets_of(standings) | ({sender} if sender else set())
    problem, on_chain = look.problem, None
    if chain is not None and wallets and problem is None:
        try:
            on_chain = look_at_wallets(chain, chain_id, wallets)
        except ChainUnavailable as error:
            problem = str(error)
    result = solvency(standings, look.revenue, on_chain, open_payouts)
    return SolvencyReport(
        solvency=result,
        covered=result.covered,
        shortfall_wei=result.shortfall_wei,
        sentence=result.sentence,
        tickets={state.value: look.revenue.count(state) for state in TicketState},
        without_transaction=look.revenue.without_transaction,
        doubts=tuple(look.revenue.doubts),
        problem=problem,
    )


def wallets_of(standings: Iterable[Standing]) -> set[str]:
    """The addresses that the ledger keeps a wallet of."""
    return {one.account.worker for one in standings if one.account.kind is AccountKind.WALLET}


def look_at_wallets(chain: Chain, chain_id: int, wallets: Collection[str]) -> WalletLook:
    """What wallets hold at the chain's finalized block. Raises ChainUnavailable."""
    require_chain(chain, chain_id)
    block = chain.finalized()
    return WalletLook(
        sum(chain.balance_wei(wallet, block.number) for wallet in wallets), block.number
    )


def solvency(
    standings: Sequence[Standing],
    revenue: Redeemed,
    chain: WalletLook | None,
    open_payouts: Iterable[Payout] = (),
) -> Solvency:
    """Put together the ledger's balances, the redeemed tickets, and what the chain says."""
    earned_wei = taken_wei = 0
    sums_wei = dict.fromkeys(AccountKind, 0)
    for standing in standings:
        account, balance_wei = standing.account, standing.balance_wei
        sums_wei[account.kind] += balance_wei
        if account.kind is AccountKind.PAYABLE and account.stream:
            earned_wei += balance_wei
        elif account.kind is AccountKind.PAYABLE:
            taken_wei -= balance_wei
    in_payout_wei = sums_wei[AccountKind.IN_PAYOUT]
    verified_wei = revenue.wei(TicketState.VERIFIED)
    unverified_wei = revenue.wei(TicketState.UNVERIFIED)
    return Solvency(
        fees_wei=-sums_wei[AccountKind.REVENUE],
        earned_wei=earned_wei,
        commission_wei=sums_wei[AccountKind.COMMISSION],
        unattributed_wei=sums_wei[AccountKind.UNATTRIBUTED],
        held_wei=sums_wei[AccountKind.HELD],
        redeemed_wei=verified_wei + unverified_wei,
        verified_wei=verified_wei,
        unverified_wei=unverified_wei,
        doubtful_wei=revenue.wei(TicketState.DOUBTFUL),
        paid_wei=taken_wei - in_payout_wei,
        in_payout_wei=in_payout_wei,
        sent_wei=sum(
            one.intent.amount_wei
            for one in open_payouts
            if chain is not None and one.may_have_left(chain.block_number)
        ),
        payable_wei=sums_wei[AccountKind.PAYABLE],
        owed_wei=sums_wei[AccountKind.PAYABLE] + in_payout_wei,
        gas_wei=-sums_wei[AccountKind.GAS],
        funding_wei=sums_wei[AccountKind.FUNDING],
        unexplained_wei=sums_wei[AccountKind.UNEXPLAINED],
        wallet_wei=-sums_wei[AccountKind.WALLET] if wallets_of(standings) else None,
        chain_wei=chain.balance_wei if chain else None,
        chain_block=chain.block_number if chain else None,
    )
