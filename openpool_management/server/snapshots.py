"""The publication that pages and the API answer from, read anew when it is old."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Condition, Thread
from time import monotonic

from openpool_management.adapters.sql.prepare import LedgerNotReady, SchemaIsNewer
from openpool_management.cli.failures import explain_failure
from openpool_management.pool import utc_now
from openpool_management.services.exports.publication import Publication

_log = logging.getLogger(__name__)

UNREADABLE = "The ledger can't be read at the moment: the log of the server says why."
ENDING = "The server is ending."
RETRY_SECONDS = 5
PATIENCE = 2
"""So many times the time between readings old, a publication is too old to be shown meanwhile."""

REST = 2
"""Between two readings lies so many times what one takes: reading must leave time to answer."""


class NotReady(Exception):
    """There is nothing to show yet. The message is a sentence that anyone may read."""


class Snapshots:
    """One publication at a time, shared by all requests. Safe to use from many threads.

    make reads a publication; refresh_seconds is the age at which it is read again, when somebody
    asks, or REST times what reading takes if that is more. One thread reads, the others get the
    publication before. A reading that fails leaves that in place: problem says so, and the
    publication bears the time of its making.
    """

    def __init__(
        self,
        make: Callable[[], Publication],
        refresh_seconds: float,
        clock: Callable[[], datetime] = utc_now,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._make, self._clock, self._timer = make, clock, timer
        self._refresh = timedelta(seconds=refresh_seconds)
        self._retry = timedelta(seconds=min(RETRY_SECONDS, refresh_seconds))
        self._changed = Condition()
        self._publication: Publication | None = None
        self._problem: str | None = None
        self._tried_at: datetime | None = None
        self._took = timedelta(0)
        self._reader: Thread | None = None
        self._closed = False

    def current(self) -> Publication:
        """The publication, at most a few times the refresh time old unless there is a problem.

        Waits for the first one, and for one that nobody asked for in a long time. Raises NotReady
        where there never was one.
        """
        with self._changed:
            if self._reader is None and self._due() and not self._closed:
                self._reader = Thread(target=self._read, name="snapshot", daemon=True)
                self._reader.start()
            self._changed.wait_for(lambda: self._reader is None or not self._worth_waiting())
            if self._publication is None:
                raise NotReady(self._problem or ENDING)
            return self._publication

    @property
    def latest(self) -> Publication | None:
        """The publication as it is, without looking for another."""
        return self._publication

    @property
    def problem(self) -> str | None:
        """Why the last reading failed: a sentence without paths, URLs and secrets."""
        return self._problem

    @property
    def age(self) -> float | None:
        """Seconds since the publication was made, None where there is none."""
        if self._publication is None:
            return None
        return (self._clock() - self._publication.material.made_at).total_seconds()

    def close(self, wait_seconds: float = 0) -> None:
        """Read no more, let nobody wait, and wait for a reading under way to end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._reader is None, wait_seconds)

    def _due(self) -> bool:
        if self._tried_at is None:
            return True
        pause = max(self._retry if self._problem else self._refresh, REST * self._took)
        # A clock that was put back must not stop the readings.
        return not timedelta(0) <= self._clock() - self._tried_at < pause

    def _worth_waiting(self) -> bool:
        if self._closed or self._problem is not None:
            return False
        if self._publication is None:
            return True
        longest = PATIENCE * max(self._refresh, REST * self._took)
        return self._clock() - self._publication.material.made_at >= longest

    def _read(self) -> None:
        tried_at, began = self._clock(), self._timer()
        made, problem = None, UNREADABLE
        try:
            made = self._make()
        except BaseException as error:  # noqa: BLE001 - Polars panics with one; it is all told
            problem = self._told(error)
        finally:
            with self._changed:
                if made is not None:
                    self._publication = made
                    if self._problem is not None:
                        _log.warning("The ledger can be read again.")
                self._problem = None if made is not None else problem
                self._tried_at, self._reader = tried_at, None
                self._took = timedelta(seconds=self._timer() - began)
                self._changed.notify_all()

    def _told(self, error: BaseException) -> str:
        """Tell the log what is wrong, once; the sentence that is fit for everybody."""
        expected = isinstance(error, LedgerNotReady | SchemaIsNewer)
        sentence = str(error) if expected else UNREADABLE
        if sentence != self._problem:
            failure = explain_failure(error) if isinstance(error, Exception) else None
            if failure is None:
                _log.exception("A defect: the documents can't be made.", exc_info=error)
            else:
                _log.warning("What is shown stays as it was: %s", failure[1])
        return sentence
