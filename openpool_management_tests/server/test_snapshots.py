"""One reading at a time, everybody else is answered meanwhile, and a failure is told."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

import pytest

from openpool_management.adapters.sql.prepare import NO_LEDGER, LedgerNotReady
from openpool_management.server.snapshots import (
    ENDING,
    PATIENCE,
    RETRY_SECONDS,
    UNREADABLE,
    NotReady,
    Snapshots,
)
from openpool_management.services.exports.publication import Publication
from openpool_management_tests.server.apps import NOW, nothing_at

REFRESH_SECONDS = 60
WAIT_SECONDS = 30


@dataclass
class Press:
    """Makes publications when it is let, and fails when it is told; the clock is the test's."""

    now: datetime = NOW
    made: int = 0
    takes_seconds: float = 0
    error: Exception | None = None
    begun: Event = field(default_factory=Event)
    free: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.free.set()
        self.snapshots = Snapshots(
            self.make, REFRESH_SECONDS, lambda: self.now, lambda: self.now.timestamp()
        )

    def make(self) -> Publication:
        """The publication of this moment."""
        self.begun.set()
        assert self.free.wait(WAIT_SECONDS)
        self.made += 1
        if self.error is not None:
            raise self.error
        made = nothing_at(self.now)
        self.after(self.takes_seconds)
        return made

    def settled(self) -> Publication:
        """What is current once a reading that was due has ended."""
        self.snapshots.current()
        with self.snapshots._changed:
            assert self.snapshots._changed.wait_for(
                lambda: self.snapshots._reader is None, WAIT_SECONDS
            )
        return self.snapshots.current()

    def after(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The next reading does not end meanwhile."""
        self.begun.clear()
        self.free.clear()
        try:
            yield
        finally:
            self.free.set()


def test_the_first_is_waited_for_by_all_and_made_once() -> None:
    press = Press()
    with ThreadPoolExecutor(8) as threads:
        with press.held():
            waiting = [threads.submit(press.snapshots.current) for _ in range(8)]
            assert press.begun.wait(WAIT_SECONDS)
            assert press.snapshots.latest is None and not any(one.done() for one in waiting)
        found = {id(one.result(WAIT_SECONDS)) for one in waiting}
    assert len(found) == press.made == 1
    assert press.snapshots.problem is None and press.snapshots.age == 0


def test_it_is_made_anew_when_it_is_old_and_somebody_asks() -> None:
    press = Press()
    first = press.settled()
    press.after(REFRESH_SECONDS - 1)
    assert press.settled() is first
    press.after(1)
    assert press.made == 1 and press.snapshots.age == REFRESH_SECONDS
    assert press.settled().material.made_at == press.now
    assert press.made == 2


def test_meanwhile_the_one_before_is_shown_to_all() -> None:
    press = Press()
    first = press.settled()
    press.after(REFRESH_SECONDS)
    with press.held():
        assert [press.snapshots.current() for _ in range(5)] == [first] * 5
        assert press.begun.wait(WAIT_SECONDS)
    assert press.settled() is not first and press.made == 2


def test_one_that_nobody_asked_for_in_a_long_time_is_waited_for() -> None:
    press = Press()
    press.settled()
    press.after(PATIENCE * REFRESH_SECONDS)
    assert press.snapshots.current().material.made_at == press.now


def test_nobody_waits_where_a_reading_takes_longer_than_it_should_last() -> None:
    press = Press(takes_seconds=5 * REFRESH_SECONDS)
    first = press.settled()
    assert press.snapshots.age == press.takes_seconds
    with press.held():
        assert press.snapshots.current() is first
        assert not press.begun.is_set()
    # Half of the time at most is spent on reading.
    press.after(press.takes_seconds)
    with press.held():
        assert press.snapshots.current() is first
        assert press.begun.wait(WAIT_SECONDS)
        press.after(press.takes_seconds)
        assert press.snapshots.current() is first
    assert press.settled() is not first and press.made == 2


def test_a_clock_that_was_put_back_stops_nothing() -> None:
    press = Press()
    press.settled()
    press.after(-3_600)
    assert press.settled().material.made_at == press.now


@pytest.mark.parametrize(
    ("error", "told", "logged"),
    [
        (LedgerNotReady(NO_LEDGER), NO_LEDGER, NO_LEDGER),
        (OSError(13, "Permission denied", "/secret/place"), UNREADABLE, "/secret/place"),
        (ZeroDivisionError("of ours"), UNREADABLE, "ZeroDivisionError: of ours"),
    ],
)
def test_a_failure_keeps_the_one_before(
    error: Exception, told: str, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    press = Press()
    first = press.settled()
    press.error = error
    for _ in range(3):
        press.after(PATIENCE * REFRESH_SECONDS)
        assert press.settled() is first
    assert press.snapshots.problem == told
    assert press.snapshots.age == 3 * PATIENCE * REFRESH_SECONDS
    assert caplog.text.count(logged) == 1 and len(caplog.records) == 1
    press.error = None
    press.after(RETRY_SECONDS)
    assert press.settled() is not first
    assert not press.snapshots.problem
    assert caplog.records[-1].getMessage() == "The ledger can be read again."


def test_without_a_first_one_it_says_why_and_tries_again() -> None:
    press = Press(error=LedgerNotReady(NO_LEDGER))
    for _ in range(2):
        with pytest.raises(NotReady, match="There is no ledger yet"):
            press.snapshots.current()
    assert press.made == 1
    press.error = None
    press.after(RETRY_SECONDS - 1)
    with pytest.raises(NotReady):
        press.snapshots.current()
    press.after(1)
    with press.held(), pytest.raises(NotReady, match="There is no ledger yet"):
        # Nobody waits for what failed last time.
        press.snapshots.current()
    with press.snapshots._changed:
        assert press.snapshots._changed.wait_for(lambda: press.made == 2, WAIT_SECONDS)
    assert press.settled().material.made_at == press.now


def test_a_panic_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """Those of Polars are no Exception."""

    class Panic(BaseException):
        pass

    def make() -> Publication:
        raise Panic

    snapshots = Snapshots(make, REFRESH_SECONDS)
    with pytest.raises(NotReady, match="can't be read at the moment"):
        snapshots.current()
    assert "Panic" in caplog.text


def test_at_the_end_nobody_waits(caplog: pytest.LogCaptureFixture) -> None:
    press = Press()
    with ThreadPoolExecutor(1) as threads, press.held():
        waiting = threads.submit(press.snapshots.current)
        assert press.begun.wait(WAIT_SECONDS)
        press.snapshots.close()
        with pytest.raises(NotReady, match=ENDING):
            waiting.result(WAIT_SECONDS)
    press.snapshots.close(WAIT_SECONDS)
    assert press.made == 1 and logging.WARNING not in {one.levelno for one in caplog.records}
