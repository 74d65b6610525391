"""Payouts wired to the technology that the settings name."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from openpool_management.adapters.keys.load import load_signer, stated_sender
from openpool_management.adapters.sql.payouts.book import SqlPayoutBook
from openpool_management.adapters.sql.payouts.planning import SqlPlanning
from openpool_management.domain.explorer import Explorer
from openpool_management.domain.payouts.fees import GasRules
from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.domain.payouts.plan import Plan
from openpool_management.domain.payouts.policy import Policy
from openpool_management.pool import Pool, utc_now
from openpool_management.services.payouts.drive import DriveReport, drive
from openpool_management.services.payouts.paymaster import (
    Paymaster,
    PayoutLimits,
    PayoutsStopped,
)
from openpool_management.services.payouts.plans import Planner
from openpool_management.services.payouts.preflight import check_chain
from openpool_management.services.payouts.run import RunReport, pay, rehearse
from openpool_management.services.ports.chain import Chain, Signer, SignerError


@dataclass
class PayoutDesk:
    """What commands and assets pay with. Parts are made when they are first asked for."""

    pool: Pool
    clock: Callable[[], datetime] = utc_now
    receipt_seconds: float = 20
    foreign_delay_seconds: float = 2
    lease_seconds: int = 90
    _signer: Signer | None = field(default=None, repr=False)

    @property
    def mode(self) -> PayoutMode:
        """Whether payouts are off, tried, or made."""
        return self.pool.settings.payouts

    @property
    def explorer(self) -> Explorer:
        """Where people look at the transactions of the chain that the settings name."""
        return Explorer(self.pool.settings.chain_id, self.pool.settings.explorer_url)

    @cached_property
    def book(self) -> SqlPayoutBook:
        """The book of payouts."""
        return SqlPayoutBook(self.pool.engine)

    @cached_property
    def planning(self) -> SqlPlanning:
        """Standings of workers and saved plans."""
        return SqlPlanning(self.pool.engine)

    @cached_property
    def policy(self) -> Policy:
        """The pool's rules."""
        given = self.pool.settings
        return Policy(
            threshold_wei=given.payment_threshold_wei,
            floor_wei=given.payout_floor_wei,
            max_age_days=given.payout_max_age_days,
            quarantine_days=given.payout_quarantine_days,
            payout_max_wei=given.payout_max_wei,
            run_max_wei=given.payout_run_max_wei,
            day_max_wei=given.payout_day_max_wei,
            approval_wei=given.payout_approval_wei,
            reserve_wei=given.wallet_reserve_wei,
            allow_only=given.payout_allow_only,
            allow=frozenset(given.payout_allow),
            deny=frozenset(given.payout_deny),
        )

    @cached_property
    def planner(self) -> Planner:
        """What plans are made of."""
        return Planner(self.pool.books, self.planning, self.book, self.policy)

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """The nodes, the one that sends first; none where ETH_RPC_ENDPOINT is not set."""
        # web3 takes a second to import, which commands that ask no node need not wait for.
        from openpool_management.adapters.chain.rpc_chain import RpcChain

        return tuple(RpcChain(url) for url in self.pool.settings.rpc_urls)

    def sender(self) -> str | None:
        """The wallet's address, None where nothing tells it.

        A key is loaded for it in live mode alone, where neither OPENPOOL_PAYOUT_SENDER nor a
        keystore tells it.
        """
        given = self.pool.settings
        if given.payout_sender is not None:
            return given.payout_sender
        if stated := stated_sender(given.eth_keystore, given.eth_private_key):
            return stated
        if not given.key_options:
            openings = self.book.openings()
            return openings[0].sender if openings else None
        # What another key has paid from may be another wallet, so the ledger is not asked.
        if self.mode is PayoutMode.LIVE:
            with suppress(SignerError):
                return self.signer().address
        return None

    def signer(self) -> Signer:
        """The key, loaded once. Raises SignerError, always where the pool is only read."""
        if self.pool.read_only:
            raise SignerError("This process only reads the ledger, so it loads no key.")
        if self._signer is None:
            given = self.pool.settings
            self._signer = load_signer(
                keystore=given.eth_keystore,
                keystore_password=given.eth_keystore_password,
                private_key=given.eth_private_key,
                signer_url=given.signer_url,
                sender=given.payout_sender,
                development=given.development,
            )
        return self._signer

    def paymaster(self) -> Paymaster:
        """The wallet with its chain, and in live mode with its key.

        Raises PayoutsStopped without a node or an address, SignerError for a key that is no good.
        """
        if self.mode is not PayoutMode.LIVE:
            return self.looking()
        address, meant = self.signer().address, self.sender()
        if address != meant:
            raise PayoutsStopped(
                f"The key is that of {address}, but its keystore says that it is that of {meant}: "
                "set OPENPOOL_PAYOUT_SENDER to the address that payouts come from."
            )
        return self._paymaster(address, self.signer)

    def looking(self) -> Paymaster:
        """The wallet with its chain and without a key. Raises PayoutsStopped as paymaster does."""
        sender = self.sender()
        if sender is None:
            raise PayoutsStopped(
                "The wallet's address is not known: set OPENPOOL_PAYOUT_SENDER to the address that "
                "payouts come from."
            )
        return self._paymaster(sender, None)

    def pay(self, run_key: str) -> RunReport:
        """Carry out the plan of a period; in a dry run try it, changing nothing.

        Raises PayoutsStopped where payouts are off, and as paymaster does.
        """
        if self.mode is PayoutMode.OFF:
            raise PayoutsStopped(
                "Payouts are off: set OPENPOOL_PAYOUTS to dry-run to try them, then to live."
            )
        if self.mode is PayoutMode.LIVE:
            return pay(self.planner, self.paymaster(), run_key)
        return self.rehearse(run_key)

    def plan(self, run_key: str, *, ask_chain: bool = True) -> Plan:
        """The plan of a period as things stand, whatever the mode; nothing changes.

        Without the chain the wallet's balance is not known. Raises OSError when a node can't be
        asked, and PayoutsStopped when one is of another chain.
        """
        given, now, sender = self.pool.settings, self.clock(), self.sender() or ""
        paymaster = self.looking() if ask_chain and self.chains and sender else None
        if paymaster is not None:
            check_chain(paymaster)
        funds = self.planner.funds(run_key, given.chain_id, sender, paymaster, now)
        return self.planner.plan(run_key, funds, now)

    def rehearse(self, run_key: str) -> RunReport:
        """Plan a period and try its transfers up to signing, whatever the mode; nothing changes."""
        paymaster = self.looking() if self.chains and self.sender() else None
        return rehearse(self.planner, paymaster, self.plan(run_key))

    def settle(self) -> DriveReport:
        """Follow what is under way to its end; in live mode send again what needs it.

        Raises LeaseHeld, OSError, and as paymaster does.
        """
        return drive(self.paymaster(), send=self.mode is PayoutMode.LIVE)

    def _paymaster(self, sender: str, signer: Callable[[], Signer] | None) -> Paymaster:
        if not self.chains:
            raise PayoutsStopped(
                "There is no chain to ask: set ETH_RPC_ENDPOINT to a node of the chain."
            )
        given = self.pool.settings
        return Paymaster(
            book=self.book,
            chain=self.chains[0],
            witnesses=self.chains[1:],
            chain_id=given.chain_id,
            sender=sender,
            gas=GasRules(given.gas_limit, given.max_gas_price_wei, given.priority_fee_wei),
            limits=PayoutLimits(
                given.wallet_reserve_wei,
                given.payout_unfinal_max_wei,
                self.receipt_seconds,
                self.foreign_delay_seconds,
                self.lease_seconds,
            ),
            clock=self.clock,
            load_signer=signer,
        )
