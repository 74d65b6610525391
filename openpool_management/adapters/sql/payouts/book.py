"""The book of payouts in SQL: one transaction a method, one writer at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.payouts import lease as leases
from openpool_management.adapters.sql.payouts import tables
from openpool_management.adapters.sql.payouts.messages import SqlMessages
from openpool_management.adapters.sql.payouts.postings import (
    hold_batches,
    owed_wei,
    post_once,
)
from openpool_management.adapters.sql.payouts.rows import load, load_open, unseen_payout
from openpool_management.adapters.sql.payouts.wallet import SqlWallet
from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.chain import SendReply
from openpool_management.domain.payouts.payout import (
    Attempt,
    Intent,
    Payout,
    PayoutState,
    Purpose,
    Send,
    Slot,
)
from openpool_management.domain.payouts.transactions import SignedTransfer
from openpool_management.services.ports.payouts import Conclusion, Lease, PayoutConflict


class SqlPayoutBook(SqlWallet, SqlMessages):
    """Implements the PayoutBook port on an engine whose schema is up to date."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def acquire(self, sender: str, owner: str, now: datetime, seconds: int) -> Lease:
        """See the port."""
        with self._writing() as connection:
            return leases.take(connection, sender, owner, now, seconds)

    def release(self, lease: Lease, now: datetime) -> None:
        """See the port."""
        with self._writing() as connection:
            leases.give_back(connection, lease, now)

    def check_lease(self, lease: Lease) -> None:
        """See the port."""
        with reading(self.engine) as connection:
            leases.check(connection, lease)

    def open_payouts(self) -> list[Payout]:
        """See the port."""
        with reading(self.engine) as connection:
            return load_open(connection)

    def payouts(self, *, worker: str | None = None, limit: int = 100) -> list[Payout]:
        """See the port."""
        table = tables.payout_intent
        ids = select(table.c.id).order_by(table.c.number.desc()).limit(limit)
        if worker is not None:
            ids = ids.where(table.c.worker == worker)
        with reading(self.engine) as connection:
            return load(connection, table.c.id.in_(ids.scalar_subquery()))[::-1]

    def payout(self, payout_id: str) -> Payout | None:
        """See the port."""
        with reading(self.engine) as connection:
            return _one(connection, payout_id)

    def payouts_of(self, run_key: str) -> dict[str, list[Payout]]:
        """See the port."""
        found: dict[str, list[Payout]] = {}
        with reading(self.engine) as connection:
            for payout in load(connection, tables.payout_intent.c.run_key == run_key):
                found.setdefault(payout.intent.worker, []).append(payout)
        return found

    def reserve(self, intents: Sequence[Intent], plan_hash: str, lease: Lease) -> None:
        """See the port."""
        with self._writing(lease) as connection:
            # No batch may take a fee from a worker between the look and the commit.
            hold_batches(connection)
            owed = owed_wei(connection, [intent.worker for intent in intents])
            for intent in intents:
                if not 0 < intent.amount_wei <= owed.get(intent.worker, 0):
                    raise PayoutConflict(
                        f"Worker {intent.worker} is owed {owed.get(intent.worker, 0)} wei, so "
                        f"{intent.amount_wei} wei can't be set aside: make another plan."
                    )
                self._insert_intent(connection, intent, plan_hash)
            post_once(
                connection,
                [(entries.reserved(intent), intent.created_at) for intent in intents],
            )

    def open_slot(self, payout: Payout, nonce: int, lease: Lease, at: datetime) -> Payout:
        """See the port."""
        with self._writing(lease) as connection:
            _unmoved(connection, payout)
            if payout.state is not PayoutState.RESERVED:
                raise PayoutConflict(f"Payout {payout.id} is {payout.state}: it takes no nonce.")
            busy = unseen_payout(connection, payout.intent.sender)
            if busy is not None:
                raise PayoutConflict(
                    f"Payout {busy} is under way: payout {payout.id} waits until it is seen."
                )
            expected = self._next_nonce(connection, payout.intent.sender)
            if nonce != expected:
                raise PayoutConflict(
                    f"Nonce {nonce} can't be given to payout {payout.id}: the next one is "
                    f"{expected}."
                )
            slot_id = connection.scalars(
                insert(tables.tx_slot)
                .returning(tables.tx_slot.c.id)
                .values(
                    chain_id=payout.intent.chain_id,
                    sender=payout.intent.sender,
                    nonce=nonce,
                    intent_id=payout.id,
                    turn=len(payout.slots) + 1,
                    opened_at=at,
                )
            ).one()
        return replace(payout, slots=(*payout.slots, Slot(slot_id, nonce)))

    def add_attempt(
        self, payout: Payout, signed: SignedTransfer, purpose: Purpose, lease: Lease, at: datetime
    ) -> Payout:
        """See the port."""
        slot = payout.slot
        if slot is None or slot.nonce != signed.transfer.nonce:
            raise PayoutConflict(f"Payout {payout.id} has no nonce {signed.transfer.nonce}.")
        with self._writing(lease) as connection:
            _unmoved(connection, payout)
            connection.execute(
                insert(tables.tx_attempt).values(
                    hash=signed.hash,
                    slot_id=slot.id,
                    turn=len(slot.attempts) + 1,
                    purpose=purpose.value,
                    raw=signed.raw,
                    to_address=signed.transfer.to,
                    value_wei=signed.transfer.value_wei,
                    gas=signed.transfer.gas,
                    max_fee_wei=signed.transfer.max_fee_wei,
                    max_priority_fee_wei=signed.transfer.max_priority_fee_wei,
                    fence=lease.fence,
                    persisted_at=at,
                )
            )
        attempt = Attempt(signed, purpose, at)
        return _with_attempts(payout, slot, (*slot.attempts, attempt))

    def record_send(self, payout: Payout, tx_hash: str, reply: SendReply, at: datetime) -> Payout:
        """See the port."""
        with self._writing() as connection:
            connection.execute(
                insert(tables.tx_send).values(
                    tx_hash=tx_hash, outcome=reply.outcome.value, detail=reply.detail, sent_at=at
                )
            )
        slot = payout.slot
        if slot is None:
            return payout
        send = Send(at, reply.outcome, reply.detail)
        attempts = tuple(
            replace(one, sends=(*one.sends, send)) if one.hash == tx_hash else one
            for one in slot.attempts
        )
        return _with_attempts(payout, slot, attempts)

    def conclude(self, payout: Payout, conclusion: Conclusion, lease: Lease | None) -> Payout:
        """See the port."""
        with self._writing(lease) as connection:
            _unmoved(connection, payout)
            rows = [
                {
                    "intent_id": payout.id,
                    "seq": len(payout.events) + number,
                    "slot_id": event.slot_id,
                    "mark": event.mark.value,
                    "tx_hash": event.tx_hash,
                    "block_number": event.block_number,
                    "block_hash": event.block_hash,
                    "detail": event.detail,
                    "at": event.at,
                }
                for number, event in enumerate(conclusion.events, 1)
            ]
            connection.execute(insert(tables.payout_event), rows)
            last = conclusion.events[-1]
            post_once(connection, [(entry, last.at) for entry in conclusion.entries])
            if conclusion.blocked:
                worker = payout.intent.worker
                self._write_block(connection, worker, True, conclusion.blocked, last.at)
            if conclusion.subject:
                key = f"payout:{payout.id}:{last.mark}:{rows[-1]['seq']}"
                self._tell_of(connection, key, conclusion.subject, payout, last)
        return replace(payout, events=(*payout.events, *conclusion.events))

    def _insert_intent(self, connection: Connection, intent: Intent, plan_hash: str | None) -> None:
        table = tables.payout_intent
        before = load(
            connection, (table.c.run_key == intent.run_key) & (table.c.worker == intent.worker)
        )
        if any(one.state is not PayoutState.VOIDED for one in before):
            raise PayoutConflict(
                f"Worker {intent.worker} has a payout of {intent.run_key} already: {before[-1].id}."
            )
        number = connection.scalar(select(func.coalesce(func.max(table.c.number), 0)))
        try:
            connection.execute(
                insert(table).values(
                    id=intent.id,
                    number=(number or 0) + 1,
                    run_key=intent.run_key,
                    attempt=len(before),
                    worker=intent.worker,
                    to_address=intent.to_address,
                    amount_wei=intent.amount_wei,
                    chain_id=intent.chain_id,
                    sender=intent.sender,
                    plan_hash=plan_hash,
                    created_at=intent.created_at,
                )
            )
        except IntegrityError as error:
            raise PayoutConflict(f"Payout {intent.id} exists already.") from error

    @contextmanager
    def _writing(self, lease: Lease | None = None) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            leases.one_writer(connection)
            if lease is not None:
                leases.check(connection, lease)
            yield connection


def _one(connection: Connection, payout_id: str) -> Payout | None:
    found = load(connection, tables.payout_intent.c.id == payout_id)
    return found[0] if found else None


def _with_attempts(payout: Payout, slot: Slot, attempts: tuple[Attempt, ...]) -> Payout:
    return replace(payout, slots=(*payout.slots[:-1], replace(slot, attempts=attempts)))


def _unmoved(connection: Connection, payout: Payout) -> None:
    """Raises PayoutConflict when facts were added to a payout since the caller read it."""
    event, slot, attempt = tables.payout_event.c, tables.tx_slot.c, tables.tx_attempt.c
    slots = select(slot.id).where(slot.intent_id == payout.id)
    counts = connection.execute(
        select(
            select(func.count()).where(event.intent_id == payout.id).scalar_subquery(),
            select(func.count()).where(slot.intent_id == payout.id).scalar_subquery(),
            select(func.count()).where(attempt.slot_id.in_(slots)).scalar_subquery(),
        )
    ).one()
    attempts = sum(len(one.attempts) for one in payout.slots)
    if tuple(counts) != (len(payout.events), len(payout.slots), attempts):
        raise PayoutConflict(f"Payout {payout.id} has moved on: another process deals with it.")
