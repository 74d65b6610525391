"""A workbench whose pool pays live on anvil."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from eth_account import Account as EthAccount

from openpool_management.partitions import payout_day
from openpool_management.services.payouts import orders
from openpool_management.settings import Settings
from openpool_management_tests.assets.workbench import Workbench
from openpool_management_tests.payout_rig import PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer

PASSWORD = "correct-horse-battery-staple"
WORKERS = [worker_address(number) for number in range(3)]
NET_WEI = 3 * 10**17


def keystore_at(path: Path, key: bytes) -> Path:
    """A keystore that opens quickly."""
    keystore = EthAccount.encrypt(key, PASSWORD, kdf="pbkdf2", iterations=1)
    path.write_text(json.dumps(keystore))
    return path


@dataclass
class PayoutBench:
    """Dagster, a ledger in which workers earned, and a wallet on a chain."""

    dagster: Workbench
    anvil: AnvilServer
    rig: PayoutRig

    @classmethod
    def at(
        cls, directory: Path, instance: dg.DagsterInstance, anvil: AnvilServer
    ) -> Iterator["PayoutBench"]:
        """A bench that is closed afterwards."""
        key, home = anvil.account(), directory / "home"
        home.mkdir()
        rig = PayoutRig.on(anvil, home, key)
        settings = Settings(
            home=home,
            payouts="live",
            eth_rpc_endpoint=anvil.url,
            eth_keystore=keystore_at(directory / "keystore.json", bytes(key.key)),
            eth_keystore_password=PASSWORD,
            max_gas_price_wei=10**10,
            payout_quarantine_days=0,
        )
        yield cls(Workbench(instance, settings), anvil, rig)
        rig.scratch.close()

    def with_options(self, **changes: Any) -> "PayoutBench":
        """The same pool and instance with other options."""
        return replace(self, dagster=self.dagster.with_options(**changes))

    @property
    def today(self) -> str:
        """The partition of today."""
        return payout_day(datetime.now(UTC))

    def pay(self, day: str | None = None, **options: Any) -> dg.ExecuteInProcessResult:
        """A run of payout_job, of today or of another day."""
        return self._job("payout_job").execute_in_process(
            instance=self.dagster.instance, partition_key=day or self.today, **options
        )

    def settle(self) -> dg.ExecuteInProcessResult:
        """A run of settlement_job."""
        return self._job("settlement_job").execute_in_process(instance=self.dagster.instance)

    def at_time(self, now: datetime) -> "PayoutBench":
        """The same pool and instance; the clock of payouts stands."""
        return replace(self, dagster=self.dagster.at(now))

    def resume(self) -> None:
        """Let payouts go on that were paused."""
        orders.resume(self.rig.book, "seen to", datetime.now(UTC))

    def received_wei(self, workers: list[str]) -> list[int]:
        """What workers hold on the chain."""
        return [self.anvil.balance_wei(worker) for worker in workers]

    def _job(self, name: str) -> dg.JobDefinition:
        return self.dagster.defs.resolve_job_def(name)


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """Metadata of an asset's materialization in a run."""
    (event,) = result.asset_materializations_for_node(asset)
    return readable(event.metadata)


def readable(metadata: Any) -> dict[str, Any]:
    """Metadata as plain values, tables as lists of rows."""
    return {
        name: [record.data for record in value.records]
        if isinstance(value, dg.TableMetadataValue)
        else value.value
        for name, value in metadata.items()
    }


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """What the checks of a run say, by name."""
    return {one.check_name: one for one in result.get_asset_check_evaluations()}
