"""What exports read of the ledger, as the services need it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from openpool_management.domain.accounts import Account, Standing
from openpool_management.domain.commission import CommissionRate
from openpool_management.domain.payouts.payout import Payout
from openpool_management.domain.streams import Stream
from openpool_management.domain.worker_history import WorkerHistory


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """The ledger at one moment, so that all documents made of it state the same amounts.

    read_at is when each stream's newest batch was read. payouts are in the order in which they were
    set aside, histories by worker. last_lines has the numbers of each account's newest lines, of
    money and of work.
    """

    standings: tuple[Standing, ...]
    read_at: dict[Stream, datetime]
    rates: tuple[CommissionRate, ...]
    payouts: tuple[Payout, ...]
    histories: dict[str, WorkerHistory]
    last_lines: dict[Account, tuple[int, int]] = field(default_factory=dict)

    @property
    def under_way(self) -> list[Payout]:
        """The payouts that are not final, the oldest first."""
        return [one for one in self.payouts if not one.ended]


class ExportRecords(Protocol):
    """What exports are made of."""

    def snapshot(self) -> LedgerSnapshot:
        """The ledger as it stands, in one transaction."""
        ...
