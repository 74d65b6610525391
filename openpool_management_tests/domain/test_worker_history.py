"""A worker's months: each opens as the one before closed, and they add up to the balance."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.accounts import Account, AccountKind
from openpool_management.domain.worker_history import WorkerHistory, months

START = datetime(2026, 1, 30, 23, 59, tzinfo=UTC)
EARNED = Account(AccountKind.PAYABLE, "ai|a", "0xA", "llm", "m")
KEPT = Account(AccountKind.COMMISSION, "ai|a", "0xA", "llm", "m")
TAKEN = Account(AccountKind.PAYABLE, worker="0xA")


@given(
    st.lists(st.tuples(st.integers(0, 10**30), st.integers(0, 1), st.integers(0, 90)), max_size=20)
)
def test_months_chain_and_add_up(postings: list[tuple[int, int, int]]) -> None:
    history, balance_wei, earned_wei = WorkerHistory(), 0, 0
    for number, (amount_wei, is_payout, days) in enumerate(postings):
        at = START + timedelta(days=days)
        if is_payout:
            history.post(TAKEN, f"payout:{number}:reserved", at, -amount_wei or -1)
            balance_wei -= amount_wei or 1
        else:
            history.post(EARNED, f"{number}:earned", at, amount_wei)
            history.post(KEPT, f"{number}:earned", at, amount_wei // 3)
            history.work(EARNED, at, 1, 5)
            balance_wei += amount_wei
            earned_wei += amount_wei
    before_wei = 0
    names = []
    for month in months(history):
        assert month.opening_wei == before_wei
        assert all(f"{key.day:%Y-%m}" == month.name for key, _ in month.lines)
        before_wei = month.closing_wei
        names.append(month.name)
    assert before_wei == balance_wei
    assert sum(month.earned_wei for month in months(history)) == earned_wei
    assert names == sorted(set(names))


def test_what_comes_and_goes_on_one_day_is_no_line() -> None:
    history = WorkerHistory()
    history.post(EARNED, "a:earned", START, 7)
    history.work(EARNED, START, 1, 5)
    history.post(EARNED, "b:moved", START, -7)
    history.work(EARNED, START, -1, -5)
    # It keeps a statement, in the place of one that was published in between.
    [month] = months(history)
    assert (month.name, month.lines, month.earned_wei, month.closing_wei) == ("2026-01", (), 0, 0)
    history.post(KEPT, "c:earned", START, 2)
    [month] = months(history)
    [(key, line)] = month.lines
    assert (key.day.isoformat(), line.fees_wei, month.closing_wei) == ("2026-01-30", 2, 0)
