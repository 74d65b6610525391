"""The demo's wallet: a throw-away key on a chain of its own, and the payouts it makes."""

import json
import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from eth_account import Account

from openpool_management.cli.output import amount, number, print_table, say, short_address
from openpool_management.demo.anvil import AnvilMissing, anvil_binary
from openpool_management.demo.anvil_process import SLOTS_IN_AN_EPOCH, AnvilProcess
from openpool_management.demo.npm_package import packages_cache
from openpool_management.domain.payouts.payout import Payout, PayoutState
from openpool_management.domain.payouts.plan import Plan
from openpool_management.payout_desk import PayoutDesk
from openpool_management.pool import Pool
from openpool_management.services.ledger_report import worker_balances

CHAIN_ID = 31337
WALLET_WEI = 100 * 10**18
THRESHOLD_WEI = 6 * 10**14
FINALITY_BLOCKS = 2 * SLOTS_IN_AN_EPOCH


class DemoWallet:
    """A chain with a funded key, or the reason why there is none. Sets options of this process."""

    def __init__(self, folder: Path, ending: ExitStack) -> None:
        """Start anvil where it can be had; it ends with ending."""
        self.missing = ""
        os.environ.update(
            OPENPOOL_PAYOUTS="dry-run",
            OPENPOOL_PAYOUT_QUARANTINE_DAYS="0",
            PAYMENT_THRESHOLD_WEI=str(THRESHOLD_WEI),
            OPENPOOL_PAYOUT_FLOOR_WEI="0",
            CHAIN_ID=str(CHAIN_ID),
        )
        try:
            self.chain = AnvilProcess(
                anvil_binary(packages_cache(os.environ)), folder / "anvil.log", chain_id=CHAIN_ID
            )
        except AnvilMissing as missing:
            self.missing = str(missing)
            return
        ending.callback(self.chain.stop)
        key, password = Account.create(), secrets.token_urlsafe(24)
        self.chain.rpc("anvil_setBalance", key.address, hex(WALLET_WEI))
        self.chain.rpc("anvil_mine", hex(FINALITY_BLOCKS))
        keystore, password_file = folder / "keystore.json", folder / "keystore-password"
        _write_private(keystore, json.dumps(Account.encrypt(key.key, password)))
        _write_private(password_file, password)
        os.environ.update(
            OPENPOOL_PAYOUTS="live",
            ETH_RPC_ENDPOINT=self.chain.url,
            ETH_KEYSTORE=str(keystore),
            ETH_KEYSTORE_PASSWORD=str(password_file),
        )
        say(f"A chain of its own is on {self.chain.url}, with a throw-away wallet {key.address}.")

    def pay(self, pool: Pool) -> int:
        """Pay the workers, wait for finality, and compare the chain with the ledger.

        Returns 1 where they differ, or where a payout did not get through.
        """
        desk = PayoutDesk(pool)
        period = f"{desk.clock():%Y-%m-%d}"
        if self.missing:
            _print_plan(desk.plan(period))
            say(f"Nothing is paid: this is the plan of a dry run. {self.missing}")
            return 0
        before = _balances(self.chain.rpc, pool)
        report = desk.pay(period)
        if report.plan is not None:
            _print_plan(report.plan)
        self.chain.rpc("anvil_mine", hex(FINALITY_BLOCKS))
        settled = desk.settle()
        for problem in report.problems + settled.problems:
            say(problem)
        payouts = desk.book.payouts(limit=1000)[::-1]
        _print_payouts(payouts)
        return self._compare(pool, payouts, before)

    def _compare(self, pool: Pool, payouts: list[Payout], before: dict[str, int]) -> int:
        after = _balances(self.chain.rpc, pool)
        paid = {
            worker: int(balance["paid_wei"])
            for worker, balance in worker_balances(pool.books.standings()).items()
        }
        wrong = [worker for worker in after if after[worker] - before[worker] != paid[worker]]
        unpaid = [one.id for one in payouts if one.state is not PayoutState.SETTLED]
        if not wrong and not unpaid:
            say(
                f"{number(len(payouts))} payouts are final. Every recipient's balance on the chain "
                "grew by what the ledger says was paid, to the wei."
            )
            return 0
        say(
            f"The chain DIFFERS from the ledger for {', '.join(wrong) or 'nobody'}, and "
            f"{len(unpaid)} payouts are not settled: this is a defect, please report it."
        )
        return 1


def _balances(rpc: Callable[..., str], pool: Pool) -> dict[str, int]:
    workers = worker_balances(pool.books.standings())
    return {worker: int(rpc("eth_getBalance", worker, "latest"), 16) for worker in workers}


def _print_plan(plan: Plan) -> None:
    print_table(
        f"Payouts planned for {plan.run_key}",
        ["worker", "verdict", "why"],
        [[one.worker, one.verdict.value, one.reason] for one in plan.decisions],
        whole=["worker"],
    )


def _print_payouts(payouts: list[Payout]) -> None:
    print_table(
        "Payouts in ETH",
        ["worker", "amount", "state", "transaction"],
        [
            [
                short_address(one.intent.worker),
                amount(one.intent.amount_wei, False),
                one.state.value,
                one.events[-1].tx_hash if one.events else "",
            ]
            for one in payouts
        ],
        whole=["transaction"],
    )


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(text)
