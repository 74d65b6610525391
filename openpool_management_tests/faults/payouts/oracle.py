"""What has to hold of ledger and chain whatever went wrong, told by the chain alone."""

from collections import Counter
from typing import Any

from openpool_management.domain.payouts.payout import Mark, PayoutState
from openpool_management_tests.payout_rig import PayoutRig
from openpool_management_tests.servers.anvil import AnvilServer


def sent_transactions(anvil: AnvilServer, sender: str) -> list[dict[str, Any]]:
    """Every transaction of an address in the chain, with its receipt's status under ``status``."""
    found = []
    for number in range(anvil.height() + 1):
        block = anvil.rpc("eth_getBlockByNumber", hex(number), True)
        for one in block["transactions"]:
            if one["from"].lower() == sender.lower():
                receipt = anvil.rpc("eth_getTransactionReceipt", one["hash"])
                found.append({**one, "status": int(receipt["status"], 16)})
    return found


def assert_oracle(rig: PayoutRig, anvil: AnvilServer, *, explained: bool = False) -> None:
    """Oracles O1 to O5 at the finalized block; explained: a pause or a problem was told.

    O1 recipients got what is settled; O2 a payout executed at most once; O3 the ledger is sound and
    holds what the wallet holds; O4 nothing is open unless explained; O5 nonces are accounted for.
    """
    payouts, sender = rig.payouts(), rig.sender
    chain = sent_transactions(anvil, sender)
    known = {
        attempt.hash: payout.id
        for payout in payouts
        for slot in payout.slots
        for attempt in slot.attempts
    }
    foreign_nonces = rig.book.foreign_nonces(sender)
    ours = [one for one in chain if one["hash"] in known]
    executed = Counter(
        known[one["hash"]] for one in ours if one["status"] == 1 and int(one["value"], 16)
    )
    assert all(times == 1 for times in executed.values()), executed
    paid_wei: Counter[str] = Counter()
    for one in ours:
        if one["status"] == 1:
            paid_wei[one["to"].lower()] += int(one["value"], 16)
    settled_wei: Counter[str] = Counter()
    for payout in payouts:
        by_us = any(one.mark is Mark.SETTLED and one.tx_hash in known for one in payout.events)
        if payout.state is PayoutState.SETTLED and by_us:
            settled_wei[payout.intent.to_address.lower()] += payout.intent.amount_wei
    assert {to: wei for to, wei in paid_wei.items() if wei and to != sender.lower()} == settled_wei
    assert rig.scratch.broken() == []
    assert rig.book.wallet_wei(sender) == anvil.balance_wei(sender, "finalized")
    still_open = [one.state for one in payouts if not one.ended]
    assert explained or still_open == [], still_open
    used = {int(one["nonce"], 16) for one in chain}
    assert used == rig.book.slot_nonces(sender) | foreign_nonces
