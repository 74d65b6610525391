"""Wei: read, split and written in this module alone. Wei is an int; no float ever touches it."""

WEI_PER_ETH = 10**18
BPS_PER_WHOLE = 10_000
MAX_DIGITS = 30
"""Digits of the largest number a job may state: sums of 10^8 such numbers still fit in 128 bits."""


def split_fee(fee_wei: int, fee_bps: int) -> tuple[int, int]:
    """Split a job's fee into (worker's net, pool's commission), both in wei.

    The worker's part is rounded down to a whole wei and the pool takes the rest, so the two parts
    always add up to the fee. fee_bps is the commission in basis points, 0 to 10,000.
    """
    if fee_wei < 0 or not 0 <= fee_bps <= BPS_PER_WHOLE:
        raise ValueError(
            f"A fee of {fee_wei} wei at {fee_bps} basis points can't be split: "
            f"the fee must be at least 0 and the rate from 0 to {BPS_PER_WHOLE}."
        )
    net_wei = fee_wei * (BPS_PER_WHOLE - fee_bps) // BPS_PER_WHOLE
    return net_wei, fee_wei - net_wei


def format_eth(amount_wei: int) -> str:
    """An amount as ETH in exact decimal text: ``1500000000000000000`` wei is ``1.5``."""
    sign = "-" if amount_wei < 0 else ""
    whole, rest = divmod(abs(amount_wei), WEI_PER_ETH)
    fraction = f"{rest:018d}".rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def format_percent(fee_bps: int) -> str:
    """A rate in basis points as exact percent text: ``2500`` is ``25 %``."""
    whole, rest = divmod(fee_bps, 100)
    fraction = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{whole}{fraction} %"
