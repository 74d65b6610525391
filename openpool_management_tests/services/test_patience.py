"""Objects that stay unread are tried less and less often, and others at once."""

from datetime import UTC, datetime, timedelta

from openpool_management.services.patience import (
    FIRST_WAIT,
    LONGEST_WAIT,
    Attempt,
    next_attempt,
)
from openpool_management.services.ports import ObjectRef

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def ref(key: str, etag: str = "e") -> ObjectRef:
    """An object of no size."""
    return ObjectRef(key, None, etag, 0, NOW)


def test_the_wait_doubles_up_to_the_longest() -> None:
    refs = [ref("a")]
    waits: list[timedelta] = []
    now, last = NOW, next_attempt(None, refs, NOW)
    while last and len(waits) < 12:
        now += timedelta(seconds=1)
        if attempt := next_attempt(last, refs, now):
            waits.append(now - last.at)
            last = attempt
    assert waits[:3] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert waits == sorted(waits) and waits[-1] == LONGEST_WAIT


def test_other_objects_are_tried_at_once() -> None:
    last = next_attempt(None, [ref("a")], NOW)
    assert last and next_attempt(last, [ref("a")], NOW) is None
    for refs in ([ref("a"), ref("b")], [ref("b")], [ref("a", "other")]):
        attempt = next_attempt(last, refs, NOW)
        assert attempt and attempt.tries == 1


def test_many_tries_do_not_overflow_and_a_clock_set_back_does_not_block() -> None:
    first = next_attempt(None, [ref("a")], NOW)
    assert first
    tired = Attempt(first.waiting, 10**6, NOW)
    assert next_attempt(tired, [ref("a")], NOW + LONGEST_WAIT)
    assert next_attempt(tired, [ref("a")], NOW - timedelta(days=1))
