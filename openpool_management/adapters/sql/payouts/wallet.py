"""Wallets in SQL: where they stood at first, their nonces, and what others did with their key."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.payouts import tables
from openpool_management.adapters.sql.payouts.postings import post_once, wallet_wei
from openpool_management.domain.accounts import AccountKind, Entry
from openpool_management.domain.payouts import entries
from openpool_management.domain.payouts.payout import NONCE_ENDED, Intent, Mark
from openpool_management.services.ports.payouts import (
    ForeignTransaction,
    Lease,
    Opening,
    PayoutConflict,
)


class SqlWallet(ABC):
    """The part of the PayoutBook that is about wallets."""

    engine: Engine

    def opening(self, sender: str) -> Opening | None:
        """See the port."""
        return next((one for one in self.openings() if one.sender == sender), None)

    def openings(self) -> list[Opening]:
        """See the port."""
        table = tables.wallet_opening.c
        query = select(
            table.sender, table.chain_id, table.nonce, table.balance_wei, table.block_number
        ).order_by(table.opened_at.desc())
        with reading(self.engine) as connection:
            return [Opening(*row) for row in connection.execute(query)]

    def open_wallet(self, opening: Opening, lease: Lease, at: datetime) -> None:
        """See the port."""
        table = tables.wallet_opening
        with self._writing(lease) as connection:
            others = set(connection.scalars(select(table.c.chain_id))) - {opening.chain_id}
            if others:
                raise PayoutConflict(
                    f"This ledger pays on chain {others.pop()}, so it can't pay on chain "
                    f"{opening.chain_id}: set CHAIN_ID and ETH_RPC_ENDPOINT back, or use another "
                    "ledger."
                )
            connection.execute(
                insert(table).values(
                    sender=opening.sender,
                    chain_id=opening.chain_id,
                    nonce=opening.nonce,
                    balance_wei=opening.balance_wei,
                    block_number=opening.block_number,
                    opened_at=at,
                )
            )
            entry = entries.funding(opening.sender, opening.block_number, opening.balance_wei)
            post_once(connection, [(entry, at)])

    def next_nonce(self, sender: str) -> int:
        """See the port."""
        with reading(self.engine) as connection:
            return self._next_nonce(connection, sender)

    def slot_nonces(self, sender: str) -> set[int]:
        """See the port."""
        slot = tables.tx_slot.c
        with reading(self.engine) as connection:
            return set(connection.scalars(select(slot.nonce).where(slot.sender == sender)))

    def foreign_nonces(self, sender: str) -> set[int]:
        """See the port."""
        foreign = tables.foreign_transaction.c
        with reading(self.engine) as connection:
            return set(connection.scalars(select(foreign.nonce).where(foreign.sender == sender)))

    def record_foreign(
        self,
        sender: str,
        chain_id: int,
        foreign: ForeignTransaction,
        lease: Lease,
        at: datetime,
        settles: Intent | None = None,
    ) -> None:
        """See the port."""
        transaction, table = foreign.transaction, tables.foreign_transaction
        nonce = (table.c.sender == sender) & (table.c.nonce == transaction.nonce)
        with self._writing(lease) as connection:
            known = connection.scalars(select(table.c.tx_hash).where(nonce)).all()
            if known and (settles is None or known != [transaction.hash]):
                raise PayoutConflict(
                    f"Nonce {transaction.nonce} of {sender} is accounted for already."
                )
            if not known:
                connection.execute(
                    insert(table).values(
                        chain_id=chain_id,
                        sender=sender,
                        nonce=transaction.nonce,
                        tx_hash=transaction.hash,
                        to_address=transaction.to or "",
                        value_wei=transaction.value_wei,
                        fee_wei=foreign.fee_wei,
                        block_number=transaction.block_number,
                        reason=foreign.reason,
                        recorded_at=at,
                    )
                )
            value_wei = transaction.value_wei
            posted = [
                (entries.foreign(sender, transaction.hash, value_wei, foreign.fee_wei), at),
            ]
            if settles is not None:
                self._insert_intent(connection, settles, None)
                posted += [(entries.reserved(settles), at), (entries.settled_by_other(settles), at)]
                connection.execute(
                    insert(tables.payout_event).values(
                        intent_id=settles.id,
                        seq=1,
                        mark=Mark.SETTLED.value,
                        tx_hash=transaction.hash,
                        block_number=transaction.block_number,
                        block_hash="",
                        detail=foreign.reason,
                        at=at,
                    )
                )
            post_once(connection, posted)

    def post(self, entry: Entry, lease: Lease, at: datetime) -> None:
        """See the port."""
        with self._writing(lease) as connection:
            post_once(connection, [(entry, at)])

    def wallet_wei(self, sender: str) -> int:
        """See the port."""
        with reading(self.engine) as connection:
            return wallet_wei(connection, sender)

    def last_block(self, sender: str) -> int:
        """See the port."""
        event, intent = tables.payout_event.c, tables.payout_intent.c
        foreign, key = tables.foreign_transaction.c, schema.entry.c.posting_key
        account = schema.account.c
        with reading(self.engine) as connection:
            ended = connection.scalar(
                select(func.max(event.block_number))
                .join(tables.payout_intent, intent.id == event.intent_id)
                .where(intent.sender == sender, event.mark.in_([one.value for one in NONCE_ENDED]))
            )
            used = connection.scalar(
                select(func.max(foreign.block_number)).where(foreign.sender == sender)
            )
            looks = connection.scalars(
                select(key)
                .join(schema.posting, schema.posting.c.entry_id == schema.entry.c.id)
                .join(schema.account, account.id == schema.posting.c.account_id)
                .where(
                    account.kind.in_([AccountKind.FUNDING.value, AccountKind.UNEXPLAINED.value]),
                    account.stream == "",
                    account.worker == sender,
                    key.startswith("funding:") | key.startswith("outflow:"),
                )
            )
            return max([ended or 0, used or 0, *(int(look.rpartition(":")[2]) for look in looks)])

    @staticmethod
    def _next_nonce(connection: Connection, sender: str) -> int:
        """The first nonce beyond all that the ledger knows of; 0 for a wallet not opened."""
        opening, slot = tables.wallet_opening.c, tables.tx_slot.c
        foreign = tables.foreign_transaction.c
        first, *last = connection.execute(
            select(
                select(opening.nonce).where(opening.sender == sender).scalar_subquery(),
                select(func.max(slot.nonce)).where(slot.sender == sender).scalar_subquery(),
                select(func.max(foreign.nonce)).where(foreign.sender == sender).scalar_subquery(),
            )
        ).one()
        return max([int(first or 0), *(int(nonce) + 1 for nonce in last if nonce is not None)])

    @abstractmethod
    def _insert_intent(
        self, connection: Connection, intent: Intent, plan_hash: str | None
    ) -> None: ...

    @abstractmethod
    def _writing(self, lease: Lease | None = None) -> AbstractContextManager[Connection]: ...
