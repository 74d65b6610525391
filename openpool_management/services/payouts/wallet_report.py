"""The wallet at a glance: what it holds, what it spent on gas, and how long it will last."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management.services.payouts.plans import Planner
from openpool_management.services.ports.chain import Chain, ChainUnavailable
from openpool_management.services.tickets import require_chain

LOOKBACK_DAYS = 30


@dataclass(frozen=True, slots=True)
class WalletReport:
    """Amounts are wei. ledger_wei is None before the first payout from the wallet.

    chain_wei, nonce and block_number are of the newest block, None where the chain was not asked;
    problem says why. month_wei was set aside for payouts in the last LOOKBACK_DAYS. days: whole
    days that the balance lasts at that pace, without the reserve and what is set aside; None
    without payouts in that time, or with no balance known.
    """

    sender: str
    ledger_wei: int | None
    chain_wei: int | None
    nonce: int | None
    block_number: int | None
    gas_wei: int
    in_payout_wei: int
    payable_wei: int
    month_wei: int
    days: int | None
    problem: str = ""


def report_wallet(
    planner: Planner, sender: str | None, chain: Chain | None, chain_id: int, now: datetime
) -> WalletReport:
    """Look at the wallet. A chain that can't be asked is told as a problem, not raised."""
    sums_wei = Counter[AccountKind]()
    for one in planner.books.standings():
        kind = one.account.kind
        if kind in (AccountKind.PAYABLE, AccountKind.IN_PAYOUT) or one.account.worker == sender:
            sums_wei[kind] += one.balance_wei
    opened = sender is not None and planner.book.opening(sender) is not None
    ledger_wei = -sums_wei[AccountKind.WALLET] if opened else None
    chain_wei = nonce = number = None
    problem = ""
    if sender is None:
        problem = "The wallet's address is not known: set OPENPOOL_PAYOUT_SENDER."
    elif chain is None:
        problem = "There is no chain to ask: set ETH_RPC_ENDPOINT to a node of the chain."
    else:
        try:
            require_chain(chain, chain_id)
            number = chain.latest().number
            chain_wei, nonce = chain.balance_wei(sender), chain.nonce(sender)
        except ChainUnavailable as error:
            problem = str(error)
    month_wei = planner.planning.reserved_between(now - timedelta(days=LOOKBACK_DAYS), now)
    waiting_wei = sums_wei[AccountKind.IN_PAYOUT]
    balance_wei = ledger_wei
    if chain_wei is not None:
        # What a block holds has left the newest balance already.
        payouts = [one for one in planner.book.open_payouts() if one.state is PayoutState.SEEN]
        waiting_wei -= sum(one.intent.amount_wei for one in payouts)
        balance_wei = chain_wei
    return WalletReport(
        sender=sender or "",
        ledger_wei=ledger_wei,
        chain_wei=chain_wei,
        nonce=nonce,
        block_number=number,
        gas_wei=-sums_wei[AccountKind.GAS],
        in_payout_wei=sums_wei[AccountKind.IN_PAYOUT],
        payable_wei=sums_wei[AccountKind.PAYABLE],
        month_wei=month_wei,
        days=days_left(balance_wei, waiting_wei + planner.policy.reserve_wei, month_wei),
        problem=problem,
    )


def days_left(balance_wei: int | None, kept_wei: int, month_wei: int) -> int | None:
    """Whole days that a balance lasts, without what is kept of it, as payouts were of late.

    month_wei was set aside in the last LOOKBACK_DAYS. None without any, or with no balance known.
    """
    if not month_wei or balance_wei is None:
        return None
    return max(balance_wei - kept_wei, 0) * LOOKBACK_DAYS // month_wei
