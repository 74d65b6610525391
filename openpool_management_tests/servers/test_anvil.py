"""anvil is found or installed, runs, and forgets what a test did to it."""

import os
import sys
import time
from pathlib import Path

import pytest

from openpool_management.demo.anvil import AnvilMissing, anvil_binary
from openpool_management.demo.anvil_process import BASE_FEE_WEI, AnvilError, AnvilProcess
from openpool_management.demo.npm_package import packages_cache
from openpool_management_tests.servers.anvil import ETH_WEI, FINALITY_BLOCKS, AnvilServer


def program(path: Path, text: str) -> Path:
    """A shell script as a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_anvil_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = program(tmp_path / "bin" / "anvil", "exit 0")
    monkeypatch.setenv("PATH", str(binary.parent))
    assert anvil_binary(tmp_path / "cache") == binary
    assert not (tmp_path / "cache").exists()


def test_an_installed_anvil_is_taken_without_npm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = packages_cache(os.environ)
    monkeypatch.setenv("PATH", str(tmp_path))
    first = anvil_binary(cache)
    monkeypatch.setattr(
        "openpool_management.demo.npm_package.npm_command", lambda: ["/no/such/npm"]
    )
    assert anvil_binary(cache) == first


@pytest.mark.parametrize(
    ("npm", "sentence"),
    [
        ("echo 'npm error 404 Not Found'; exit 1", "could not install .* 404 Not Found"),
        ('mkdir "$3/node_modules"', "holds no bin/anvil"),
    ],
)
def test_a_failed_install_says_so_and_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, npm: str, sentence: str
) -> None:
    script = program(tmp_path / "npm", npm)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "empty"), "/usr/bin", "/bin"]))
    monkeypatch.setattr("openpool_management.demo.npm_package.npm_command", lambda: [str(script)])
    cache = tmp_path / "cache"
    with pytest.raises(AnvilMissing, match=rf"(?s){sentence}.*Foundry"):
        anvil_binary(cache)
    assert not list(cache.glob("installing-*"))


def test_without_npm_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AnvilMissing, match=r"neither anvil nor npm\. Run pip install"):
        anvil_binary(tmp_path / "cache")


def test_a_cache_that_is_a_file_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(AnvilMissing, match="can't be kept in"):
        anvil_binary(tmp_path / "file")


def test_the_cache_is_the_users() -> None:
    assert packages_cache({"XDG_CACHE_HOME": "/caches"}) == Path("/caches/openpool-manager")
    home = Path.home() / ".cache" / "openpool-manager"
    assert packages_cache({}) == home
    assert packages_cache({"XDG_CACHE_HOME": "not/absolute"}) == home


def test_a_program_that_ends_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(AnvilMissing, match=r"(?s)no luck today.*did not start"):
        AnvilProcess(
            program(tmp_path / "anvil", "echo no luck today; exit 3"),
            tmp_path / "log",
            chain_id=1,
        )
    with pytest.raises(AnvilMissing, match="Install it anew"):
        AnvilProcess(Path(sys.prefix), tmp_path / "log", chain_id=1)


def test_stop_ends_the_process(tmp_path: Path) -> None:
    server = AnvilServer(tmp_path / "log", chain_id=5)
    assert int(server.rpc("eth_chainId"), 16) == 5
    server.stop()
    server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_blocks_become_final_after_two_epochs(anvil: AnvilServer) -> None:
    anvil.mine(22)
    assert (anvil.height(), anvil.height("safe"), anvil.height("finalized")) == (22, 18, 14)
    anvil.finalize()
    assert anvil.height("finalized") == 22
    assert anvil.height() == 22 + FINALITY_BLOCKS


def test_transfers_are_mined_at_once(anvil: AnvilServer) -> None:
    sender, to = anvil.account(), anvil.account(0).address
    anvil.send(anvil.transfer(sender, to, 10 * ETH_WEI))
    assert anvil.balance_wei(to) == 10 * ETH_WEI
    assert anvil.nonce(sender.address) == 1
    with pytest.raises(AnvilError, match="nonce too low"):
        anvil.send(anvil.transfer(sender, to, 1, nonce=0))


def test_reset_takes_back_what_a_test_did(anvil: AnvilServer) -> None:
    account = anvil.account()
    anvil.mine(30)
    anvil.refuse_payments(account.address)
    anvil.rpc("anvil_setNonce", account.address, hex(7))
    anvil.rpc("evm_increaseTime", 1_000_000)
    anvil.rpc("evm_setAutomine", False)
    sender = anvil.account()
    anvil.send(anvil.transfer(sender, account.address, 1))
    anvil.rpc("evm_setIntervalMining", 3600)
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * 10**9))

    anvil.reset()
    assert anvil.height() == 0
    assert anvil.balance_wei(account.address) == 0
    assert anvil.nonce(account.address) == 0
    assert anvil.rpc("eth_getCode", account.address, "latest") == "0x"
    assert anvil.rpc("txpool_status") == {"pending": "0x0", "queued": "0x0"}

    sender = anvil.account()
    anvil.send(anvil.transfer(sender, account.address, 1))
    block = anvil.rpc("eth_getBlockByNumber", "latest", False)
    assert int(block["number"], 16) == 1
    assert int(block["baseFeePerGas"], 16) == BASE_FEE_WEI
    assert abs(int(block["timestamp"], 16) - time.time()) < 1000
