"""Payouts a second on anvil, against a bare loop that signs, sends and waits for the receipt."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider, Web3

from openpool_management.adapters.chain.rpc_chain import RpcChain
from openpool_management_tests.ledgers import ScratchLedger
from openpool_management_tests.payout_rig import CHAIN_ID, ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.servers.anvil import AnvilServer

PAYOUTS = 100
ROUNDS = 3


def measure_payouts(work: Path, new_url: Callable[[], str]) -> dict[str, Any]:
    """Seconds and ratios, the median of rounds that take turns on one chain."""
    work.mkdir(parents=True, exist_ok=True)
    anvil = AnvilServer(work / "anvil.log")
    try:
        rounds = [_round(anvil, work / str(number), new_url()) for number in range(ROUNDS)]
    finally:
        anvil.stop()
    seconds = {name: median(one[name] for one in rounds) for name in rounds[0]}
    return {
        "payouts": PAYOUTS,
        "bare_ms_each": round(seconds["bare"] * 1000 / PAYOUTS, 1),
        "pay_ms_each": round(seconds["pay"] * 1000 / PAYOUTS, 1),
        "settle_ms_each": round(seconds["settle"] * 1000 / PAYOUTS, 1),
        "pay_to_bare": round(median(one["pay"] / one["bare"] for one in rounds), 2),
    }


def _round(anvil: AnvilServer, folder: Path, url: str) -> dict[str, float]:
    anvil.reset()
    seconds: dict[str, float] = {}
    bare_key: LocalAccount = anvil.account(100 * ETH_WEI)
    start = time.perf_counter()
    _bare(anvil.url, bare_key)
    seconds["bare"] = time.perf_counter() - start

    folder.mkdir()
    scratch = ScratchLedger(url, folder / "lake")
    rig = PayoutRig(scratch, anvil.account(100 * ETH_WEI), RpcChain(anvil.url))
    rig.earn(*[(worker_address(number), 4 * 10**16) for number in range(PAYOUTS)])
    start = time.perf_counter()
    report = rig.pay()
    seconds["pay"] = time.perf_counter() - start
    assert report.problems == [] and len(rig.payouts()) == PAYOUTS
    anvil.finalize()
    start = time.perf_counter()
    rig.drive()
    seconds["settle"] = time.perf_counter() - start
    assert all(payout.ended for payout in rig.payouts())
    scratch.close()
    return seconds


def _bare(url: str, key: LocalAccount) -> None:
    web3 = Web3(HTTPProvider(url))
    gas_price_wei = 2 * (web3.eth.get_block("latest").get("baseFeePerGas") or 0)
    for number in range(PAYOUTS):
        signed = Account.sign_transaction(
            {
                "type": 2,
                "chainId": CHAIN_ID,
                "nonce": web3.eth.get_transaction_count(key.address),
                "to": worker_address(10_000 + number),
                "value": 3 * 10**16,
                "gas": web3.eth.estimate_gas({"from": key.address, "to": key.address}),
                "maxFeePerGas": gas_price_wei,
                "maxPriorityFeePerGas": 0,
            },
            key.key,
        )
        sent = web3.eth.send_raw_transaction(signed.raw_transaction)
        web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.005)
