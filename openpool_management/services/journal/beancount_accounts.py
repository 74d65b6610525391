"""Accounts by names that Beancount takes: one name an account, and back.

A name is the root and the kind, then the account's parts, each with a word for what it is:
``Liabilities:Payable:Worker-0x…:Stream-ai-x7Cus-central:Pipeline-llm:Model-meta-x2FLlama``.
All accounts of a kind have the same parts, so no account lies below another: Beancount's balance of
an account takes in those below it.
"""

import re

from openpool_management.domain.accounts import Account, AccountKind

ROOTS = {
    AccountKind.REVENUE: "Assets:Receivable",
    AccountKind.PAYABLE: "Liabilities:Payable",
    AccountKind.COMMISSION: "Income:Commission",
    AccountKind.UNATTRIBUTED: "Liabilities:Unattributed",
    AccountKind.HELD: "Liabilities:Held",
    AccountKind.IN_PAYOUT: "Liabilities:InPayout",
    AccountKind.WALLET: "Assets:Wallet",
    AccountKind.GAS: "Expenses:Gas",
    AccountKind.FUNDING: "Equity:Funding",
    AccountKind.UNEXPLAINED: "Equity:Unexplained",
}

_WORKER, _WALLET = ("Worker", "worker"), ("Wallet", "worker")
_STREAM, _PIPELINE, _MODEL = ("Stream", "stream"), ("Pipeline", "pipeline"), ("Model", "model")
_PARTS = {
    AccountKind.REVENUE: (_STREAM,),
    AccountKind.PAYABLE: (_WORKER, _STREAM, _PIPELINE, _MODEL),
    AccountKind.COMMISSION: (_WORKER, _STREAM, _PIPELINE, _MODEL),
    AccountKind.UNATTRIBUTED: (_STREAM, _PIPELINE, _MODEL),
    AccountKind.HELD: (_STREAM, _PIPELINE, _MODEL),
    AccountKind.IN_PAYOUT: (_WORKER,),
    AccountKind.WALLET: (_WALLET,),
    AccountKind.GAS: (_WALLET,),
    AccountKind.FUNDING: (_WALLET,),
    AccountKind.UNEXPLAINED: (_WALLET,),
}
_KINDS = {root: kind for kind, root in ROOTS.items()}
_WITHOUT_STREAM = "NoStream"

# A dash is itself but where it would read as an escape.
_ESCAPED = re.compile(rb"[^A-Za-z0-9-]|-(?=x[0-9A-F]{2})")
_ESCAPE = re.compile(rb"-x([0-9A-F]{2})")


def account_name(account: Account) -> str:
    """The name of an account in Beancount."""
    parts = [_part(title, getattr(account, part)) for title, part in _PARTS[account.kind]]
    if _WITHOUT_STREAM in parts:
        # Of payouts: it has no pipeline and no model either, and none of its kind lies below it.
        del parts[parts.index(_WITHOUT_STREAM) + 1 :]
    name = ":".join([ROOTS[account.kind], *parts])
    if account_of(name) != account:
        raise ValueError(f"Account {account.name} has parts that no account of its kind has.")
    return name


def account_of(name: str) -> Account:
    """The account that a name stands for. Raises ValueError for a name of another origin."""
    root, kind_word, *components = name.split(":")
    kind = _KINDS.get(f"{root}:{kind_word}")
    if kind is None:
        raise ValueError(f"{name} begins like no account of this ledger.")
    values: dict[str, str] = {}
    for component, (title, part) in zip(components, _PARTS[kind], strict=False):
        head, _, rest = component.partition("-")
        if head == title:
            values[part] = unescaped(rest)
        elif component != f"No{title}":
            raise ValueError(f"{component} in {name} is no {title.lower()}.")
    return Account(kind, **values)


def escaped(text: str) -> str:
    """Text in letters, digits and dashes; other bytes of UTF-8 are ``-x`` and two hex digits."""
    return _ESCAPED.sub(
        lambda match: b"-x%02X" % match[0][0], text.encode("utf-8", "surrogatepass")
    ).decode("ascii")


def unescaped(text: str) -> str:
    """What escaped was made of."""
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode("ascii")).decode(
        "utf-8", "surrogatepass"
    )


def _part(title: str, text: str) -> str:
    return f"{title}-{escaped(text)}" if text else f"No{title}"
