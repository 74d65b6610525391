"""The errors: what each replaces in which file, and the tests that must fail then."""

from dataclasses import dataclass

FAULTS = "openpool_management_tests/faults/payouts"
BOOK = "openpool_management_tests/services/payouts/test_book.py"
RUNS = "openpool_management_tests/services/payouts/test_runs.py"
AMOUNTS = "openpool_management_tests/services/payouts/test_amounts.py"
DURABILITY = "openpool_management_tests/services/payouts/test_durability.py"
FINALITY = "openpool_management_tests/services/payouts/test_finality.py"
SOUNDNESS = "openpool_management_tests/services/payouts/test_soundness.py"
SIGNERS = "openpool_management_tests/services/payouts/test_signers.py"
MOMENTS = "openpool_management_tests/services/payouts/test_moments.py"
TWO_LOOKS = "openpool_management_tests/services/payouts/test_two_looks.py"
LATE_BATCHES = "openpool_management_tests/services/payouts/test_late_batches.py"
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
        "    if paid_alike or used_by.hash == NO_TRANSACTION:",
        "    if used_by.hash == NO_TRANSACTION:",
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
        "    expect_unused(opening.sender, opening.nonce)\n",
        "",
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
        (BOOK,),
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
        "            still_right(plan, today, planner.policy, funds)\n",
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
    Mutant(
        "takes nonces from pending where it asks for all at once",
        "openpool_management/adapters/chain/rpc_chain.py",
        '(NONCE, (sender, "latest"))',
        '(NONCE, (sender, "pending"))',
        (f"{FAULTS}/test_replies.py",),
    ),
    Mutant(
        "pays from a ledger that is out of balance",
        f"{SERVICES}/plans.py",
        "    if errors:\n",
        "    if False:\n",
        (SOUNDNESS,),
    ),
    Mutant(
        "takes whatever a signer signed",
        "openpool_management/domain/payouts/transactions.py",
        "    if signed.transfer != asked:",
        "    if False:",
        (SIGNERS,),
    ),
    Mutant(
        "takes the signature of any key",
        "openpool_management/domain/payouts/transactions.py",
        "    if signed.sender != sender:",
        "    if False:",
        (SIGNERS,),
    ),
    Mutant(
        "goes on after a signer has signed something else",
        f"{SERVICES}/sending.py",
        "        paymaster.halt(str(error), payout)\n",
        "",
        (SIGNERS,),
    ),
    Mutant(
        "sends without a look at the fence",
        f"{SERVICES}/sending.py",
        "        paymaster.book.check_lease(lease)\n        reply",
        "        reply",
        (MOMENTS,),
    ),
    Mutant(
        "does not look at the pause before a nonce",
        f"{SERVICES}/sending.py",
        "    paymaster.stop_for_pause()\n    payout = paymaster.book.open_slot",
        "    payout = paymaster.book.open_slot",
        (MOMENTS,),
    ),
    Mutant(
        "does not look at the pause before signing",
        f"{SERVICES}/sending.py",
        "    paymaster.stop_for_pause()\n    if paymaster.load_signer",
        "    if paymaster.load_signer",
        (MOMENTS,),
    ),
    Mutant(
        "asks one node alone whether a nonce is used",
        f"{SERVICES}/foreign.py",
        "all(node.nonce(paymaster.sender) > nonce for node in paymaster.nodes)",
        "paymaster.chain.nonce(paymaster.sender) > nonce",
        (TWO_LOOKS,),
    ),
    Mutant(
        "looks once before it says that a nonce was used elsewhere",
        f"{SERVICES}/foreign.py",
        "        if not _used(paymaster, slot.nonce) or _any_receipt(paymaster, hashes):",
        "        if False:",
        (TWO_LOOKS,),
    ),
    Mutant(
        "lets a batch commit while a payout is set aside",
        "openpool_management/adapters/sql/payouts/book.py",
        "            hold_batches(connection)\n",
        "",
        (LATE_BATCHES,),
    ),
)
