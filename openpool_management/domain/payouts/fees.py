"""What a transfer offers for gas: a first price, and a higher one in its place (EIP-1559)."""

from dataclasses import dataclass

from openpool_management.domain.payouts.transactions import Transfer

BASE_FEE_HEADROOM = 2
"""The base fee may double before a transfer has to wait; only the base fee in force is paid."""

GAS_MARGIN_PERCENT = 130
BUMP_PERCENT = 110
"""Nodes take a transfer in the place of another of the same nonce at 10 % more, in both prices."""


class TooExpensive(Exception):
    """A unit of gas costs more than the options allow. The sentence says what to do."""


class TooMuchGas(Exception):
    """A transfer takes more gas than the options allow. The sentence says what to do."""


@dataclass(frozen=True, slots=True)
class GasRules:
    """How much gas, and at what price, a payout may take."""

    limit: int
    max_price_wei: int
    priority_fee_wei: int


def gas_limit(estimate: int, rules: GasRules) -> int:
    """The gas limit for an estimate. Raises TooMuchGas; it is never clamped."""
    gas = -(-estimate * GAS_MARGIN_PERCENT // 100)
    if gas > rules.limit:
        raise TooMuchGas(
            f"The transfer needs a gas limit of {gas}, above GAS_LIMIT, which is {rules.limit}: "
            "raise it if the recipient is worth it."
        )
    return gas


def first_price(base_fee_wei: int, rules: GasRules) -> tuple[int, int]:
    """(max fee, priority fee) in wei for each unit of gas. Raises TooExpensive."""
    priority_wei = rules.priority_fee_wei
    _refuse_above(base_fee_wei + priority_wei, rules)
    wanted_wei = base_fee_wei * BASE_FEE_HEADROOM + priority_wei
    return min(wanted_wei, rules.max_price_wei), priority_wei


def higher_price(base_fee_wei: int, rules: GasRules, before: Transfer) -> tuple[int, int]:
    """(max fee, priority fee) that nodes take in the place of before. Raises TooExpensive."""
    max_fee_wei, priority_wei = first_price(base_fee_wei, rules)
    priority_wei = max(priority_wei, _bumped(before.max_priority_fee_wei))
    max_fee_wei = max(max_fee_wei, _bumped(before.max_fee_wei), priority_wei)
    _refuse_above(max_fee_wei, rules)
    return max_fee_wei, priority_wei


def _bumped(price_wei: int) -> int:
    # Nodes want more than before, so nothing becomes one wei.
    return max(price_wei + 1, -(-price_wei * BUMP_PERCENT // 100))


def _refuse_above(price_wei: int, rules: GasRules) -> None:
    if price_wei > rules.max_price_wei:
        raise TooExpensive(
            f"Gas would have to be offered at {price_wei} wei, above MAX_GAS_PRICE_WEI, which is "
            f"{rules.max_price_wei}: wait until it is cheaper, or raise it."
        )
