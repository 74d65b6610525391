"""Ranks and percentiles, ties included."""

from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.worker_ranks import ranks


def test_more_is_better_and_ties_share_a_rank() -> None:
    assert ranks({"a": 1.0, "b": 3.0, "c": 3.0, "d": 0.5, "e": 9.0}) == {
        "e": (1, 100.0),
        "b": (2, 50.0),
        "c": (2, 50.0),
        "a": (4, 25.0),
        "d": (5, 0.0),
    }


def test_a_worker_alone_is_first() -> None:
    assert ranks({"a": 0.0}) == {"a": (1, 100.0)}
    assert ranks({}) == {}


@given(st.dictionaries(st.text(max_size=3), st.sampled_from([0.0, 1.5, 2.0, 7.25]), min_size=2))
def test_both_count_the_others(scores: dict[str, float]) -> None:
    for worker, (rank, percentile) in ranks(scores).items():
        others = [score for other, score in scores.items() if other != worker]
        assert rank == 1 + sum(score > scores[worker] for score in others)
        assert percentile == 100 * sum(score < scores[worker] for score in others) / len(others)
