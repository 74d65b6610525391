"""The errors: what each replaces in which file, and the tests that must fail then."""

from dataclasses import dataclass

FAULTS = "openpool_management_tests/faults/payouts"
BOOK = "openpool_management_tests/services/payouts/test_book.py"
RUNS = "openpool_management_tests/services/payouts/test_runs.py"
AMOUNTS = "openpool_management_tests/services/payouts/test_amounts.py"
DURABILITY = "openpool_management_tests/services/payouts/test_durability.py"
FINALITY = "openpool_management_tests/services/payouts/test_finality.py"
FEES = "openpool_management_tests/domain/payouts/test_fees.py"
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
        (FINALITY,),
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
        ("openpool_management_tests/adapters/test_chain_faults.py",),
    ),
    Mutant(
        "drops the fence",
        "openpool_management/adapters/sql/payouts/lease.py",
        "    if set(connection.scalars(since)) != {lease.owner}:",
        "    if lease.owner not in set(connection.scalars(since)):",
        (BOOK,),
    ),
    Mutant(
        "lets a clock that is ahead hold the wallet",
        "openpool_management/adapters/sql/payouts/lease.py",
        "    return now < expires_at <= now + 2 * length",
        "    return now < expires_at",
        (BOOK,),
    ),
    Mutant(
        "lets the database's settings say what is durable",
        "openpool_management/adapters/sql/payouts/lease.py",
        '        connection.execute(text("SET LOCAL synchronous_commit = on"))\n',
        "",
        (DURABILITY,),
    ),
    Mutant(
        "keeps amounts in 64 bits",
        "openpool_management/adapters/sql/payouts/tables.py",
        "    return Column(name, Exact, nullable=False)",
        "    return Column(name, BigInteger, nullable=False)",
        (AMOUNTS,),
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
        (FINALITY,),
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
    Mutant(
        "opens a nonce while another payout is unseen",
        "openpool_management/adapters/sql/payouts/book.py",
        "            if busy is not None:",
        "            if False:",
        (BOOK,),
    ),
    Mutant(
        "sets aside more than is owed",
        "openpool_management/adapters/sql/payouts/book.py",
        "if not 0 < intent.amount_wei <= owed.get(intent.worker, 0):",
        "if not 0 < intent.amount_wei:",
        (AMOUNTS,),
    ),
    Mutant(
        "takes a reverted transfer for a payment",
        f"{SERVICES}/sightings.py",
        "    if attempt.purpose is Purpose.PAYOUT and receipt.succeeded:",
        "    if attempt.purpose is Purpose.PAYOUT:",
        (RUNS,),
    ),
    Mutant(
        "loses what a payout that is void had set aside",
        f"{SERVICES}/sightings.py",
        "        (gas, entries.voided(intent)),",
        "        (gas,),",
        (RUNS,),
    ),
    Mutant(
        "takes any block for the one with the receipt",
        f"{SERVICES}/finality.py",
        "        if self._hash(node, receipt.block_number) != receipt.block_hash:",
        "        if False:",
        (FINALITY,),
    ),
    Mutant(
        "gives back at once what is cancelled on its way",
        f"{SERVICES}/orders.py",
        "return void_unsent(book, payout, None, now) if payout.slot is None else payout",
        "return void_unsent(book, payout, None, now)",
        (RUNS,),
    ),
    Mutant(
        "pays an approved plan whatever was learnt since",
        f"{SERVICES}/run.py",
        "        if today is not None:\n            still_right(plan, today)\n",
        "",
        (RUNS,),
    ),
    Mutant(
        "forgets what a run has set aside before",
        "openpool_management/domain/payouts/planning.py",
        "policy.run_max_wei - funds.run_before_wei",
        "policy.run_max_wei",
        (RUNS,),
    ),
    Mutant(
        "raises a price by less than a tenth",
        "openpool_management/domain/payouts/fees.py",
        "BUMP_PERCENT = 110",
        "BUMP_PERCENT = 109",
        (FEES,),
    ),
    Mutant(
        "cuts gas to the limit instead of refusing it",
        "openpool_management/domain/payouts/fees.py",
        "    if gas > rules.limit:",
        "    gas = min(gas, rules.limit)\n    if gas > rules.limit:",
        (FEES,),
    ),
)
