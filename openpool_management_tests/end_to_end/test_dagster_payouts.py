"""200 workers are paid by Dagster's schedule, in real processes on a real chain."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.faults.payouts.oracle import assert_oracle
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.dagster_dev import DagsterDev

ROOT = Path(__file__).parent.parent.parent
WAIT_SECONDS = 240
PASSWORD = "correct horse battery staple"
WORKERS = 200
WHERE = 'repositoryLocationName: "openpool_management", repositoryName: "__repository__"'
START_SCHEDULE = f"""mutation {{ startSchedule(scheduleSelector: {{
    {WHERE}, scheduleName: "payout_schedule" }}) {{ __typename }} }}"""
START_SENSOR = f"""mutation {{ startSensor(sensorSelector: {{
    {WHERE}, sensorName: "settlement_sensor" }}) {{ __typename }} }}"""


def wait_for(what: str, done: Callable[[], bool]) -> None:
    """Poll until done."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(1)


@pytest.mark.timeout(600)
def test_200_workers_are_paid_by_the_schedule(tmp_path: Path, anvil: AnvilServer) -> None:
    home = tmp_path / "openpool"
    home.mkdir()
    storage = tmp_path / "dagster"
    config = (ROOT / "dagster.yaml").read_text()
    (tmp_path / "dagster.yaml").write_text(config.replace(".openpool/dagster", str(storage)))
    key = anvil.account(500 * ETH_WEI)
    rig = PayoutRig.at(home, key, RpcChain(anvil.url))
    rig.earn(*[(worker_address(number), 4 * 10**16 + number) for number in range(WORKERS)])
    keystore = tmp_path / "keystore.json"
    keystore.write_text(json.dumps(Account.encrypt(key.key, PASSWORD)))
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path),
        "OPENPOOL_HOME": str(home),
        "OPENPOOL_PAYOUTS": "live",
        "OPENPOOL_PAYOUT_QUARANTINE_DAYS": "0",
        "OPENPOOL_PAYOUT_CRON": "* * * * *",
        "OPENPOOL_PAYOUT_APPROVAL_WEI": str(100 * ETH_WEI),
        "ETH_RPC_ENDPOINT": anvil.url,
        "ETH_KEYSTORE": str(keystore),
        "ETH_KEYSTORE_PASSWORD": PASSWORD,
    }
    with DagsterDev(env=environment, cwd=ROOT, log=tmp_path / "dagster.log") as dagster:
        assert rig.payouts() == [], "nothing pays until somebody starts it"
        _started(dagster.graphql(START_SCHEDULE))
        wait_for("payouts in blocks", lambda: rig.states() == [PayoutState.SEEN] * WORKERS)
        _started(dagster.graphql(START_SENSOR))
        anvil.finalize()
        wait_for("settlement", lambda: rig.states() == [PayoutState.SETTLED] * WORKERS)
    for number in range(WORKERS):
        worker = worker_address(number)
        assert anvil.balance_wei(worker) == (4 * 10**16 + number) * 7500 // 10_000
        assert rig.payable_wei(worker) == 0
    paid_wei = sum(one.intent.amount_wei for one in rig.payouts())
    gas_wei = -rig.balance_wei(AccountKind.GAS, rig.sender)
    assert anvil.balance_wei(rig.sender) == 500 * ETH_WEI - paid_wei - gas_wei
    assert_oracle(rig, anvil)
    _no_secret_below(tmp_path, keystore, rig)
    rig.scratch.close()


def _started(answer: dict[str, Any]) -> None:
    [result] = answer.values()
    assert result["__typename"] in ("ScheduleStateResult", "Sensor"), answer


def _no_secret_below(folder: Path, keystore: Path, rig: PayoutRig) -> None:
    """Neither key nor password nor signed bytes are in anything that Dagster wrote."""
    signed = rig.payouts()[0].slots[0].attempts[0].signed.raw
    secrets = [PASSWORD.encode(), bytes(rig.key.key).hex().encode(), signed.hex().encode(), signed]
    looked = 0
    for path in folder.rglob("*"):
        if path.is_file() and path != keystore and "ledger.sqlite" not in path.name:
            content = path.read_bytes()
            assert [secret for secret in secrets if secret in content] == [], path
            looked += 1
    assert looked > 5
