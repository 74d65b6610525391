"""Payouts as tables on asset pages, and their errors as failures of a run."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from openpool_management.assets.tables import table
from openpool_management.domain.explorer import Explorer
from openpool_management.domain.money import format_eth
from openpool_management.domain.payouts.payout import Payout, PayoutState
from openpool_management.services.payouts.paymaster import PayoutsStopped
from openpool_management.services.ports.chain import SignerError

ROWS = 500
"""More would make an event too large for Dagster's pages; openpool payouts list has them all."""

PROBLEMS_SHOWN = 20

COLUMNS = {
    "worker": ("string", "Ethereum address that is paid."),
    "amount_wei": ("string", "What is paid."),
    "amount ETH": ("string", "amount_wei in ETH."),
    "state": ("string", "Where the payout stands; settled is final."),
    "nonce": ("string", "Its nonce, empty before it has one."),
    "transaction": ("string", "Hash of what was signed last for it."),
    "explorer": ("string", "Where to look at the transaction."),
    "payout": ("string", "The payout's id, for openpool payouts show."),
}


def payouts_metadata(
    payouts: Sequence[Payout], problems: Sequence[str], explorer: Explorer
) -> dict[str, "dg.RawMetadataValue"]:
    """Counts by state, sums in wei, a table, and what stands in the way."""
    sums_wei = Counter[PayoutState]()
    for one in payouts:
        sums_wei[one.state] += one.intent.amount_wei
    ended_wei = sums_wei[PayoutState.SETTLED] + sums_wei[PayoutState.VOIDED]
    return {
        "payouts": len(payouts),
        **{
            state.value: sum(one.state is state for one in payouts)
            for state in PayoutState
            if sums_wei[state]
        },
        "settled_wei": str(sums_wei[PayoutState.SETTLED]),
        "under_way_wei": str(sums_wei.total() - ended_wei),
        "transactions": table(COLUMNS, [_row(one, explorer) for one in payouts], ROWS),
        "problems": len(problems),
        "what stands in the way": list(problems[:PROBLEMS_SHOWN]),
    }


@contextmanager
def failures_in_words() -> Iterator[None]:
    """Let a run fail with the sentence of what stopped it, and with nothing that it came from.

    Errors of a node may stem from ones that quote its URL, which may hold a key.
    """
    try:
        yield
    except (PayoutsStopped, SignerError, OSError) as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def _row(payout: Payout, explorer: Explorer) -> tuple[str, ...]:
    slot = payout.slots[-1] if payout.slots else None
    tx_hash = payout.tx_hash or ""
    return (
        payout.intent.worker,
        str(payout.intent.amount_wei),
        format_eth(payout.intent.amount_wei),
        payout.state.value,
        str(slot.nonce) if slot else "",
        tx_hash,
        explorer.link(payout.intent.chain_id, tx_hash) or "",
        payout.id,
    )
