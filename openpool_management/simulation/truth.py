"""What the simulated log must add up to, noted while it is made and never read back from it."""

from array import array
from collections import Counter, defaultdict
from typing import NotRequired, TypedDict

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.money import BPS_PER_WHOLE


class FeesTruth(TypedDict):
    """Jobs and fees of an account that is no worker's."""

    jobs: int
    gross_wei: str


class WorkerTruth(TypedDict):
    """What one worker earned in one stream. Wei as decimal text."""

    jobs: int
    compute_units: dict[str, int]
    gross_wei: str
    net_wei: str
    commission_wei: str


class StreamTruth(TypedDict):
    """What one stream adds up to. held is there only if zero-address jobs are."""

    events: dict[str, int]
    unattributed: FeesTruth
    workers: dict[str, WorkerTruth]
    held: NotRequired[FeesTruth]


class LedgerTruth(TypedDict):
    """The ``streams`` part of ``openpool ledger --json``."""

    streams: dict[str, StreamTruth]


class Account:
    """The jobs of one worker. Fees are kept one by one: commission is rounded per job."""

    __slots__ = ("fees_wei", "units")

    def __init__(self) -> None:
        # Eight bytes a job: a fee fits, since the emitter computes it in 64 bits.
        self.fees_wei = array("q")
        self.units: defaultdict[str, int] = defaultdict(int)

    def add(self, pipeline: str, compute_units: int, fees_wei: int) -> None:
        """Note one job that was processed."""
        self.fees_wei.append(fees_wei)
        self.units[pipeline] += compute_units

    def as_worker(self, fee_bps: int) -> WorkerTruth:
        """The worker's earnings at a commission in basis points."""
        gross_wei = sum(self.fees_wei)
        net_wei = sum(fee * (BPS_PER_WHOLE - fee_bps) // BPS_PER_WHOLE for fee in self.fees_wei)
        return {
            "jobs": len(self.fees_wei),
            "compute_units": dict(sorted(self.units.items())),
            "gross_wei": str(gross_wei),
            "net_wei": str(net_wei),
            "commission_wei": str(gross_wei - net_wei),
        }

    def as_fees(self) -> FeesTruth:
        """The account's jobs and fees alone."""
        return {"jobs": len(self.fees_wei), "gross_wei": str(sum(self.fees_wei))}


class Tally:
    """The truth of one stream."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.unattributed = Account()
        self.accounts: defaultdict[str, Account] = defaultdict(Account)

    def truth(self, fee_bps: int) -> StreamTruth:
        """The stream as the ledger must show it."""
        stream: StreamTruth = {
            "events": {kind: n for kind, n in sorted(self.events.items()) if n},
            "unattributed": self.unattributed.as_fees(),
            "workers": {
                address: account.as_worker(fee_bps)
                for address, account in sorted(self.accounts.items())
                if address != ZERO_ADDRESS
            },
        }
        if ZERO_ADDRESS in self.accounts:
            stream["held"] = self.accounts[ZERO_ADDRESS].as_fees()
        return stream
