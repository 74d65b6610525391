"""Looks at the nodes and at the wallet before anything is signed."""

from openpool_management.domain.payouts.chain import Block
from openpool_management.services.payouts.paymaster import Paymaster, PayoutsStopped
from openpool_management.services.ports.chain import Chain
from openpool_management.services.ports.payouts import Lease, Opening

MAX_BLOCKS_APART = 40
"""About ten seconds of Arbitrum One; blocks are compared, since an idle chain has old ones."""


def check_nodes(paymaster: Paymaster) -> None:
    """Raises PayoutsStopped unless every node is on the ledger's chain and they tell the same."""
    check_chain(paymaster)
    for witness in paymaster.witnesses:
        _agree(paymaster.chain, witness)


def check_chain(paymaster: Paymaster) -> None:
    """Raises PayoutsStopped unless every node is on the ledger's chain."""
    for opening in paymaster.book.openings():
        if opening.chain_id != paymaster.chain_id:
            raise PayoutsStopped(
                f"This ledger pays on chain {opening.chain_id}, but CHAIN_ID is "
                f"{paymaster.chain_id}: set it back with ETH_RPC_ENDPOINT, or use another ledger."
            )
    for node in paymaster.nodes:
        found = node.chain_id()
        if found != paymaster.chain_id:
            raise PayoutsStopped(
                f"{node.name} is on chain {found} instead of {paymaster.chain_id}: set "
                "ETH_RPC_ENDPOINT to a node of the chain that CHAIN_ID names."
            )


def check_sender(paymaster: Paymaster) -> None:
    """Raises PayoutsStopped unless the wallet is an account that its key alone moves."""
    if paymaster.chain.code(paymaster.sender):
        raise PayoutsStopped(
            f"There is code at the wallet {paymaster.sender}, which may spend what it holds: pay "
            "from an address that is an ordinary account."
        )


def open_wallet(paymaster: Paymaster, lease: Lease) -> None:
    """Record where the wallet stands when the ledger begins to pay from it.

    Raises PayoutsStopped while a transaction of the wallet is not final, and for a wallet that has
    been used: a ledger that has lost its payouts would pay them again.
    """
    if paymaster.book.opening(paymaster.sender) is not None:
        return
    opening = present_state(paymaster)
    expect_unused(opening.sender, opening.nonce)
    paymaster.book.open_wallet(opening, lease, paymaster.clock())


def expect_unused(sender: str, nonce: int) -> None:
    """Raises PayoutsStopped for a wallet that has sent transactions and is new to the ledger."""
    if nonce:
        raise PayoutsStopped(
            f"The wallet {sender} has sent {nonce} transactions that this ledger knows nothing of. "
            "If it never paid workers, say so with openpool payouts open. If it did, name its "
            "first payout's nonce with openpool payouts open --nonce, then run openpool payouts "
            "rebuild."
        )


def present_state(paymaster: Paymaster) -> Opening:
    """Where the wallet stands. Raises PayoutsStopped while a transaction of it is not final."""
    final = paymaster.chain.finalized()
    nonces = {node.nonce(paymaster.sender) for node in paymaster.nodes}
    final_nonce = paymaster.chain.nonce(paymaster.sender, final.number)
    if nonces != {final_nonce}:
        raise PayoutsStopped(
            f"The wallet {paymaster.sender} has transactions that are not final yet, and the "
            "ledger has to begin from a final state: try again in half an hour."
        )
    balance_wei = paymaster.chain.balance_wei(paymaster.sender, final.number)
    return Opening(paymaster.sender, paymaster.chain_id, final_nonce, balance_wei, final.number)


def _agree(first: Chain, second: Chain) -> None:
    heads: list[Block] = [first.latest(), second.latest()]
    apart = abs(heads[0].number - heads[1].number)
    if apart > MAX_BLOCKS_APART:
        behind = first if heads[0].number < heads[1].number else second
        raise PayoutsStopped(
            f"{behind.name} is {apart} blocks behind the other node: wait until it has caught up, "
            "or name another in ETH_RPC_ENDPOINT."
        )
    final = min(first.finalized().number, second.finalized().number)
    blocks = [node.block(final) for node in (first, second)]
    if None in blocks or len({block.hash for block in blocks if block}) > 1:
        raise PayoutsStopped(
            f"{first.name} and {second.name} have different blocks with number {final}, which "
            "both call final: find out which of them is wrong before anything is paid."
        )
