"""The part of a window in which workers were connected."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.online_share import online_shares
from openpool_management.domain.presence import ConnectionInterval
from openpool_management_tests.log_objects import moment


def interval(worker: str, opened: int, closed: int | None) -> ConnectionInterval:
    closed_at: datetime | None = None if closed is None else moment(closed)
    return ConnectionInterval(worker, "", moment(opened), closed_at, None, moment(opened))


def test_overlaps_count_once_and_what_stands_counts_to_the_end() -> None:
    intervals = [
        interval("twice", 10, 40),
        interval("twice", 20, 30),
        interval("twice", 35, 60),
        interval("stands", 75, None),
        interval("before", -50, 0),
        interval("later", 100, None),
        interval("over the edges", -5, 200),
    ]
    assert online_shares(intervals, moment(0), moment(100)) == {
        "twice": 0.5,
        "stands": 0.25,
        "before": 0.0,
        "over the edges": 1.0,
    }


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(-9, 25), st.none() | st.integers(0, 20)),
        max_size=12,
    ),
    st.integers(-5, 5),
    st.integers(6, 20),
)
def test_second_by_second(drawn: list[tuple[str, int, int | None]], start: int, end: int) -> None:
    spans = [(one, at, None if length is None else at + length) for one, at, length in drawn]
    shares = online_shares([interval(*span) for span in spans], moment(start), moment(end))
    for worker in "ab":
        own = [(at, closed) for one, at, closed in spans if one == worker and at < end]
        online = sum(
            any(at <= second and (closed is None or second < closed) for at, closed in own)
            for second in range(start, end)
        )
        assert shares.get(worker) == (online / (end - start) if own else None)
