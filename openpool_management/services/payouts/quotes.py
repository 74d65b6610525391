"""The transfer that a payout takes at the moment: gas, price, and whether it can be sent."""

from dataclasses import dataclass

from openpool_management.domain.payouts.chain import SendOutcome
from openpool_management.domain.payouts.fees import (
    GasRules,
    TooExpensive,
    TooMuchGas,
    first_price,
    gas_limit,
    higher_price,
)
from openpool_management.domain.payouts.payout import Attempt, Intent, Purpose
from openpool_management.domain.payouts.transactions import Transfer
from openpool_management.services.payouts.paymaster import Paymaster, PayoutsStopped
from openpool_management.services.ports.chain import ExecutionReverted

REFUSED = "The recipient can't be paid"
"""How the reason begins of a payout that ends because of its recipient."""

NOT_IN_A_POOL = frozenset(
    {
        SendOutcome.FEE_TOO_LOW,
        SendOutcome.GAS_TOO_LOW,
        SendOutcome.INSUFFICIENT_FUNDS,
        SendOutcome.REVERTED,
        SendOutcome.EXPIRED,
    }
)
"""Replies after which no node keeps the bytes, so another price need not be higher."""


class RecipientRefuses(Exception):
    """A payout can't be sent because of its recipient. The sentence begins with REFUSED."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A transfer at the price of the moment. next_nonce is what the first node takes next."""

    transfer: Transfer
    next_nonce: int


def quote(
    paymaster: Paymaster,
    intent: Intent,
    nonce: int,
    purpose: Purpose = Purpose.PAYOUT,
    before: Attempt | None = None,
) -> Quote:
    """The transfer for a purpose, priced to take the place of an attempt before it.

    Raises RecipientRefuses; and PayoutsStopped while gas is dearer than the options allow, in price
    or in L1's part of its amount, or the wallet holds too little.
    """
    to_address, value_wei = (
        (intent.to_address, intent.amount_wei) if purpose is Purpose.PAYOUT else (intent.sender, 0)
    )
    # The reserve is there to unblock a nonce that is in use already.
    reserve_wei = paymaster.limits.reserve_wei if before is None and value_wei else 0
    outlook = paymaster.chain.outlook(intent.sender, to_address, value_wei)
    # Nodes refuse to estimate what the wallet can't pay.
    _afford(intent.sender, outlook.balance_wei, value_wei + reserve_wei)
    try:
        gas = gas_limit(outlook.gas(), paymaster.gas)
    except ExecutionReverted as error:
        if purpose is Purpose.CANCEL:
            raise _nothing_can_be_sent(error) from error
        raise RecipientRefuses(f"{REFUSED}: {error}") from error
    except TooMuchGas as error:
        # The estimate holds L1's part, which has nothing to do with the recipient.
        if purpose is Purpose.PAYOUT:
            _expect_usual_gas(paymaster, intent.sender)
            raise RecipientRefuses(f"{REFUSED}: {error}") from error
        raise _nothing_can_be_sent(error) from error
    max_fee_wei, priority_wei = _price(paymaster.gas, outlook.base_fee_wei, before)
    transfer = Transfer(
        paymaster.chain_id, nonce, to_address, value_wei, gas, max_fee_wei, priority_wei
    )
    _afford(intent.sender, outlook.balance_wei, transfer.most_wei + reserve_wei)
    return Quote(transfer, outlook.nonce)


def _expect_usual_gas(paymaster: Paymaster, sender: str) -> None:
    """Raises PayoutsStopped when a transfer that asks nothing of a recipient takes too much too."""
    try:
        gas_limit(paymaster.chain.outlook(sender, sender, 0).gas(), paymaster.gas)
    except (ExecutionReverted, TooMuchGas) as error:
        raise _nothing_can_be_sent(error) from error


def _nothing_can_be_sent(error: Exception) -> PayoutsStopped:
    return PayoutsStopped(
        f"A transfer of nothing to the wallet itself can't be sent either ({error}): wait until L1 "
        "is cheaper, raise GAS_LIMIT, or try another node."
    )


def _afford(sender: str, balance_wei: int, needed_wei: int) -> None:
    if balance_wei < needed_wei:
        raise PayoutsStopped(
            f"The wallet {sender} holds {balance_wei} wei and needs {needed_wei} wei for the next "
            "payout, with gas and with what OPENPOOL_WALLET_RESERVE_WEI leaves in it: top it up."
        )


def _price(rules: GasRules, base_fee_wei: int, before: Attempt | None) -> tuple[int, int]:
    try:
        if before is None:
            return first_price(base_fee_wei, rules)
        try:
            return higher_price(base_fee_wei, rules, before.signed.transfer)
        except TooExpensive:
            # Where no pool holds the earlier bytes, a node takes any price that the block takes.
            outcomes = {send.outcome for send in before.sends}
            if not outcomes or not outcomes <= NOT_IN_A_POOL:
                raise
            return first_price(base_fee_wei, rules)
    except TooExpensive as error:
        raise PayoutsStopped(str(error)) from error
