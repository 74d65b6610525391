"""What an operator has to notice of payouts, in sentences. Nothing is changed by looking."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.money import format_eth
from openpool_management.domain.payouts.payout import Payout, PayoutState
from openpool_management.services.payouts.audit import unknown_nonces, wallet_difference_wei
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.payouts.plans import Planner
from openpool_management.services.payouts.preflight import check_nodes
from openpool_management.services.ports import Books
from openpool_management.services.ports.chain import ChainUnavailable
from openpool_management.services.ports.payouts import PayoutBook

TO_DO = {
    PayoutState.RESERVED: "it has no nonce yet; run openpool payouts settle, or openpool payouts "
    "cancel to owe it again",
    PayoutState.SLOTTED: "nothing is signed yet; see openpool payouts settle for what stops it",
    PayoutState.SIGNED: "it was not sent yet; see openpool payouts settle for what stops it",
    PayoutState.SENT: "no block holds it; openpool payouts settle sends it again, for more gas if "
    "MAX_GAS_PRICE_WEI allows it",
    PayoutState.SEEN: "it is in a block that is not final; see whether the node lags, then run "
    "openpool payouts settle",
    PayoutState.FOREIGN: "its nonce was used by another transaction; see openpool payouts "
    "reconcile, and find out who else has the key",
    PayoutState.HELD: "it may be paid already; look at it with openpool payouts show, then decide "
    "with openpool payouts accept or openpool payouts retry",
}
"""What to do about a payout that does not get on, by where it stands."""

LOOKS = 3


@dataclass(frozen=True, slots=True)
class WalletCheck:
    """What does not hold between ledger and chain. note: what there is to say beside that."""

    sentences: tuple[str, ...] = ()
    note: str = ""


def last_progress(payout: Payout) -> datetime:
    """When it last came nearer to its end. The same thing sent again, or for more gas, is none."""
    first_attempts = [slot.attempts[0].persisted_at for slot in payout.slots if slot.attempts]
    events = [event.at for event in payout.events]
    return max([payout.intent.created_at, *first_attempts, *events])


def stuck_payouts(book: PayoutBook, longest: timedelta, now: datetime) -> list[str]:
    """A sentence for each open payout without progress for longer than that, the oldest first."""
    sentences = []
    for payout in sorted(book.open_payouts(), key=last_progress):
        waited = now - last_progress(payout)
        if waited > longest:
            sentences.append(
                f"Payout {payout.id} of {format_eth(payout.intent.amount_wei)} ETH to "
                f"{payout.intent.worker} is {payout.state} for {_minutes(waited)} minutes: "
                f"{TO_DO[payout.state]}."
            )
    return sentences


def long_pause(book: PayoutBook, longest: timedelta, now: datetime) -> list[str]:
    """A sentence when payouts have been paused for longer than that."""
    pause = book.pause()
    if pause is None or not pause.paused or now - pause.at <= longest:
        return []
    sentence = (
        f"Payouts are paused by the {pause.asked_by} for {_minutes(now - pause.at)} minutes: "
        f"{pause.reason.rstrip('.')}. Once that is seen to, run openpool payouts resume."
    )
    return [sentence]


def unequal_in_payout(books: Books, book: PayoutBook) -> list[str]:
    """Workers whose set-aside balance is not the sum of their open payouts."""
    differing: list[str] = []
    for _ in range(LOOKS):
        # The two are read one after the other: a payout set aside between them is no error.
        before = _open_wei(book)
        posted = Counter[str]()
        for one in books.standings():
            if one.account.kind is AccountKind.IN_PAYOUT:
                posted[one.account.worker] += one.balance_wei
        differing = [
            f"{posted[worker]} wei are set aside for {worker}, but the open payouts to them are "
            f"{before[worker]} wei."
            for worker in sorted({*posted, *before})
            if posted[worker] != before[worker]
        ]
        if not differing:
            break
    return differing


def check_wallet(paymaster: Paymaster) -> WalletCheck:
    """Whether the ledger's account of the wallet is what the chain says at the final block.

    Raises OSError when a node can't be asked, PayoutsStopped when the nodes are no good.
    """
    book, sender = paymaster.book, paymaster.sender
    if book.opening(sender) is None:
        return WalletCheck(note="The ledger has not paid from this wallet yet.")
    check_nodes(paymaster)
    finality = Finality(paymaster)
    unknown = unknown_nonces(paymaster, finality)
    if unknown:
        return WalletCheck((unknown,))
    number = finality.number
    try:
        difference_wei = 0 if unknown is None else wallet_difference_wei(paymaster, finality)
    except ChainUnavailable as error:
        # Many nodes keep no state of old blocks, and finality may lag behind what they keep.
        return WalletCheck(note=f"The balance at the final block {number} can't be told: {error}")
    # Somebody may have settled payouts while the chain was asked, of later blocks too.
    if unknown is None or (difference_wei and number < book.last_block(sender)):
        return WalletCheck(note="Payouts are just being settled: the next look can tell.")
    if difference_wei > 0:
        return WalletCheck(
            note=f"{difference_wei} wei came into the wallet by block {number}; the next run "
            "enters them."
        )
    if difference_wei < 0:
        sentence = (
            f"The wallet {sender} holds {-difference_wei} wei less at the final block {number} "
            "than the ledger says."
        )
        return WalletCheck((sentence,))
    return WalletCheck(note=f"Equal to the wei at the final block {number}.")


def uncovered_plan(planner: Planner, paymaster: Paymaster, run_key: str) -> list[str]:
    """A sentence with what the wallet lacks to pay all who are due.

    Raises OSError, and PayoutsStopped when the nodes are no good.
    """
    check_nodes(paymaster)
    now = paymaster.clock()
    funds = planner.funds(run_key, paymaster.chain_id, paymaster.sender, paymaster, now)
    wanted = planner.plan(run_key, replace(funds, wallet_wei=None), now)
    needed_wei = (
        wanted.total_wei
        + len(wanted.payments) * funds.gas_wei
        + funds.reserved_wei
        + planner.policy.reserve_wei
    )
    wallet_wei = funds.wallet_wei or 0
    if needed_wei <= wallet_wei or not (wanted.payments or funds.reserved_wei):
        return []
    sentence = (
        f"The wallet {paymaster.sender} holds {format_eth(wallet_wei)} ETH, and "
        f"{format_eth(needed_wei - wallet_wei)} ETH more are needed to pay the "
        f"{len(wanted.payments)} workers who are due, with gas, what is under way and the reserve."
    )
    return [sentence]


def _open_wei(book: PayoutBook) -> Counter[str]:
    found = Counter[str]()
    for payout in book.open_payouts():
        found[payout.intent.worker] += payout.intent.amount_wei
    return found


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
