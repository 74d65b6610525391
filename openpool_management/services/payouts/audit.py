"""The ledger of the wallet held against the chain, at a block that is final.

Two things have to hold: every nonce that the wallet has used is one that the ledger knows the end
of, and what the ledger says is in the wallet is there. More is a top-up and is posted; less is not
explained, and payouts are paused.
"""

from contextlib import suppress

from openpool_management.domain.payouts.entries import funding
from openpool_management.services.payouts.finality import Finality
from openpool_management.services.payouts.paymaster import Paymaster
from openpool_management.services.ports.chain import ChainUnavailable
from openpool_management.services.ports.payouts import Lease


def audit_wallet(paymaster: Paymaster, finality: Finality, lease: Lease) -> list[str]:
    """Sentences for what does not hold; what came into the wallet is posted."""
    sender, book = paymaster.sender, paymaster.book
    try:
        unknown = unknown_nonces(paymaster, finality)
        if unknown:
            # Whoever took the lease over may know more.
            book.check_lease(lease)
            paymaster.halt(unknown)
            return [unknown]
        if unknown is None:
            return []
        difference_wei = wallet_difference_wei(paymaster, finality)
    except ChainUnavailable as error:
        return [f"The wallet was not compared with the chain: {error}"]
    number = finality.number
    if difference_wei > 0:
        book.post(funding(sender, number, difference_wei), lease, paymaster.clock())
    if difference_wei >= 0:
        return []
    reason = (
        f"The wallet {sender} holds {-difference_wei} wei less at the final block {number} than "
        "this ledger says: something was taken from it without a transaction of its own, or a "
        "node is wrong. See openpool payouts reconcile."
    )
    book.check_lease(lease)
    paymaster.halt(reason)
    return [reason]


def unknown_nonces(paymaster: Paymaster, finality: Finality) -> str | None:
    """A sentence on final nonces that the ledger knows nothing of, empty when there are none.

    None: nothing can be said at the moment, since payouts are final whose end is not in the ledger,
    or a node is behind what the ledger has seen. Raises ChainUnavailable.
    """
    sender, book = paymaster.sender, paymaster.book
    opening = book.opening(sender)
    if opening is None or finality.number < book.last_block(sender):
        return None
    final_nonce = finality.nonce(sender)
    in_use = {one.slot.nonce for one in paymaster.open_payouts() if one.slot is not None}
    known = book.slot_nonces(sender) | book.foreign_nonces(sender)
    used = set(range(opening.nonce, final_nonce))
    if used & in_use or (known - in_use) - used - set(range(opening.nonce)):
        return None
    missing = sorted(used - known)
    if not missing:
        return ""
    shown = ", ".join(str(nonce) for nonce in missing[:5])
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return (
        f"Nonces {shown}{more} of {sender} were used by transactions that are not in this ledger: "
        "the key is used elsewhere, or the ledger is older than the chain. See openpool payouts "
        "reconcile."
    )


def wallet_difference_wei(paymaster: Paymaster, finality: Finality) -> int:
    """What the wallet holds more than the ledger says, at the final block, by the poorest answer.

    Raises ChainUnavailable where the first node keeps no state of that block.
    """
    told_wei = [paymaster.chain.balance_wei(paymaster.sender, finality.number)]
    for witness in paymaster.witnesses:
        # Not every node keeps the state of old blocks.
        with suppress(ChainUnavailable):
            told_wei.append(witness.balance_wei(paymaster.sender, finality.number))
    return min(told_wei) - paymaster.book.wallet_wei(paymaster.sender)
