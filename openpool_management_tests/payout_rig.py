"""A pool that pays: a real ledger in which workers earned, and a wallet on a chain."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.adapters.keys.local import LocalSigner
from openpool_management.adapters.sql.payouts.book import SqlPayoutBook
from openpool_management.adapters.sql.payouts.planning import SqlPlanning
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.fees import GasRules
from openpool_management.domain.payouts.payout import Payout, PayoutState
from openpool_management.domain.payouts.policy import Policy
from openpool_management.services.payouts.drive import DriveReport, drive
from openpool_management.services.payouts.paymaster import Paymaster, PayoutLimits
from openpool_management.services.payouts.plans import Planner
from openpool_management.services.payouts.run import RunReport, pay
from openpool_management.services.ports.chain import Chain
from openpool_management_tests.ledgers import Log, ScratchLedger
from openpool_management_tests.log_objects import TRANSCODE, transcoded
from openpool_management_tests.servers.anvil import AnvilServer

ETH_WEI = 10**18
CHAIN_ID = 42161
DAY = datetime(2026, 12, 1, 12, tzinfo=UTC)
POLICY = Policy(
    threshold_wei=10**16,
    floor_wei=10**15,
    max_age_days=30,
    quarantine_days=0,
    payout_max_wei=100 * ETH_WEI,
    run_max_wei=1000 * ETH_WEI,
    day_max_wei=1000 * ETH_WEI,
    approval_wei=1000 * ETH_WEI,
    reserve_wei=10**15,
)
GAS = GasRules(limit=2_000_000, max_price_wei=10 * 10**9, priority_fee_wei=0)
LIMITS = PayoutLimits(
    reserve_wei=10**15,
    unfinal_max_wei=1000 * ETH_WEI,
    receipt_seconds=0.2,
    foreign_delay_seconds=0,
    lease_seconds=90,
)


def worker_address(number: int) -> str:
    """The address of a numbered worker; nobody needs its key."""
    return str(Account.from_key((10**9 + number).to_bytes(32, "big")).address)


@dataclass
class PayoutRig:
    """A ledger in a directory, a key, and nodes of a chain.

    The clock stands at DAY and moves when tests move it. fee_wei of which a worker gets three
    quarters. anvil is what the nodes are, where a payout is to see the block that holds it however
    busy the machine is.
    """

    scratch: ScratchLedger
    key: LocalAccount
    chain: Chain
    witnesses: tuple[Chain, ...] = ()
    policy: Policy = POLICY
    gas: GasRules = GAS
    limits: PayoutLimits = LIMITS
    now: datetime = DAY
    anvil: AnvilServer | None = None
    _seconds: Iterator[int] = field(default_factory=lambda: count(0, 60))

    @classmethod
    def at(
        cls,
        directory: Path,
        key: LocalAccount,
        chain: Chain,
        *,
        url: str | None = None,
        anvil: AnvilServer | None = None,
    ) -> "PayoutRig":
        """A rig with an empty SQLite ledger in a directory, or at a URL."""
        scratch = (
            ScratchLedger.in_directory(directory)
            if url is None
            else ScratchLedger(url, directory / "lake")
        )
        return cls(scratch, key, chain, anvil=anvil)

    @classmethod
    def on(
        cls, anvil: AnvilServer, directory: Path, key: LocalAccount, *, url: str | None = None
    ) -> "PayoutRig":
        """The same with anvil as its node, and nothing between."""
        return cls.at(directory, key, RpcChain(anvil.url), url=url, anvil=anvil)

    @property
    def sender(self) -> str:
        """The wallet."""
        return str(self.key.address)

    @property
    def book(self) -> SqlPayoutBook:
        """The book of payouts."""
        return SqlPayoutBook(self.scratch.engine)

    @property
    def planner(self) -> Planner:
        """Makes plans."""
        planning = SqlPlanning(self.scratch.engine)
        return Planner(self.scratch.books, planning, self.book, self.policy)

    def paymaster(
        self, *, signing: bool = True, sleep: Callable[[float], None] | None = None
    ) -> Paymaster:
        """A new process, as it were: only the ledger and the chain are old."""
        made = Paymaster(
            book=self.book,
            chain=self.chain,
            witnesses=self.witnesses,
            chain_id=CHAIN_ID,
            sender=self.sender,
            gas=self.gas,
            limits=self.limits,
            clock=lambda: self.now,
            load_signer=(lambda: LocalSigner(lambda: self.key)) if signing else None,
        )
        if sleep is None and self.anvil is not None:
            sleep = self.anvil.sleep
        return made if sleep is None else replace(made, sleep=sleep)

    def earn(self, *fees: tuple[str, int]) -> None:
        """Let workers do jobs for fees in wei."""
        log = Log(self.scratch)
        second = next(self._seconds)
        jobs = [
            transcoded(worker, second + number % 50, units=1, price=fee_wei)
            for number, (worker, fee_wei) in enumerate(fees)
        ]
        log.read(TRANSCODE, second, *jobs)

    def pay(self, run_key: str | None = None) -> RunReport:
        """A payout run of the day, or of another period."""
        return pay(self.planner, self.paymaster(), run_key or f"{self.now:%Y-%m-%d}")

    def drive(self, *, send: bool = True) -> DriveReport:
        """Bring on what is under way."""
        return drive(self.paymaster(), send=send)

    def next_day(self) -> None:
        """A day passes."""
        self.now += timedelta(days=1)

    def payouts(self) -> Sequence[Payout]:
        """Every payout, the oldest first."""
        return self.book.payouts(limit=10**6)[::-1]

    def states(self) -> list[PayoutState]:
        """Where every payout stands, the oldest first."""
        return [one.state for one in self.payouts()]

    def payable_wei(self, worker: str) -> int:
        """What a worker is owed and is not set aside."""
        return self.balance_wei(AccountKind.PAYABLE, worker)

    def balance_wei(self, kind: AccountKind, worker: str) -> int:
        """Balance of all accounts of a kind that belong to an address."""
        return sum(
            one.balance_wei
            for one in self.scratch.books.standings()
            if one.account.kind is kind and one.account.worker == worker
        )
