"""The command line of a pool that pays live on anvil."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account

from openpool_management.adapters.directory_source import DirectorySource
from openpool_management.pool import utc_now
from openpool_management_tests.log_objects import TRANSCODE, body, key, transcoded
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer

PASSWORD = "correct horse battery staple"
WORKERS = [worker_address(number) for number in range(3)]
NET_WEI = 3 * 10**17


@dataclass
class Counter:
    """What operators type, and everything that was ever printed."""

    openpool: Callable[..., Any]
    rig: PayoutRig
    events: Path
    options: dict[str, Any]
    printed: list[str] = field(default_factory=list)

    @classmethod
    def at(
        cls, directory: Path, anvil: AnvilServer, openpool: Callable[..., Any]
    ) -> Iterator["Counter"]:
        """A pool that owes each of WORKERS NET_WEI."""
        home, events = directory / "home", directory / "events"
        home.mkdir()
        owner = anvil.account(50 * ETH_WEI)
        rig = PayoutRig.on(anvil, home, owner)
        keystore = directory / "keystore.json"
        keystore.write_text(json.dumps(Account.encrypt(owner.key, PASSWORD, "pbkdf2", 1)))
        options = {
            "OPENPOOL_EVENTS_DIR": events,
            "OPENPOOL_PAYOUTS": "live",
            "OPENPOOL_PAYOUT_QUARANTINE_DAYS": 0,
            "ETH_RPC_ENDPOINT": anvil.url,
            "ETH_KEYSTORE": keystore,
            "ETH_KEYSTORE_PASSWORD": PASSWORD,
        }
        made = cls(openpool, rig, events, options)
        made.earn(*WORKERS)
        yield made
        rig.scratch.close()

    def __call__(self, *arguments: str, code: int = 0, **options: object) -> Any:
        """How a command of ``openpool payouts`` ended."""
        return self.command("payouts", *arguments, code=code, **options)

    def command(self, *words: str, code: int = 0, **options: object) -> Any:
        """How a command of ``openpool`` ended."""
        ran = self.openpool(*words, **(self.options | options))
        self.printed += [ran.stdout, ran.stderr]
        assert ran.code == code, (words, ran)
        return ran

    def json(self, *arguments: str, code: int = 0, **options: object) -> Any:
        """What a command prints with --json."""
        return self(*arguments, "--json", code=code, **options).json

    def earn(self, *workers: str) -> None:
        """Let workers do a job for NET_WEI each; an object of the log tells of it."""
        second = 60 * len(list(self.events.rglob("*.json")))
        path = self.events / key(TRANSCODE, second)
        path.parent.mkdir(parents=True, exist_ok=True)
        jobs = [transcoded(worker, second, units=1, price=NET_WEI * 4 // 3) for worker in workers]
        path.write_bytes(body(jobs))
        self.rig.scratch.sync(DirectorySource(self.events), clock=utc_now)

    def secrets(self) -> list[str]:
        """What may be printed nowhere."""
        signed = [
            one for payout in self.rig.payouts() for slot in payout.slots for one in slot.attempts
        ]
        known = [PASSWORD, bytes(self.rig.key.key).hex(), "secret-api-key"]
        return known + [one.signed.raw.hex()[:80] for one in signed]
