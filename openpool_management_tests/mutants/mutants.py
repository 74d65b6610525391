"""The errors: what each replaces in which file, and the tests that must fail then."""

from dataclasses import dataclass

FAULTS = "openpool_management_tests/faults/payouts"
BOOK = "openpool_management_tests/services/payouts/test_book.py"
SERVICES = "openpool_management/services/payouts"


@dataclass(frozen=True)
class Mutant:
    """One error. old must be in the file exactly once."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "sends before the bytes are durable",
        f"{SERVICES}/sending.py",
        "    return paymaster.book.add_attempt(",
        "    paymaster.chain.send(signed.raw)\n    return paymaster.book.add_attempt(",
        (f"{FAULTS}/test_replies.py",),
    ),
    Mutant(
        "takes nonces from pending",
        "openpool_management/adapters/chain/rpc_chain.py",
        'return "latest" if block is None',
        'return "pending" if block is None',
        (f"{FAULTS}/test_replies.py",),
    ),
    Mutant(
        "settles at the newest block",
        f"{SERVICES}/finality.py",
        "node.finalized().number",
        "node.latest().number",
        (f"{FAULTS}/test_reorgs.py",),
    ),
    Mutant(
        "takes nonce too low for a failure",
        f"{SERVICES}/sending.py",
        "        [payout] = look_up(paymaster, [payout], finality, lease)\n        if not _done",
        "        if reply.outcome is SendOutcome.NONCE_TOO_LOW:\n"
        '            return _reject(paymaster, payout, "nonce too low", lease)\n'
        "        [payout] = look_up(paymaster, [payout], finality, lease)\n        if not _done",
        (f"{FAULTS}/test_replies.py",),
    ),
    Mutant(
        "takes another nonce after a time-out",
        f"{SERVICES}/sending.py",
        "    if reply.outcome is SendOutcome.REVERTED:\n",
        "    if reply.outcome is SendOutcome.UNKNOWN and payout.slot:\n"
        "        gone = Event(Mark.SUPERSEDED, paymaster.clock(), payout.slot.id)\n"
        "        return paymaster.book.conclude(payout, Conclusion((gone,)), lease)\n"
        "    if reply.outcome is SendOutcome.REVERTED:\n",
        (f"{FAULTS}/test_replies.py",),
    ),
    Mutant(
        "lets web3 send again by itself",
        "openpool_management/adapters/chain/json_rpc.py",
        "exception_retry_configuration=None,",
        "",
        ("openpool_management_tests/adapters",),
    ),
    Mutant(
        "drops the fence",
        "openpool_management/adapters/sql/payouts/lease.py",
        "    if last is None or last.owner != lease.owner:",
        "    if last is None:",
        (BOOK,),
    ),
    Mutant(
        "keeps amounts in 64 bits",
        "openpool_management/adapters/sql/payouts/tables.py",
        "    return Column(name, Exact, nullable=False)",
        "    return Column(name, BigInteger, nullable=False)",
        (f"{FAULTS}/test_nodes.py",),
    ),
    Mutant(
        "does not look at the pause before sending",
        f"{SERVICES}/sending.py",
        "        paymaster.stop_for_pause()\n        paymaster.book.check_lease(lease)\n",
        "        paymaster.book.check_lease(lease)\n",
        (f"{FAULTS}/test_nodes.py",),
    ),
    Mutant(
        "asks one node alone what is final",
        f"{SERVICES}/finality.py",
        "return all(self._on(node, receipt) for node in self.paymaster.nodes)",
        "return self._on(self.paymaster.chain, receipt)",
        (f"{FAULTS}/test_nodes.py",),
    ),
    Mutant(
        "pays again what may be paid by hand",
        f"{SERVICES}/foreign.py",
        "    if (same.to, same.value_wei) == (intent.to_address, intent.amount_wei):",
        "    if False:",
        (f"{FAULTS}/test_foreign_nonces.py",),
    ),
    Mutant(
        "releases before the other transaction is final",
        f"{SERVICES}/foreign.py",
        "    if finality.nonce(payout.intent.sender) <= slot.nonce or _any_receipt",
        "    finality._numbers[id(paymaster.chain)] = paymaster.chain.latest().number\n"
        "    if _any_receipt",
        (f"{FAULTS}/test_foreign_nonces.py",),
    ),
    Mutant(
        "opens a used wallet by itself",
        f"{SERVICES}/preflight.py",
        "    if opening.nonce:\n",
        "    if False:\n",
        (f"{FAULTS}/test_foreign_nonces.py", f"{FAULTS}/test_restored_ledger.py"),
    ),
)
