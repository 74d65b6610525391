"""Amounts, times and addresses as HTML. Wei stay text and int; no float is involved."""

from datetime import datetime

from markupsafe import Markup

from openpool_management.domain.money import format_eth

DECIMALS = 6
DIGITS = 3
UNKNOWN = Markup('<span class="unknown">not known</span>')


def short_eth(amount_wei: int) -> str:
    """ETH cut to six decimals, or to three digits that tell something; ``…`` stands for the rest.

    ``1234567800000000`` is ``0.001234…``, ``1500000000000000000`` is ``1.5``.
    """
    exact = format_eth(amount_wei)
    whole, _, fraction = exact.partition(".")
    zeros = len(fraction) - len(fraction.lstrip("0"))
    kept = DECIMALS if whole.lstrip("-") != "0" else max(DECIMALS, zeros + DIGITS)
    return exact if len(fraction) <= kept else f"{whole}.{fraction[:kept]}…"


def amount(amount_wei: str | int | None) -> Markup:
    """An amount of which the style sheet shows ETH, or wei where the reader asked for it."""
    if amount_wei is None:
        return UNKNOWN
    wei = int(amount_wei)
    return Markup(
        '<data class="amount" value="{}"><span class="eth" title="{} wei">{}&nbsp;ETH</span>'
        '<span class="wei">{}&nbsp;wei</span></data>'
    ).format(wei, wei, short_eth(wei), wei)


def moment(text: str | None) -> Markup:
    """A time of a document, to the minute."""
    if text is None:
        return Markup("–")
    shown = f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def number(value: float | int | str | None, decimals: int = 0) -> str:
    """A number with its thousands apart, a dash for what is not known."""
    if value is None:
        return "–"
    return f"{int(value):,}" if isinstance(value, str) or not decimals else f"{value:,.{decimals}f}"


def percent(share: float | None) -> str:
    """A share of 1 in percent, cut to one decimal, a dash for what is not known.

    It is cut so that 100 % is said of what is whole alone.
    """
    if share is None:
        return "–"
    # Documents state shares with four decimals; as a float, 0.57 times 1000 is a little less.
    whole, rest = divmod(round(share * 10_000) // 10, 10)
    return f"{whole}.{rest} %"
