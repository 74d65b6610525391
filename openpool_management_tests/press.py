"""A pool on the real objects that pays on anvil, and what it publishes."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.pool import utc_now
from openpool_management_tests.cli.payout_counter import Counter
from openpool_management_tests.servers.anvil import AnvilServer

BOTH = "0x507f77B60F7B39029eD850c5F1718194908dBa77"
"""Earned on a stream of each node type."""

CAP_WEI = 2 * 10**15


@dataclass
class Press:
    """What a pool published in a directory, and the pool itself."""

    counter: Counter
    anvil: AnvilServer
    directory: Path

    @classmethod
    def over(cls, counter: Counter, anvil: AnvilServer, events: Path, directory: Path) -> "Press":
        """Some payouts are final, some are in a block only, and something was earned since."""
        shutil.copytree(events, counter.events, dirs_exist_ok=True)
        counter.rig.scratch.sync(DirectorySource(counter.events), clock=utc_now)
        counter.options |= {"PAYMENT_THRESHOLD_WEI": CAP_WEI, "OPENPOOL_PAYOUT_MAX_WEI": CAP_WEI}
        assert len(counter.json("run")["payouts"]) == 15
        anvil.finalize()
        counter.json("settle")
        counter.earn(BOTH)
        counter.rig.scratch.sync(DirectorySource(counter.events), full=True, clock=utc_now)
        counter.rig.now = counter.rig.payouts()[0].intent.created_at
        counter.rig.next_day()
        counter.rig.pay()
        return cls(counter, anvil, directory)

    def publish(self) -> Any:
        """What ``openpool publish --json`` prints."""
        return self.counter.command("publish", "--json", OPENPOOL_METRICS_DIR=self.directory).json

    def document(self, key: str) -> Any:
        """A JSON document."""
        return json.loads((self.directory / key).read_text())
