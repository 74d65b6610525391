"""The whole journal, to be read at one moment."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from openpool_management.domain.journal import JournalAccount, JournalEntry


class JournalSnapshot(Protocol):
    """The journal as it was at one moment, whatever is committed meanwhile."""

    def accounts(self) -> list[JournalAccount]:
        """Every account that was posted to."""
        ...

    def entries(self) -> Iterator[JournalEntry]:
        """Every entry by its number, read page by page: memory does not grow with the journal."""
        ...


class Journal(Protocol):
    """The journal of a ledger; it is only read."""

    def at_one_moment(self) -> AbstractContextManager[JournalSnapshot]:
        """One consistent read, which takes no lock that writers wait for."""
        ...
