"""Every command line of the runbook's part on payouts, run in the state that it is there for."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from openpool_management_tests.cli import stuck_states
from openpool_management_tests.cli.conftest import CHECKOUT
from openpool_management_tests.cli.payout_counter import WORKERS, Counter
from openpool_management_tests.cli.stuck_pool import Stuck
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.rpc_proxy import RpcProxy


def sections() -> dict[str, list[list[str]]]:
    """Headings of the runbook from Payouts on, each with the arguments of its command lines."""
    text = (CHECKOUT / "docs" / "runbook.md").read_text(encoding="utf-8")
    found = {}
    for part in text[text.index("\n## Payouts\n") :].split("\n## ")[1:]:
        blocks = re.findall(r"^```sh\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
        lines = [shlex.split(line) for line in "".join(blocks).splitlines()]
        assert {words[0] for words in lines} == {"openpool"}
        found[part.splitlines()[0]] = [words[1:] for words in lines]
    return found


@dataclass(frozen=True)
class Case:
    """A state, the numbers of a section's lines that end it, and their exit codes."""

    heading: str
    arrange: Callable[[Stuck], None]
    lines: tuple[int, ...]
    codes: str


USED = "The wallet's key was used elsewhere"
RESTORED = "The ledger was restored from a backup"
KEY = "The key or the signer fails"
CASES = [
    Case("Payouts", stuck_states.nothing, (0, 1, 2, 3, 4), "00000"),
    Case("Payouts wait to be sent", stuck_states.gas_is_dear, (0, 1), "10"),
    Case("Payouts wait to be sent", stuck_states.much_is_not_final, (0,), "1"),
    Case("A payout was sent and no block holds it", stuck_states.lost, (0, 1), "00"),
    Case("A payout was sent and no block holds it", stuck_states.lost_and_dear, (2, 3), "00"),
    Case("A payout's block does not become final", stuck_states.not_final, (0, 1), "00"),
    Case("The wallet does not cover the payouts", stuck_states.wallet_is_low, (0, 1), "10"),
    Case("A recipient can't be paid", stuck_states.recipient_refuses, (0, 1, 2), "000"),
    Case("A worker must not be paid", stuck_states.not_to_be_paid, (0, 1, 2), "000"),
    Case("A run waits for approval", stuck_states.waits_for_approval, (0, 1, 2), "000"),
    Case(USED, stuck_states.key_used, (0, 1, 2, 3), "1100"),
    Case(USED, stuck_states.nonce_used, (0, 1, 2, 3), "1000"),
    Case(USED, stuck_states.paid_by_hand, (2, 4, 5), "200"),
    Case(USED, stuck_states.prize_by_hand, (2, 6, 7), "200"),
    Case("A payout is held", stuck_states.held, (0, 1, 2), "000"),
    Case(
        "The wallet holds less than the ledger says", stuck_states.money_is_gone, (0, 1, 2), "100"
    ),
    Case(RESTORED, stuck_states.restored, (0, 1, 2, 3, 4), "00000"),
    Case(RESTORED, stuck_states.restored_to_the_beginning, (5, 0, 1, 2, 3, 4), "000000"),
    Case("Nodes disagree", stuck_states.node_is_behind, (0,), "0"),
    Case("Another process pays", stuck_states.another_process_pays, (0,), "0"),
    Case("The node refuses the wallet's transfers", stuck_states.node_refuses, (0, 1), "00"),
    Case(KEY, stuck_states.signer_is_down, (0,), "0"),
    Case(KEY, stuck_states.signer_is_wrong, (1, 2, 3), "000"),
    Case("The ledger is not sound", stuck_states.unsound, (0,), "1"),
]


def test_every_command_line_is_run() -> None:
    run = {heading: set[int]() for heading in sections()}
    for case in CASES:
        run[case.heading] |= set(case.lines)
    assert {heading: len(lines) for heading, lines in sections().items()} == {
        heading: len(numbers) for heading, numbers in run.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.arrange.__name__)
def test_the_commands_of_a_section_end_its_state(
    counter: Counter, anvil: AnvilServer, rpc_proxy: RpcProxy, case: Case
) -> None:
    counter.options["ETH_RPC_ENDPOINT"] = rpc_proxy.url
    stuck = Stuck(counter, anvil, rpc_proxy)
    case.arrange(stuck)
    lines = sections()[case.heading]
    for step, (number, code) in enumerate(zip(case.lines, case.codes, strict=True)):
        stuck.cure.get(step, int)()
        words = [stuck.names.get(word, word) for word in lines[number]]
        counter.command(*words, code=int(code))
    stuck.cure.get(len(case.lines), int)()
    assert_payouts_go_on(stuck)


def assert_payouts_go_on(stuck: Stuck) -> None:
    """A run of a day that no clock shows pays all that is owed, and the chain has nothing else."""
    counter = stuck.counter
    assert not counter.json("list")["status"]["paused"]
    counter.command("sync", "--full")
    for command in ("settle", "run --period 2020-01-02", *["settle"] * len(WORKERS)):
        stuck.anvil.finalize()
        last = counter.openpool("payouts", *command.split(), **counter.options)
        counter.printed += [last.stdout, last.stderr]
    assert last.code == 0, last
    assert counter.json("list", "--open")["payouts"] == []
    assert counter.json("reconcile")["differences"] == []
    balances = counter.rig.scratch.document()["balances"]
    for worker in WORKERS:
        balance = balances[worker]
        owed_wei = balance["earned_wei"] if worker in stuck.unpaid else "0"
        assert (balance["payable_wei"], balance["in_payout_wei"]) == (owed_wei, "0")
        paid_wei = stuck.anvil.balance_wei(worker) - stuck.gifts_wei[worker]
        assert paid_wei == int(balance["paid_wei"])
