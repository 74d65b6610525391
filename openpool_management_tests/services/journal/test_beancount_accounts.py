"""Names of accounts in Beancount: valid, one for each account, none below another."""

import re
from pathlib import Path

import pytest
from beancount.core import account as beancount_account
from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.accounts import Account, AccountKind
from openpool_management.domain.journal import COLUMNS
from openpool_management.services.journal.beancount_accounts import (
    ROOTS,
    account_name,
    account_of,
    escaped,
    unescaped,
)

# Full of what escapes are made of.
TEXTS = st.one_of(st.text(max_size=12), st.text("-x2Fa:|=\n", max_size=8))
OF_JOBS = (AccountKind.PAYABLE, AccountKind.COMMISSION)
OF_NOBODY = (AccountKind.UNATTRIBUTED, AccountKind.HELD)
OF_PAYOUTS = tuple(set(AccountKind) - {AccountKind.REVENUE, *OF_NOBODY} - {AccountKind.COMMISSION})

ACCOUNTS = st.one_of(
    st.builds(Account, st.sampled_from(OF_JOBS), TEXTS.filter(bool), TEXTS, TEXTS, TEXTS),
    st.builds(Account, st.sampled_from(OF_NOBODY), TEXTS.filter(bool), st.just(""), TEXTS, TEXTS),
    st.builds(Account, st.just(AccountKind.REVENUE), TEXTS.filter(bool)),
    st.builds(Account, st.sampled_from(OF_PAYOUTS), st.just(""), TEXTS),
)


@given(ACCOUNTS)
def test_a_name_is_valid_and_leads_back(account: Account) -> None:
    name = account_name(account)
    assert beancount_account.is_valid(name)
    assert account_of(name) == account


@given(ACCOUNTS, ACCOUNTS)
def test_no_account_lies_below_another(first: Account, second: Account) -> None:
    assert first == second or not account_name(first).startswith(account_name(second) + ":")


@given(TEXTS)
def test_an_escape_is_plain_and_leads_back(text: str) -> None:
    assert all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in escaped(text))
    assert unescaped(escaped(text)) == text


def test_names_can_be_read() -> None:
    assert set(ROOTS) == set(AccountKind)
    assert len(set(ROOTS.values())) == len(ROOTS)
    line = Account(AccountKind.PAYABLE, "ai|us-central", "0xAb", "llm", "org/Llama-3.1-8B")
    assert account_name(line) == (
        "Liabilities:Payable:Worker-0xAb:Stream-ai-x7Cus-central:Pipeline-llm"
        ":Model-org-x2FLlama-3-x2E1-8B"
    )
    paid_out = Account(AccountKind.PAYABLE, worker="0xAb")
    assert account_name(paid_out) == "Liabilities:Payable:Worker-0xAb:NoStream"
    transcode = Account(AccountKind.HELD, "transcode|x", pipeline="transcode")
    assert account_name(transcode).endswith(":Pipeline-transcode:NoModel")


def test_the_document_names_every_account_and_column() -> None:
    text = (Path(__file__).parents[3] / "docs" / "exports.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `([\w:]+)` \| ", text, re.MULTILINE)
    assert rows == [(kind.value, root) for kind, root in ROOTS.items()]
    table = text.split("### CSV and Parquet")[1].split("\n\n")[1]
    cells = re.findall(r"^\|([^|]+)\|", table, re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", " ".join(cells))) == COLUMNS


@pytest.mark.parametrize(
    "account",
    [
        Account(AccountKind.PAYABLE, "", "0xAb", "llm"),
        Account(AccountKind.GAS, "ai|us-central", "0xAb"),
    ],
)
def test_what_no_account_of_its_kind_has_is_refused(account: Account) -> None:
    with pytest.raises(ValueError, match=r"has parts that no account of its kind has"):
        account_name(account)


@pytest.mark.parametrize("name", ["Assets:Cash", "Assets:Wallet:Worker-0xAb"])
def test_names_of_others_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"begins like no account|is no wallet"):
        account_of(name)
