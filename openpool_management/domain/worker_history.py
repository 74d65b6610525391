"""What a worker earned on each day, and what was set aside to be paid, out of the postings."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from openpool_management.domain.accounts import Account, AccountKind
from openpool_management.domain.payment_split import UnpaidByStream


@dataclass(frozen=True, order=True, slots=True)
class DayKey:
    """A line of a statement: a day by UTC, on which the earnings were posted, and their source."""

    day: date
    stream: str
    pipeline: str
    model: str


@dataclass(slots=True)
class DayLine:
    """What a line adds up to; less than nothing where jobs moved to others."""

    jobs: int = 0
    compute_units: int = 0
    net_wei: int = 0
    commission_wei: int = 0

    def add(self, other: "DayLine") -> None:
        """Add another line to this one."""
        self.jobs += other.jobs
        self.compute_units += other.compute_units
        self.net_wei += other.net_wei
        self.commission_wei += other.commission_wei

    @property
    def fees_wei(self) -> int:
        """What the jobs earned at all."""
        return self.net_wei + self.commission_wei

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.jobs or self.compute_units or self.net_wei or self.commission_wei)


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """A payout that was set aside, below 0, or given back, above; what it did to the balance."""

    at: datetime
    payout_id: str
    amount_wei: int


@dataclass(slots=True)
class WorkerHistory:
    """One worker's earnings by day, changes of the balance by payouts, and shares of payouts.

    Postings are added in the order in which they were made.
    """

    lines: dict[DayKey, DayLine] = field(default_factory=dict)
    changes: list[BalanceChange] = field(default_factory=list)
    unpaid: UnpaidByStream = field(default_factory=UnpaidByStream)

    def copied(self, days: Collection[date]) -> "WorkerHistory":
        """A history to which postings of these days can be added; this one stays as it is."""
        lines = {
            key: replace(line) if key.day in days else line for key, line in self.lines.items()
        }
        return WorkerHistory(lines, list(self.changes), self.unpaid.copied())

    def post(self, account: Account, key: str, at: datetime, amount_wei: int) -> None:
        """Add a posting of PAYABLE or COMMISSION, by its entry's key and time."""
        if not account.stream:
            self._change(key.split(":")[1], at, amount_wei)
        elif account.kind is AccountKind.COMMISSION:
            self._line(account, at).commission_wei += amount_wei
        else:
            self._line(account, at).net_wei += amount_wei
            self.unpaid.earn(account.stream, amount_wei)

    def work(self, account: Account, at: datetime, jobs: int, compute_units: int) -> None:
        """Add a posting of work."""
        line = self._line(account, at)
        line.jobs += jobs
        line.compute_units += compute_units

    def _line(self, account: Account, at: datetime) -> DayLine:
        key = DayKey(at.date(), account.stream, account.pipeline, account.model)
        return self.lines.setdefault(key, DayLine())

    def _change(self, payout_id: str, at: datetime, amount_wei: int) -> None:
        self.changes.append(BalanceChange(at, payout_id, amount_wei))
        if amount_wei < 0:
            self.unpaid.set_aside(payout_id, -amount_wei)
        else:
            self.unpaid.give_back(payout_id)


@dataclass(frozen=True, slots=True)
class Month:
    """A worker's statement of a month by UTC, in wei.

    The balance is what was owed and not set aside: closing = opening + earned + changes.
    """

    name: str
    opening_wei: int
    lines: tuple[tuple[DayKey, DayLine], ...]
    changes: tuple[BalanceChange, ...]

    @property
    def earned_wei(self) -> int:
        """What the lines add up to for the worker."""
        return sum(line.net_wei for _, line in self.lines)

    @property
    def closing_wei(self) -> int:
        """The balance at the month's end, or as it stands in the month under way."""
        changed_wei = sum(change.amount_wei for change in self.changes)
        return self.opening_wei + self.earned_wei + changed_wei


def months(history: WorkerHistory) -> Iterator[Month]:
    """The months in which something was posted, oldest first; each opens as the last one closed."""
    lines: dict[str, list[tuple[DayKey, DayLine]]] = {}
    changes: dict[str, list[BalanceChange]] = {}
    for key in sorted(history.lines):
        # A month of which all moved to others has a statement: an earlier one said otherwise.
        own = lines.setdefault(f"{key.day:%Y-%m}", [])
        if not history.lines[key].empty:
            own.append((key, history.lines[key]))
    for change in history.changes:
        changes.setdefault(f"{change.at:%Y-%m}", []).append(change)
    opening_wei = 0
    for name in sorted(lines.keys() | changes.keys()):
        month = Month(name, opening_wei, tuple(lines.get(name, ())), tuple(changes.get(name, ())))
        yield month
        opening_wei = month.closing_wei
